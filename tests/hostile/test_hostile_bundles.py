"""Every hostile bundle is refused in one sentence, although all its checksums are right."""

from pathlib import Path
from typing import Final

import pytest
import torch

from linkage_rl.agents.policy_weights import PolicyWeights, read_weights, save_weights
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.bundle import (
    Settings,
    golden_answers,
    load_bundle,
    read_golden,
    write_bundle,
)
from linkage_rl.candidates.blockers import KeyBlocker, NgramBlocker
from linkage_rl.candidates.storage import save_index
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Thresholds
from linkage_rl.errors import BundleError
from tests.commands.shop import write_same_name_policy
from tests.hostile.arrays import ARRAY_CASES
from tests.hostile.files import FILE_CASES
from tests.hostile.graphs import GRAPH_CASES
from tests.hostile.making import Bundle, Case, array_case
from tests.hostile.manifests import TEXT_CASES
from tests.hostile.weights import WEIGHT_CASES
from tests.small_table import client_records, small_index

CASES: Final = {
    f"{kind}: {what}": case
    for kind, cases in (
        ("index", ARRAY_CASES),
        ("graph", GRAPH_CASES),
        ("text", TEXT_CASES),
        ("file", FILE_CASES),
    )
    for what, case in cases.items()
}
_BLOCKERS: Final = (KeyBlocker("core", 0.01, 100), NgramBlocker(cost=0.05, budget=500))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle over eight companies."""
    return make_good(tmp_path_factory.mktemp("good"))


def make_good(folder: Path) -> Path:
    """Write the bundle that the others are made of."""
    write_same_name_policy(folder / "policy.onnx", len(_BLOCKERS))
    save_index(small_index(), folder / "index")
    settings = Settings(_BLOCKERS, 7, 3, False, Thresholds(link=0.6))
    parts = (folder / "policy.onnx", Calibration.identity(), settings)
    shape = ScorerConfig(features=4, query=2, blockers=len(_BLOCKERS))
    scorer = CandidateScorer(shape, torch.Generator().manual_seed(1))
    save_weights(PolicyWeights(scorer, (0, 1)), folder / "weights.npz")
    write_bundle(folder / "bundle", *parts, [], folder / "index")
    asked = client_records({"name": "㈱五洋建設"}, {"name": "鈴木組"})
    golden = golden_answers(load_bundle(folder / "bundle"), asked)
    write_bundle(folder / "bundle", *parts, golden, folder / "index", None, folder / "weights.npz")
    return folder / "bundle"


@pytest.mark.parametrize("case", WEIGHT_CASES.values(), ids=WEIGHT_CASES)
def test_hostile_weights_are_refused_in_one_sentence(
    case: Case, good: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bundle = Bundle.of(good, tmp_path / "bundle")
    case(bundle)

    with pytest.raises(BundleError) as refused:
        read_weights(bundle.folder)

    sentence = str(refused.value)
    assert "weights.npz holds no weights" in sentence
    assert "\n" not in sentence
    assert len(sentence) < 1000
    # no code was run
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "case",
    [
        # every other one at each landing, all of them in `make test-extras`
        pytest.param(case, id=name, marks=pytest.mark.extras if place % 2 else ())
        for place, (name, case) in enumerate(CASES.items())
    ],
)
def test_a_hostile_bundle_is_refused_in_one_sentence(
    case: Case, good: Path, tmp_path: Path
) -> None:
    bundle = Bundle.of(good, tmp_path / "bundle")
    case(bundle)

    with pytest.raises(BundleError) as refused:
        load_bundle(bundle.folder)

    sentence = str(refused.value)
    assert "\n" not in sentence
    assert len(sentence) < 1000


def test_there_are_hundreds_of_them_and_the_bundle_they_are_made_of_is_good(
    good: Path, tmp_path: Path
) -> None:
    assert len(CASES) >= 120

    bundle = Bundle.of(good, tmp_path / "bundle")
    array_case("alive", lambda alive: alive)(bundle)

    assert len(load_bundle(bundle.folder).index) == 8
    assert len(read_golden(bundle.folder)) == 2
    assert read_weights(bundle.folder) is not None
