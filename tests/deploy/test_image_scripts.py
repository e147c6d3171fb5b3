"""`scripts/image.sh` and `scripts/base_images.sh` with a fake engine, which builds nothing."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.registry import ROOT

DOCKER = """#!/bin/bash
echo "$@" >> "$(dirname "$0")/../docker.log"
case "$1 $2" in
"--version ") echo "Docker version 28" ;;
"image inspect") if [[ "$4" == *Size* ]]; then echo 1000000; else exit 1; fi ;;
esac
"""
WHEELS = """#!/bin/bash
mkdir -p wheels && touch wheels/a.whl
echo "$PWD/wheels"
"""
PYTHON = "public.ecr.aws/docker/library/python:3.11-slim-bookworm"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout with the scripts, and a fake docker in `bin`."""
    scripts, programs = tmp_path / "scripts", tmp_path / "bin"
    scripts.mkdir()
    programs.mkdir()
    for name in ("image.sh", "base_images.sh", "engine.sh", "platform.sh"):
        shutil.copy(ROOT / "scripts" / name, scripts)
    (scripts / "wheels.sh").write_text(WHEELS)
    (programs / "docker").write_text(DOCKER)
    for path in (scripts / "wheels.sh", programs / "docker"):
        path.chmod(0o755)
    (tmp_path / "setup.cfg").write_text("version = 1\n")
    author = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "setup.cfg"), (*author, "commit", "-q", "-m", "t")):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def run(script: str, checkout: Path, *words: str, path: str = "/usr/bin:/bin") -> str:
    """Standard output of a script that ends well."""
    environ = {"PATH": f"{checkout / 'bin'}:{path}", "HOME": str(checkout), "LANG": "C.UTF-8"}
    ended = subprocess.run(
        [checkout / "scripts" / script, *words],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def private_bundle(checkout: Path, file_mode: int, folder_mode: int) -> Path:
    """A bundle, one file and one folder of which have these modes."""
    bundle = checkout / "bundle"
    (bundle / "index").mkdir(parents=True)
    for name in ("manifest.json", "index/state.arrays"):
        (bundle / name).write_text("{}")
        (bundle / name).chmod(0o644)
    bundle.chmod(0o755)
    (bundle / "index" / "state.arrays").chmod(file_mode)
    (bundle / "index").chmod(folder_mode)
    return bundle


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o600, 0o755), (0o644, 0o744)])
@pytest.mark.parametrize("linked", [False, True])
def test_a_private_bundle_can_be_read_in_the_image_and_keeps_its_own_modes(
    linked: bool, file_mode: int, folder_mode: int, checkout: Path
) -> None:
    bundle = given = private_bundle(checkout, file_mode, folder_mode)
    if linked:
        given = checkout / "latest"
        given.symlink_to(bundle)

    run("image.sh", checkout, "serve", f"BUNDLE={given}")

    model = checkout / "build" / "image" / "serve" / "model"
    assert (model / "index").stat().st_mode & 0o777 == 0o755
    assert (model / "index" / "state.arrays").stat().st_mode & 0o777 == 0o644
    assert (bundle / "index").stat().st_mode & 0o777 == folder_mode
    assert (bundle / "index" / "state.arrays").stat().st_mode & 0o777 == file_mode


def test_a_bundle_that_all_can_read_is_not_copied(checkout: Path) -> None:
    bundle = private_bundle(checkout, 0o644, 0o755)

    run("image.sh", checkout, "serve", f"BUNDLE={bundle}")

    model = checkout / "build" / "image" / "serve" / "model"
    assert (model / "manifest.json").samefile(bundle / "manifest.json")


def test_the_base_image_is_pulled_without_the_programs_that_macos_lacks(checkout: Path) -> None:
    (checkout / "macos").mkdir()
    for name in ("bash", "env", "dirname", "uname", "date", "cat", "cut", "git"):
        (checkout / "macos" / name).symlink_to(str(shutil.which(name)))

    printed = run("base_images.sh", checkout, path=str(checkout / "macos"))

    assert printed == f"{PYTHON} {PYTHON}\n"
    pulled = (checkout / "docker.log").read_text()
    assert re.search(rf"pull -q --platform linux/(amd64|arm64) {PYTHON}", pulled)
