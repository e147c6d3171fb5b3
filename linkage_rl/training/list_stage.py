"""The list stage in a training run: trained on the training lists, kept if it helps, exported."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.agents.list_scorer import (
    ListExamples,
    ListNet,
    ListStageConfig,
    TorchListScorer,
    train_list_net,
)
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.atomic import writing
from linkage_rl.bundle import ListStageFiles
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, decide_cases_raw
from linkage_rl.decision.first_pass import KEYS, FirstPass
from linkage_rl.decision.list_stage import ClientList, ListPairs
from linkage_rl.decision.observation import View
from linkage_rl.evaluation.comparison import Comparison
from linkage_rl.evaluation.list_mode import first_pass
from linkage_rl.exporting.onnx import export_list_net
from linkage_rl.training.data import Prepared
from linkage_rl.training.settings import RunSettings

_log = logging.getLogger(__name__)
_REPEATS: Final = 6
_OPTIONAL: Final = [KEYS.index("kana"), KEYS.index("address")]
_KEPT_KEYS: Final = 0.7
"""Chance that a repeated client keeps its reading, and its address."""


def list_stages(
    settings: RunSettings,
    ranker: ScorerPolicy,
    agent: ScorerPolicy,
    prepared: Prepared,
    view: View,
) -> dict[str, TorchListScorer]:
    """The list stages of ranker and agent; none where it is off or there is nothing to learn."""
    lists, valid = prepared.train_lists, prepared.cases["valid"]
    if not settings.list_stage.enabled or lists is None or not lists.pairs:
        return {}
    every = tuple(range(len(view.costs)))
    deciders = {"ranker": Decider(ranker, view, plan=every), "agent": Decider(agent, view)}
    return {
        name: train_list_stage(
            decider, lists, valid, settings.list_stage, settings.clients.balance, settings.seed
        )
        for name, decider in deciders.items()
    }


def kept_stage(
    comparison: Comparison, stages: Mapping[str, TorchListScorer], goal: str
) -> ListNet | None:
    """The agent's list stage, unless it loses on the validation lists."""
    if "agent" not in stages:
        return None
    single, whole = (comparison.joint[name].valid.metrics for name in ("agent", as_list("agent")))
    name = "expected_reward" if goal == "reward" else "f1"
    before, after = getattr(single, name), getattr(whole, name)
    kept = after >= before
    _log.info(
        "list stage %s: %s on the validation lists %.4f, without it %.4f",
        "kept" if kept else "left out",
        name,
        after,
        before,
    )
    return stages["agent"].net if kept else None


def as_list(system: str) -> str:
    """Name of a system with its list stage."""
    return f"{system}, list"


def exported_stage(
    net: ListNet | None, comparison: Comparison, path: Path
) -> ListStageFiles | None:
    """The list stage's graph, with the calibration and thresholds of the agent in list mode."""
    if net is None:
        return None
    decider = comparison.joint[as_list("agent")].decider
    if decider.calibration is None or decider.thresholds is None:
        return None
    with writing(path):
        export_list_net(net, path)
    return ListStageFiles(path, decider.calibration, decider.thresholds)


def train_list_stage(
    decider: Decider,
    train: CaseSet,
    valid: CaseSet,
    config: ListStageConfig,
    balance: float,
    seed: int,
) -> TorchListScorer:
    """Learn from the training lists, and from copies that repeat themselves less and more.

    One copy has no duplicates: without it, the stage would doubt clients that have no mates. In the
    other one clients come up to six times, with fewer keys: without it, the stage would take the
    same client again for a rival, where the training lists have few duplicates.

    Args:
        decider: The policy whose first pass the stage reads.
        train: Cases of whole training lists, without noisy copies.
        valid: Cases of whole validation lists, on which the best pass is chosen.
        config: How to train.
        balance: How far small lists count like large ones; see `ListSettings.balance`.
        seed: Decides weights, order and which duplicates are left out.
    """
    rng = np.random.default_rng(seed)
    labelled = [
        _joined([_examples(*one, balance) for one in _copies(first, cases, rng)])
        for cases in (train, valid)
        for first in [first_pass(decide_cases_raw(decider, cases, shortlist=True), cases)]
    ]
    net: ListNet = train_list_net(labelled[0], labelled[1], config, seed)
    return TorchListScorer(net)


def single_clients(cases: CaseSet, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of one client of each company and of each name in each list, drawn at random."""
    truth = cases.truth.take(np.arange(len(cases)))
    names, lists = cases.keys[:, 0].tolist(), cases.dataset.tolist()
    seen: set[tuple[int, str | int]] = set()
    kept = []
    for case in rng.permutation(len(cases)).tolist():
        marks = {(lists[case], mark) for mark in (truth[case], names[case]) if mark}
        if seen.isdisjoint(marks):
            seen |= marks
            kept.append(case)
    return np.sort(np.array(kept, dtype=np.int64))


def repeated_clients(cases: CaseSet, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of one client in three, each one to six times."""
    drawn = rng.permutation(len(cases))[: -(-len(cases) // 3)]
    return np.repeat(np.sort(drawn), rng.integers(1, _REPEATS + 1, len(drawn)))


def _copies(
    first: FirstPass, cases: CaseSet, rng: np.random.Generator
) -> list[tuple[FirstPass, CaseSet]]:
    """The lists, then without duplicates, then with further ones."""
    single, repeated = single_clients(cases, rng), repeated_clients(cases, rng)
    more = first.take(repeated)
    more.keys[:, _OPTIONAL] *= rng.random((len(repeated), len(_OPTIONAL))) < _KEPT_KEYS
    return [
        (first, cases),
        (first.take(single), cases.take(single)),
        (more, cases.take(repeated)),
    ]


def _examples(first: FirstPass, cases: CaseSet, balance: float) -> ListExamples:
    pairs = ClientList(first, cases.dataset).pairs(np.arange(len(cases)))
    client = np.repeat(np.arange(len(cases)), np.diff(pairs.starts))
    sizes = np.bincount(cases.dataset)
    weight = (sizes.max(initial=1) / np.maximum(sizes, 1)) ** balance
    return ListExamples(
        pairs,
        cases.is_right_company(client, pairs.company),
        weight[cases.dataset].astype(np.float32),
    )


def _joined(parts: list[ListExamples]) -> ListExamples:
    shifts = np.cumsum([0, *(part.pairs.starts[-1] for part in parts[:-1])])
    starts = [part.pairs.starts[1:] + shift for part, shift in zip(parts, shifts, strict=True)]
    return ListExamples(
        ListPairs(
            np.concatenate([[0], *starts]),
            np.concatenate([part.pairs.company for part in parts]),
            np.concatenate([part.pairs.features for part in parts]),
            np.concatenate([part.pairs.client_features for part in parts]),
        ),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.weight for part in parts]),
    )
