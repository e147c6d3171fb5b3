"""`requirements/image/`: all that the images install, pinned and hashed for both architectures."""

import configparser
import re
import subprocess
from pathlib import Path

import pytest

FOLDER = Path("requirements/image")
PINNED = set(Path("constraints.txt").read_text(encoding="utf-8").split())


def locked(part: str) -> dict[str, list[str]]:
    """`name==version` to its hashes."""
    text = (FOLDER / f"{part}.txt").read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {
        words[0]: [word.removeprefix("--hash=sha256:") for word in words[1:]] for words in lines
    }


def names(lines: list[str]) -> set[str]:
    """Names of requirements, as package indexes write them."""
    found = (re.match(r"[\w.-]+", line.strip()) for line in lines)
    return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match}


def wanted(*extras: str) -> set[str]:
    """Names that the package and these extras of it require."""
    config = configparser.ConfigParser(interpolation=None)
    config.read("setup.cfg")
    lines = Path("requirements/linking.txt").read_text(encoding="utf-8").splitlines()
    for extra in extras:
        lines += config["options.extras_require"][extra].splitlines()
    return names([line for line in lines if not line.startswith("#")])


@pytest.mark.parametrize("part", ["build", "serve", "train", "sources"])
def test_every_version_is_the_tested_one_and_has_hashes(part: str) -> None:
    for requirement, hashes in locked(part).items():
        assert requirement in PINNED or requirement.split("==")[0] in {"pip", "setuptools"}
        assert hashes
        assert all(re.fullmatch("[0-9a-f]{64}", one) for one in hashes)


def test_all_that_serving_requires_is_locked() -> None:
    assert wanted("serve", "aws", "mysql") <= names(list(locked("serve")))


def test_all_that_training_requires_is_locked_but_torch() -> None:
    commands = Path("requirements/commands.txt").read_text(encoding="utf-8").splitlines()
    needed = wanted("train") | names([line for line in commands if not line.startswith("#")])

    missing = needed - names([*locked("serve"), *locked("train")])

    # any build of torch will do, also one for CPUs alone
    assert missing == {"torch"}


def test_compiled_packages_have_a_wheel_for_each_architecture() -> None:
    serve = locked("serve")

    for name in ("numpy", "onnxruntime", "psycopg-binary", "rapidfuzz", "uvloop", "httptools"):
        (hashes,) = [found for one, found in serve.items() if one.startswith(f"{name}==")]
        assert len(hashes) == 2, name


@pytest.mark.parametrize(
    ("machine", "arch"),
    [
        ("x86_64", "linux/amd64 x86_64"),
        ("amd64", "linux/amd64 x86_64"),
        ("aarch64", "linux/arm64 aarch64"),
        ("arm64", "linux/arm64 aarch64"),
        ("linux/arm64/v8", "linux/arm64 aarch64"),
        ("linux/amd64", "linux/amd64 x86_64"),
    ],
)
@pytest.mark.parametrize("by", ["uname", "PLATFORM", "DOCKER_DEFAULT_PLATFORM"])
def test_every_name_of_an_architecture_means_its_wheels(
    by: str, machine: str, arch: str, tmp_path: Path
) -> None:
    ended = platform(tmp_path, machine, by)

    assert ended.stdout.strip() == arch, ended.stderr


@pytest.mark.parametrize("machine", ["armv7l", "i686", "ppc64le", "linux/riscv64"])
def test_an_architecture_without_wheels_is_refused(machine: str, tmp_path: Path) -> None:
    ended = platform(tmp_path, machine, "uname")

    assert ended.returncode == 1
    assert f"expected linux/amd64 or linux/arm64, got '{machine}'" in ended.stderr


def platform(folder: Path, machine: str, by: str) -> "subprocess.CompletedProcess[str]":
    """Source the script on a machine of this name, or with the name in a variable."""
    uname = folder / "uname"
    uname.write_text(f"#!/bin/sh\necho {machine}\n")
    uname.chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin"} | ({} if by == "uname" else {by: machine})
    return subprocess.run(
        ["bash", "-c", '. scripts/platform.sh && echo "$platform $arch"'],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
