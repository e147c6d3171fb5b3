"""The wheel in a bare environment, in folders without a checkout."""

import csv
import os
import shutil
import site
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from tests.commands.shop import CLIENTS, COMPANIES, write_csv, write_shop_bundle
from tests.commands.test_train import TINY

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that was built from it."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(built), str(source)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return built


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel and what it needs, without extras."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    (wheel,) = dist.glob("*.whl")
    pip = [str(environment / "bin" / "pip"), "install", "--quiet", "--no-compile"]
    subprocess.run(
        [*pip, "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt"), str(wheel)],
        check=True,
    )
    return environment / "bin"


def ran(
    folder: Path, program: Path, *words: str, with_extras: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Run a program of the environment; with extras it sees the libraries of this one."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    if with_extras:
        # not its .pth files: the checkout itself stays out of sight
        environ["PYTHONPATH"] = os.pathsep.join(site.getsitepackages())
    return subprocess.run(
        [str(program), *words], cwd=folder, env=environ, capture_output=True, text=True
    )


def names_in(path: Path) -> set[str]:
    """Files of an archive; those of a source distribution without its top folder."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return set(wheel.namelist())
    with tarfile.open(path) as sdist:
        return {str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in sdist.getnames()}


def below(folder: str, pattern: str) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob(pattern)}


@pytest.mark.slow
def test_the_wheel_holds_kernels_configurations_data_and_licences(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")

    names = names_in(wheel)

    kernels = {name.partition(".")[0] for name in names if name.endswith(".so")}
    sources = {name.removesuffix(".pyx") for name in below("linkage_rl", "*.pyx")}
    assert kernels == {"linkage_rl/_cython", *sources}
    assert {f"linkage_rl/{name}" for name in below("configs", "*.yaml")} <= names
    for pattern in ("*.py", "*.pyi", "*.tsv", "*.txt", "*.jinja", "py.typed"):
        assert below("linkage_rl", pattern) <= names
    assert below("hydra_plugins", "*.py") <= names
    licences = {name.partition("/licenses/")[2] for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE", *below("LICENSES", "*.txt")}
    assert not any(name.startswith(("tests/", "serving/", "experiments/")) for name in names)


@pytest.mark.slow
def test_the_source_distribution_holds_what_a_wheel_is_built_from(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")

    names = names_in(sdist)

    for pattern in ("*.py", "*.pyx", "*.pxd", "*.pyi", "*.tsv", "*.txt", "*.jinja", "py.typed"):
        assert below("linkage_rl", pattern) <= names
    assert below("configs", "*.yaml") | below("requirements", "*.txt") <= names
    assert {"LICENSE", "NOTICE", "README.md", "setup.py", "pyproject.toml"} <= names
    assert not any(name.endswith((".so", ".c")) for name in names)


def test_a_build_without_kernels_fails_instead_of_making_a_broken_wheel(tmp_path: Path) -> None:
    shutil.copyfile(ROOT / "setup.py", tmp_path / "setup.py")
    (tmp_path / "linkage_rl").mkdir()

    ended = subprocess.run(
        [sys.executable, "setup.py", "build"], cwd=tmp_path, capture_output=True, text=True
    )

    assert ended.returncode == 1
    assert "error: expected .pyx files in linkage_rl/, found none; build from" in ended.stderr


@pytest.mark.slow
def test_the_base_install_loads_links_and_evaluates(installed: Path, tmp_path: Path) -> None:
    bundle = write_shop_bundle(tmp_path / "made")
    work = tmp_path / "work"
    work.mkdir()
    write_csv(work / "companies.csv", COMPANIES)
    write_csv(work / "clients.csv", CLIENTS)
    program = installed / "linkage-rl"

    for words in (
        ("companies", "source=companies.csv", "database=shop.db"),
        ("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", "database=shop.db"),
        ("evaluate", f"bundle={bundle}", "clients=clients.csv", "output=measured"),
    ):
        ended = ran(work, program, *words)
        assert ended.returncode == 0, ended.stderr

    with (work / "o.csv").open(encoding="utf-8") as stream:
        assert [row["company_id"] for row in csv.DictReader(stream)] == ["c1", "c2", "", "c3"]
    assert (work / "measured" / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["train", "export", "deploy"])
def test_a_command_without_its_extra_is_one_sentence(
    installed: Path, tmp_path: Path, command: str
) -> None:
    extra = "deploy" if command == "deploy" else "train"

    for ended in (
        ran(tmp_path, installed / "linkage-rl", command),
        ran(tmp_path, installed / "python", "-m", f"linkage_rl.{command}"),
    ):
        assert ended.returncode == 2
        assert ended.stderr.count("\n") == 1
        if command != "export":
            assert f"pip install 'linkage_rl[{extra}]'" in ended.stderr


@pytest.mark.slow
def test_a_tiny_run_trains_in_an_empty_folder_and_its_bundle_links(
    installed: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "conf" / "reward" / "mine.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("# @package _global_\nreward:\n  wrong_link: -3.0\n")
    program = installed / "linkage-rl"

    trained = ran(
        *(tmp_path, program, "train", "--config-dir=conf", *TINY, "reward=mine"),
        with_extras=True,
    )

    assert trained.returncode == 0, trained.stderr
    bundle = trained.stdout.strip().splitlines()[-1].split()[1]
    assert "wrong_link: -3.0" in (tmp_path / bundle).with_name("config.yaml").read_text()
    write_csv(tmp_path / "clients.csv", CLIENTS)
    linked = ran(
        tmp_path, program, "link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv"
    )
    assert linked.returncode == 0, linked.stderr
    assert linked.stdout.splitlines()[1].startswith("4 clients")


@pytest.mark.slow
def test_the_checkout_is_not_what_was_tested(installed: Path, tmp_path: Path) -> None:
    code = "from linkage_rl import shipped; print(shipped.__file__, shipped.shipped('configs'))"

    for with_extras in (False, True):
        ended = ran(tmp_path, installed / "python", "-c", code, with_extras=with_extras)

        module, configs = ended.stdout.split()
        assert Path(module).is_relative_to(installed.parent)
        assert Path(configs) == Path(module).parent / "configs"
