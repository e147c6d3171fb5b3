"""Bundles that harm whoever loads them: the server says why not, and serves on."""

import fcntl
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from linkage_rl.bundle import load_bundle
from serving.errors import ModelMemoryError, RequestError, UnavailableError
from serving.models import ModelLibrary
from serving.trial import Trials, content_of, error_of, try_bundle
from tests.commands.shop import write_shop_bundle
from tests.hostile.arrays import ARRAY_CASES
from tests.hostile.files import FILE_CASES
from tests.hostile.graphs import GRAPH_CASES
from tests.hostile.making import Bundle, Cases
from tests.hostile.manifests import TEXT_CASES
from tests.serving.conftest import serving

_TOO_SHORT_S = 0.01


@pytest.mark.parametrize(
    ("cases", "what", "sentence"),
    [
        (ARRAY_CASES, "postings far outside", "postings must lie in 0.."),
        (GRAPH_CASES, "a loop", "it uses the operator 'Loop'"),
        (TEXT_CASES, "blockers: of a budget of gigabytes", "budget must lie in"),
        (FILE_CASES, "a link to a device", "'extra', which is a link"),
        (FILE_CASES, "a pipe for manifest.json", "'manifest.json', which is no plain file"),
    ],
)
def test_a_hostile_bundle_is_refused_with_its_sentence_and_the_server_serves_on(
    cases: Cases, what: str, sentence: str, bundle: Path, tmp_path: Path
) -> None:
    hostile = Bundle.of(bundle, tmp_path / "hostile")
    cases[what](hostile)

    with serving(bundle, tmp_path / "run", LINKAGE_MODEL_ROOT=str(tmp_path)) as client:
        asked = {"model_name": "hostile", "url": str(hostile.folder)}
        refused = client.post("/models", json=asked)

        assert refused.status_code == 400
        assert sentence in refused.json()["error"]
        assert client.get("/ping").status_code == 200
        names = [model["modelName"] for model in client.get("/models").json()["models"]]
        assert names == ["default"]


def test_a_good_bundle_is_tried_once_for_all_workers(bundle: Path, tmp_path: Path) -> None:
    one = ModelLibrary(tmp_path / "models", 100, trial_timeout_s=60)
    one.load("a", str(bundle))

    # a second trial would take longer than this
    other = ModelLibrary(tmp_path / "models", 100, trial_timeout_s=_TOO_SHORT_S)

    assert other.get("a").version == one.get("a").version
    assert other.load("b", str(bundle)).name == "b"
    changed = write_shop_bundle(tmp_path / "changed")
    Bundle(changed).change_manifest(lambda manifest: manifest.update(limit=3))
    with pytest.raises(RequestError, match=r"model 'c' cannot be loaded: its bundle took more"):
        other.load("c", str(changed))


def test_another_bundle_in_the_folder_of_a_loaded_one_is_tried_again(
    bundle: Path, tmp_path: Path
) -> None:
    folder = Bundle.of(bundle, tmp_path / "bundle").folder
    ModelLibrary(tmp_path / "models", 100).load("a", str(folder))
    GRAPH_CASES["a loop"](Bundle(folder))

    later = ModelLibrary(tmp_path / "models", 100, trial_timeout_s=60)

    with pytest.raises(RequestError, match="it uses the operator 'Loop'"):
        later.get("a")


@pytest.mark.parametrize("is_known", [False, True])
def test_a_broken_bundle_costs_one_trial_and_is_tried_again_once_it_is_mended(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    broken = Bundle.of(bundle, tmp_path / "broken")
    ModelLibrary(tmp_path / "models", 100).load("a", str(broken.folder))
    calibration = (broken.folder / "calibration.json").read_bytes()
    broken.write("calibration.json", b"{}")
    library, tries = ModelLibrary(tmp_path / "models", 100, trial_timeout_s=60), []
    if is_known:
        library._trials.record(content_of(bundle))
    reads = "serving.models.load_bundle" if is_known else "serving.trial.try_bundle"
    original = load_bundle if is_known else try_bundle

    def load_counted(*values: Any, **options: Any) -> Any:
        tries.append(values)
        return original(*values, **options)

    monkeypatch.setattr(reads, load_counted)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(library.get, "a") for _ in range(8)]
        refusals = [answer.exception() for answer in asked]

    assert all(isinstance(refusal, UnavailableError) for refusal in refusals)
    (sentence,) = {str(refusal) for refusal in refusals}
    assert sentence.startswith("model 'a' cannot be loaded: ")
    assert "calibration.json is missing or damaged" in sentence
    assert len(tries) <= (8 if is_known else 2)
    tried = len(tries)
    with pytest.raises(UnavailableError):
        library.get("a")
    assert len(tries) == tried
    broken.write("calibration.json", calibration)
    assert library.get("a").name == "a"


def test_a_load_that_waits_too_long_for_its_turn_is_given_up_for_good(
    bundle: Path, tmp_path: Path
) -> None:
    limits = {"LINKAGE_LOAD_TIMEOUT_S": "0.3", "LINKAGE_TIMEOUT_S": "1.5"}
    with serving(bundle, tmp_path, **limits) as client:
        asked = {"model_name": "b", "url": str(bundle)}
        with (tmp_path / "models/.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            refused = client.post("/models", json=asked)
        time.sleep(0.2)

        assert refused.status_code == 503
        assert "to be loaded within 1.65 s, but others" in refused.json()["error"]
        assert client.post("/models", json=asked).status_code == 200


def test_a_bundle_that_takes_too_long_is_given_up(bundle: Path) -> None:
    with pytest.raises(RequestError, match=r"more than 0\.01 s to load; if it is only large"):
        try_bundle(bundle, 0, _TOO_SHORT_S, with_index=True)


def test_a_bundle_that_needs_more_memory_than_it_may_is_refused(bundle: Path) -> None:
    with pytest.raises(RequestError):
        # as if it were smaller than it is, by what the process may take besides
        try_bundle(bundle, 40_000_000 - (2 << 30), 60, with_index=True)


def test_how_the_process_ended_is_said() -> None:
    assert "ended the process that tried to load it (SIGSEGV)" in str(error_of(-11, b""))
    assert "more time or memory" in str(error_of(-int(signal.SIGXCPU), b""))
    assert "(exit code 1)" in str(error_of(1, b""))
    assert isinstance(error_of(4, b'"no memory"'), ModelMemoryError)


def test_the_content_of_a_bundle_changes_with_either_manifest(bundle: Path, tmp_path: Path) -> None:
    copy = Bundle.of(bundle, tmp_path / "copy")
    before = content_of(bundle)

    assert content_of(copy.folder) == before
    copy.write("index/manifest.json", b"{}")
    assert content_of(copy.folder) != before


def test_without_a_time_limit_nothing_is_tried(tmp_path: Path) -> None:
    Trials(tmp_path / "tried", None).run(tmp_path / "nowhere", 0, with_index=True)

    assert not (tmp_path / "tried").exists()
