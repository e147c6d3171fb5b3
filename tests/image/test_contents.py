"""Contents of the serving image."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.image.containers import NAME, build, engine, inspect, run_container, run_once, untag

pytestmark = pytest.mark.image

MAX_MB = 450
LIST_PACKAGES = """
import importlib.metadata, json, re
names = {re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower() + "@" + found.version
         for found in importlib.metadata.distributions()}
print(json.dumps(sorted(names)))
"""


def test_it_is_small(image: str) -> None:
    assert inspect("image", image)["Size"] <= MAX_MB * 1_000_000


def test_it_contains_no_training_library_and_no_compiler(image: str) -> None:
    modules = ("torch", "gymnasium", "stable_baselines3", "hydra", "pyarrow", "Cython")
    search = f"import importlib.util as u; print([m for m in {modules} if u.find_spec(m)])"

    assert run_once(image, "python3", "-c", search).strip() == "[]"
    assert run_once(image, "sh", "-c", "command -v gcc cc g++ ld make || true") == ""


def test_it_contains_no_cache(image: str) -> None:
    found = run_once(
        image, "sh", "-c", "ls -A /root /tmp /var/cache/apt /root/.cache 2>/dev/null || true"
    )

    assert not re.search(r"pip|\.whl|\.deb", found)


def test_it_has_the_labels_that_sagemaker_reads(image: str) -> None:
    labels = inspect("image", image)["Config"]["Labels"]

    assert labels["com.amazonaws.sagemaker.capabilities.multi-models"] == "true"
    assert labels["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
    assert labels["org.opencontainers.image.title"] == "linkage_rl"
    assert re.fullmatch(r"\d+\.\d+\.\d+", labels["org.opencontainers.image.version"])
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert labels["org.opencontainers.image.revision"][:12] == head.stdout[:12]


def test_the_environment_contains_no_secret(image: str) -> None:
    pairs = dict(word.split("=", 1) for word in inspect("image", image)["Config"]["Env"])

    assert not [name for name in pairs if re.search(r"PASS|SECRET|TOKEN|KEY|URL", name)]


def test_the_folders_are_those_of_the_contract(image: str) -> None:
    listed = run_once(image, "sh", "-c", "cd /opt/ml && find . | sort").split()

    assert {"./code/program", "./code/serve", "./code/train", "./code/revision"} <= {*listed}
    assert {"./code/serving/worker.py", "./code/serving/app.py", "./code/sbom.json"} <= {*listed}
    assert {"./code/nginx.conf", "./code/serving/nginx.conf"} <= {*listed}
    assert {"./model", "./input/config", "./input/data", "./input/eval", "./output"} <= {*listed}
    config = inspect("image", image)["Config"]
    assert (config["Entrypoint"], config["Cmd"]) == (["/opt/ml/code/program"], ["serve"])


def test_the_bill_of_materials_lists_everything_installed(image: str) -> None:
    bill = json.loads(run_once(image, "cat", "/opt/ml/code/sbom.json"))
    python = json.loads(run_once(image, "python3", "-c", LIST_PACKAGES))
    debian = run_once(image, "dpkg-query", "-W", "-f", "${Package}@${Version}\n").split()

    components = bill["components"]
    addresses = {component.get("purl", "").split("?")[0] for component in components}
    assert bill["bomFormat"] == "CycloneDX"
    assert {f"pkg:pypi/{name}" for name in python} <= addresses
    assert {f"pkg:deb/debian/{name}" for name in debian} <= addresses
    files = [one for one in components if "purl" not in one]
    assert len(components) == len(python) + len(debian) + len(files)
    assert {"linkage_rl/text/towns.txt.xz", "tldextract/.tld_set_snapshot"} <= {
        one["name"] for one in files
    }
    assert [one["bom-ref"] for one in components if not one["licenses"]] == []


def test_the_server_has_a_user_without_rights_and_the_driver_of_mysql(image: str) -> None:
    assert inspect("image", image)["Config"]["User"] == "10001:10001"

    search = "import getpass, os, pymysql; print(os.getuid(), getpass.getuser(), os.getcwd())"

    assert run_once(image, "python3", "-c", search).split() == ["10001", "linkage", "/opt/ml/code"]


@pytest.mark.parametrize(
    ("platform", "said"), [("linux/amd64", "--platform linux/amd64"), ("", "--platform linux/")]
)
def test_docker_builds_in_the_only_format_that_sagemaker_takes(
    platform: str, said: str, image: str, tmp_path: Path
) -> None:
    """As Docker 29, whose images are an index with a provenance unless options forbid it."""
    docker = tmp_path / "docker"
    docker.write_text(
        f"""#!/bin/sh
case "$1" in
--version) echo "Docker version 29.1.0" ;;
build) echo "$@" >>{tmp_path}/calls ;;
image) echo 1 ;;
esac
"""
    )
    docker.chmod(0o755)

    variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "BASE_IMAGE": "base"}
    ended = build("serve", **variables, **({"PLATFORM": platform} if platform else {}))

    assert ended.returncode == 0, ended.stderr
    call = (tmp_path / "calls").read_text()
    assert "--provenance=false --sbom=false --output type=docker" in call
    assert said in call


def test_an_unknown_command_is_refused(image: str) -> None:
    with run_container(image, command="retrain", wait=False) as container:
        assert container.wait(10) == 2
        assert "expected the command serve, review or train, got 'retrain'" in container.logs()


@pytest.mark.parametrize(
    "word", ["DB_PASS=hush-hush", "DATABASE_URL=postgresql://ann:hush-hush@db/crm"]
)
class TestAPasswordAsABuildArgument:
    def test_is_refused_by_the_script(self, word: str) -> None:
        ended = build("serve", word)

        assert ended.returncode == 2
        assert "would be readable in the image" in ended.stderr
        assert "hush-hush" not in ended.stdout + ended.stderr

    def test_is_refused_by_the_build_itself(self, image: str, word: str) -> None:
        ended = build("serve", f"--build-arg={word}", name=f"{NAME}_leaky")

        assert ended.returncode != 0
        assert "would be readable in the image" in ended.stderr
        assert f"{NAME}_leaky" not in engine("images", "--format", "{{.Repository}}")


@pytest.mark.extras
def test_two_builds_of_a_commit_are_the_same_image(image: str) -> None:
    ended = build("serve", "--no-cache", name=f"{NAME}_again")

    assert ended.returncode == 0, ended.stderr
    first, second = inspect("image", image), inspect("image", f"{NAME}_again:latest")
    assert first["RootFS"]["Layers"] == second["RootFS"]["Layers"]
    assert first["Id"] == second["Id"]
    untag(f"{NAME}_again")


def test_a_bundle_a_database_and_certificates_can_be_built_in(
    image: str, sample_bundle: Path, tmp_path: Path
) -> None:
    certificates = tmp_path / "authorities.pem"
    certificates.write_text("-----BEGIN CERTIFICATE-----\n")
    certificates.chmod(0o600)
    words = [f"BUNDLE={sample_bundle}", f"CERTIFICATES={certificates}", "DB_NAME=crm"]

    ended = build("serve", *words, name=f"{NAME}_built_in")

    assert ended.returncode == 0, ended.stderr
    assert "DB_NAME=crm" in inspect("image", f"{NAME}_built_in:latest")["Config"]["Env"]
    with run_container(f"{NAME}_built_in:latest") as container:
        assert container.send("/ping").status == 200
        shown = container.shell("cat /opt/ml/code/certificates/database.pem")
        assert shown == "-----BEGIN CERTIFICATE-----\n"
    untag(f"{NAME}_built_in")


def test_a_bundle_with_a_link_out_of_it_is_refused(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    (bundle / "golden.jsonl").symlink_to("/etc/hostname")

    ended = build("serve", f"BUNDLE={bundle}")

    assert ended.returncode == 2
    assert f"got the link {bundle}/golden.jsonl" in ended.stderr


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    ended = build("serve", f"BUNDLE={tmp_path}")

    assert ended.returncode == 2
    assert f"expected a bundle in BUNDLE={tmp_path}, found no manifest.json" in ended.stderr
