"""Laws that every policy keeps, learned or not, in torch or as a graph."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from linkage_rl.agents.baselines import Oracle, Rules, TopOne
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.decision.decide import Decider, PreparedPool
from linkage_rl.decision.observation import View
from linkage_rl.decision.onnx_policy import OnnxPolicy
from linkage_rl.exporting.onnx import export_scorer
from linkage_rl.protocols import Policy
from linkage_rl.records import DecisionKind, Observation
from tests.cases_factory import synthetic_cases
from tests.random_policy import RandomPolicy

CASES = synthetic_cases(300, np.random.default_rng(8))
VIEW = View(6, (0.005, 0.03, 0.01), allow_review=True)


def scorer_policy(_: Path) -> Policy:
    config = ScorerConfig.fitting(CASES, VIEW)
    return ScorerPolicy(CandidateScorer(config, torch.Generator().manual_seed(0)))


def quantile_policy(_: Path) -> Policy:
    config = replace(
        ScorerConfig.fitting(CASES, VIEW), quantiles=4, relative=False, temperature=0.25
    )
    return ScorerPolicy(CandidateScorer(config, torch.Generator().manual_seed(0)))


def graph_policy(folder: Path) -> Policy:
    config = ScorerConfig.fitting(CASES, VIEW)
    scorer = CandidateScorer(config, torch.Generator().manual_seed(0))
    export_scorer(scorer, folder / "policy.onnx")
    return OnnxPolicy(folder / "policy.onnx")


POLICIES: dict[str, Callable[[Path], Policy]] = {
    "random": lambda _: RandomPolicy(np.random.default_rng(0)),
    "top_one": lambda _: TopOne(),
    "rules": lambda _: Rules(CASES, VIEW),
    "oracle": lambda _: Oracle(CASES, VIEW),
    "scorer": scorer_policy,
    "quantiles": quantile_policy,
    "graph": graph_policy,
}


def situations() -> list[Observation]:
    case = np.arange(len(CASES))
    return [
        VIEW.observe(CASES, case, np.asarray(CASES.available & np.uint16(ran)))
        for ran in (0b000, 0b001, 0b110, 0b111)
    ]


@pytest.mark.parametrize("name", POLICIES)
class TestEveryPolicy:
    def test_prefers_legal_actions_by_far(self, name: str, tmp_path: Path) -> None:
        policy = POLICIES[name](tmp_path)

        for observation in situations():
            logits = policy.logits(observation)
            legal = observation.action_mask == 1
            assert logits.shape == legal.shape
            assert logits.dtype == np.float32
            assert np.isfinite(logits).all()
            assert (logits[~legal] == np.float32(-1e8)).all()
            assert np.take_along_axis(legal, logits.argmax(axis=1)[:, None], axis=1).all()

    def test_ends_every_client_within_its_blockers(self, name: str, tmp_path: Path) -> None:
        policy = POLICIES[name](tmp_path)

        decisions = Decider(policy, VIEW).decide(PreparedPool(CASES, VIEW), len(CASES))

        assert (decisions.ran & ~CASES.available == 0).all()
        assert (decisions.candidate[decisions.kind == DecisionKind.LINK] >= 0).all()

    def test_handles_no_client_at_all(self, name: str, tmp_path: Path) -> None:
        none = np.zeros(0, dtype=np.int64)
        observation = VIEW.observe(CASES, none, none.astype(np.uint16))

        assert POLICIES[name](tmp_path).logits(observation).shape == (0, VIEW.layout.size)
