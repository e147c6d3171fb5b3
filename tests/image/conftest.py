"""Images, built once per session, and a bundle to serve with them."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.deploy.registry import engine, push, registry  # noqa: F401 - fixtures
from tests.image import containers
from tests.image.containers import NAME, Container, build

BUNDLES = Path("build/sample_bundle")


@pytest.fixture(scope="session")
def image() -> str:
    """Name of the serving image without a bundle."""
    return _built("serve", f"{NAME}:latest")


@pytest.fixture(scope="session")
def train_image() -> str:
    """Name of the training image."""
    return _built("train", f"{NAME}:train")


@pytest.fixture(scope="session")
def run_container(image: str) -> Callable[..., AbstractContextManager[Container]]:
    """Serves a bundle within a context: `run_container(bundle, VARIABLE="value")`."""
    return partial(containers.run_container, image)


@pytest.fixture(scope="module")
def server(image: str, sample_bundle: Path) -> Iterator[Container]:
    """A server with a bundle and without a database, shared by the tests of a file."""
    with containers.run_container(image, sample_bundle) as running:
        yield running


@pytest.fixture(scope="session")
def sample_bundle() -> Path:
    """A bundle of a short training run on 20,000 companies; reused while the code is the same."""
    place = BUNDLES / _code_digest()
    if not (place / "manifest.json").is_file():
        shutil.rmtree(BUNDLES, ignore_errors=True)
        run = BUNDLES / "run"
        words = ["debug=fast", "table.sample.companies=20_000", "table.sample.clients=3_000"]
        cache = [f"cache={BUNDLES}/cache", f"leaderboard={BUNDLES}/leaderboard.jsonl"]
        subprocess.run(
            [sys.executable, "-m", "linkage_rl.train", *words, *cache, f"hydra.run.dir={run}"],
            check=True,
        )
        (run / "bundle").rename(place)
        for leftover in (run, BUNDLES / "cache"):
            shutil.rmtree(leftover)
    return place.resolve()


def _built(target: str, name: str) -> str:
    ended = build(target)
    if ended.returncode:
        pytest.fail(f"the image was not built: {ended.stderr[-3000:]}", pytrace=False)
    return name


def _code_digest() -> str:
    """Changes with any file that the bundle depends on."""
    digest = hashlib.sha256()
    sources = [*Path("linkage_rl").rglob("*.py*"), *Path("configs").rglob("*.yaml")]
    for path in sorted(path for path in sources if path.suffix != ".pyc"):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
