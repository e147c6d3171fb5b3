"""A result names the commit that made it, and no other one."""

import shutil
import subprocess
from pathlib import Path

import pytest

import linkage_rl
from linkage_rl.training.origin import commit, origin
from linkage_rl.training.settings import RunSettings


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a package in it that is not yet tracked."""
    if shutil.which("git") is None:
        pytest.fail("git is not installed")
    git(tmp_path, "init", "-q")
    (tmp_path / "linkage_rl").mkdir()
    (tmp_path / "linkage_rl" / "__init__.py").touch()
    (tmp_path / "paper.tex").touch()
    git(tmp_path, "add", "paper.tex")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_checkout_of_the_package_is_named_by_its_commit(repository: Path) -> None:
    git(repository, "add", "linkage_rl")
    git(repository, "commit", "-q", "-m", "second")

    assert commit(repository / "linkage_rl") == git(repository, "rev-parse", "HEAD")


def test_a_repository_that_does_not_track_the_package_is_not_named(repository: Path) -> None:
    assert commit(repository / "linkage_rl") == ""


def test_a_repository_around_an_installation_is_not_named(repository: Path) -> None:
    installed = repository / ".venv" / "site-packages" / "linkage_rl"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()
    git(repository, "add", "-f", ".venv")
    git(repository, "commit", "-q", "-m", "with its environment")

    assert commit(installed) == ""


def test_a_hook_of_another_repository_changes_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repository, "add", "linkage_rl")
    git(repository, "commit", "-q", "-m", "second")
    expected = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(repository / "elsewhere"))

    assert commit(repository / "linkage_rl") == expected


def test_a_result_names_the_version_of_the_library() -> None:
    assert origin(RunSettings(), "train seed=1")["linkage_rl"] == linkage_rl.__version__
