"""A bundle of the rules, or of a static plan, links as the compared system does."""

from pathlib import Path

import numpy as np
import pytest
import torch

from linkage_rl.agents.baselines import RULES, Rules, rule_columns
from linkage_rl.agents.rules_net import PlanFirst, RulesNet, ScorerLogits
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.bundle import Settings, load_bundle, write_bundle
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.candidates.storage import save_index
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, decide_cases
from linkage_rl.decision.observation import View
from linkage_rl.decision.onnx_policy import OnnxPolicy
from linkage_rl.decision.prepare import prepare_cases
from linkage_rl.exporting.onnx import export_policy
from linkage_rl.linker import Linker
from linkage_rl.protocols import Policy
from linkage_rl.records import DecisionKind
from tests.cases_factory import DRAWN_VIEW, synthetic_cases, without_pairs
from tests.small_table import client_records, small_index

CASES = synthetic_cases(600, np.random.default_rng(0))
SHAPE = ScorerConfig.fitting(CASES, DRAWN_VIEW)
EVERY = (0, 1, 2)
CLIENTS = client_records(
    {"name": "㈱五洋建設"},
    {"name": "株式会社青空商事", "city": "千代田区", "prefecture": "東京都"},
    {"name": "株式会社青空商事"},
    {"name": "髙橋製作所 長野支店", "phone": "026-226-0004"},
    {"name": "アクメトレーディング", "url": "acme-trading.jp", "corporate_number": "8011001000006"},
    {"name": "何処にもない商店"},
    {"name": ""},
)


def scorer() -> CandidateScorer:
    return CandidateScorer(SHAPE, torch.Generator().manual_seed(1))


def exported_rules(cases: CaseSet, view: View, path: Path) -> OnnxPolicy:
    blockers = len(view.costs)
    net = PlanFirst(RulesNet(rule_columns(cases, view)), range(blockers), blockers)
    export_policy(net, ScorerConfig.fitting(cases, view), path)
    return OnnxPolicy(path)


def test_there_is_a_confidence_for_each_rule() -> None:
    assert len(RULES) == len(Rules.CONFIDENCE)


@pytest.mark.parametrize(("batch", "slots"), [(0, 4), (1, 1), (3, 5), (7, 2), (600, 30)])
def test_the_graph_of_the_rules_gives_their_logits(batch: int, slots: int, tmp_path: Path) -> None:
    view = View(slots, DRAWN_VIEW.costs, allow_review=batch % 2 == 1)
    graph = exported_rules(CASES, view, tmp_path / "policy.onnx")

    observation = view.observe(CASES, np.arange(batch), CASES.available[:batch])

    assert np.array_equal(graph.logits(observation), Rules(CASES, view).logits(observation))


@pytest.mark.parametrize("cases", [CASES, without_pairs(CASES)], ids=["drawn", "no pairs"])
@pytest.mark.parametrize("slots", [1, 8])
def test_exported_rules_run_every_blocker_and_decide_as_the_rules(
    cases: CaseSet, slots: int, tmp_path: Path
) -> None:
    view = View(slots, DRAWN_VIEW.costs)
    graph = exported_rules(cases, view, tmp_path / "policy.onnx")

    decisions = decide_cases(Decider(graph, view, Calibration.identity()), cases)

    expected = decide_cases(Decider(Rules(cases, view), view, plan=EVERY), cases)
    assert np.array_equal(decisions.ran, cases.available)
    for name in ("kind", "candidate", "confidence", "ran", "cost"):
        assert np.array_equal(getattr(decisions, name), getattr(expected, name)), name


@pytest.mark.parametrize("plan", [(), (1,), (2, 0), EVERY], ids=str)
def test_an_exported_plan_decides_as_the_scorer_with_that_plan(
    plan: tuple[int, ...], tmp_path: Path
) -> None:
    policy = PlanFirst(ScorerLogits(scorer()), plan, len(DRAWN_VIEW.costs))
    export_policy(policy, SHAPE, tmp_path / "policy.onnx")

    graph: Policy = OnnxPolicy(tmp_path / "policy.onnx")
    decisions = decide_cases(Decider(graph, DRAWN_VIEW), CASES)

    expected = decide_cases(Decider(ScorerPolicy(scorer()), DRAWN_VIEW, plan=plan), CASES)
    assert np.array_equal(decisions.ran, expected.ran)
    assert np.array_equal(decisions.candidate, expected.candidate)
    assert np.array_equal(decisions.kind, expected.kind)
    assert decisions.confidence == pytest.approx(expected.confidence, abs=1e-5)


def test_a_bundle_of_the_rules_links_clients_as_the_rules(tmp_path: Path) -> None:
    blockers = CandidateSettings().blockers()
    settings = Settings(blockers, 20, 20, False, thresholds=None)
    cases = prepare_cases(small_index(), blockers, CLIENTS, [""] * len(CLIENTS), 20)
    exported_rules(cases, settings.view, tmp_path / "policy.onnx")
    save_index(small_index(), tmp_path / "index")
    identity = Calibration.identity()
    write_bundle(
        tmp_path / "b", tmp_path / "policy.onnx", identity, settings, [], tmp_path / "index"
    )

    linked = load_bundle(tmp_path / "b").link(CLIENTS)

    rules = Decider(Rules(cases, settings.view), settings.view, plan=tuple(range(len(blockers))))
    expected = Linker(small_index(), blockers, rules, 20).link(CLIENTS)
    assert linked.company_ids == expected.company_ids
    assert linked.company_ids[:2] == ["goyo", "aozora-tokyo"]
    assert linked.kind[2] == DecisionKind.NO_MATCH, "two companies have this name"
    assert np.array_equal(linked.kind, expected.kind)
    assert np.array_equal(linked.confidence, expected.confidence)
    assert linked.reasons == expected.reasons
