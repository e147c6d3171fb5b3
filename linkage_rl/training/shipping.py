"""What a run ships: the bundle of the chosen system, and what is said beside its figures."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import nn

from linkage_rl.agents.baselines import Rules
from linkage_rl.agents.list_scorer import ListNet
from linkage_rl.agents.policy_weights import PolicyWeights, save_weights
from linkage_rl.agents.rules_net import PlanFirst, RulesNet, ScorerLogits
from linkage_rl.agents.scorer import ScorerConfig
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.atomic import writing
from linkage_rl.bundle import (
    LIST_POLICY,
    WEIGHTS,
    Settings,
    golden_answers,
    load_bundle,
    write_bundle,
)
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Decider
from linkage_rl.evaluation.comparison import ALL, Comparison, System
from linkage_rl.exporting.onnx import export_policy
from linkage_rl.records import RecordBatch
from linkage_rl.training.data import Prepared
from linkage_rl.training.list_stage import exported_stage
from linkage_rl.training.origin import origin
from linkage_rl.training.own_table.drawn import DrawnDataset
from linkage_rl.training.own_table.guard import AGENT, shipped_system
from linkage_rl.training.own_table.statement import SYNTHETIC, Statement, statement_of
from linkage_rl.training.rankers import what_each_brought
from linkage_rl.training.settings import RunSettings

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shipped:
    """The system that the bundle holds, and what is said of drawn clients."""

    policy: str = AGENT
    """The system of the shipped policy."""
    guard: Mapping[str, Any] = field(default_factory=dict)
    """Why, for `metrics.json`: `system`, `reason`, and the figures compared, `valid`; empty without
    drawn clients."""
    statements: Mapping[str, Statement] = field(default_factory=dict)
    """Dataset of drawn clients to what is said of it."""

    def as_json(self) -> dict[str, Any]:
        """For `metrics.json`; nothing without drawn clients."""
        if not self.guard:
            return {}
        drawn = {dataset: said.as_json() for dataset, said in self.statements.items()}
        return {"shipped": dict(self.guard), "drawn": drawn}


def chosen_system(
    comparison: Comparison,
    systems: Sequence[System],
    drawn: Mapping[str, DrawnDataset],
    goal: str,
    list_net: ListNet | None,
) -> tuple[Shipped, Comparison]:
    """The system to ship, and the comparison with what is said of drawn clients.

    Without drawn clients it is the agent, and nothing is said.

    Args:
        comparison: Of the systems.
        systems: All of them.
        drawn: The datasets whose clients were drawn.
        goal: `EvaluationSettings.goal`.
        list_net: The agent's list stage, None where it is left out.
    """
    if not drawn:
        return Shipped(), comparison
    verdict = shipped_system(comparison, list(drawn), goal, list_net is not None)
    _log.info("%s", verdict.sentence)
    system = next(one for one in systems if one.name == verdict.system)
    statements = {
        dataset: statement_of(dataset, facts, comparison, system)
        for dataset, facts in drawn.items()
    }
    for dataset, said in statements.items():
        error = said.calibration_error
        _log.info("%s: expected calibration error of %s %.4f", dataset, said.shipped, error)
        if said.warning:
            _log.warning("%s", said.warning)
    guard = {"system": verdict.system, "reason": verdict.sentence, "valid": verdict.figures}
    notes = _notes(comparison, statements, verdict.sentence)
    return Shipped(verdict.policy, guard, statements), replace(comparison, notes=notes)


def _notes(
    comparison: Comparison, statements: Mapping[str, Statement], verdict: str
) -> dict[str, tuple[str, ...]]:
    """What tables and pages say of each list, and of all lists together."""
    notes: dict[str, tuple[str, ...]] = {}
    for dataset in comparison.trials:
        said = statements[dataset].sentences() if dataset in statements else ()
        brought = what_each_brought(comparison, dataset)
        notes[dataset] = (*said, *([brought] if brought else []), verdict)
    notes[ALL] = (f"{', '.join(statements)}: {SYNTHETIC}", verdict)
    return notes


def export_bundle(
    settings: RunSettings,
    policy_system: str,
    list_net: ListNet | None,
    comparison: Comparison,
    prepared: Prepared,
    folder: Path,
    command: str,
) -> Path:
    """Write the bundle of a system into the run folder; returns the bundle folder.

    Args:
        settings: Of the run.
        policy_system: The system whose policy, calibration and threshold are shipped.
        list_net: Its list stage; None decides every client by itself.
        comparison: Of all systems.
        prepared: The index and the clients.
        folder: The run folder.
        command: The command line, for the manifest.
    """
    decider = comparison.joint[policy_system].decider
    policy = folder / "policy.onnx"
    with writing(policy):
        export_policy(*exportable(decider, comparison), policy)
    weights = _written_weights(decider, folder / WEIGHTS)
    stage = exported_stage(list_net, comparison, folder / LIST_POLICY)
    written = Settings(
        blockers=settings.candidates.blockers(),
        limit=settings.candidates.limit,
        max_candidates=settings.env.max_candidates,
        allow_review=settings.env.allow_review,
        thresholds=decider.thresholds,
        origin=origin(settings, command),
    )
    bundle = folder / "bundle"
    calibration = decider.calibration or Calibration.identity()
    write_bundle(bundle, policy, calibration, written, [], prepared.index_folder, stage, weights)
    linker = load_bundle(bundle)
    golden = golden_answers(linker, _golden_clients(prepared, settings))
    # its own index is linked to, where that of the table would be copied onto another disk again
    write_bundle(bundle, policy, calibration, written, golden, bundle / "index", stage, weights)
    for part in (policy, folder / LIST_POLICY, folder / WEIGHTS):
        part.unlink(missing_ok=True)
    return bundle


def _written_weights(decider: Decider, path: Path) -> Path | None:
    """The file of what further learning needs; None for the rules, which cannot learn."""
    if not isinstance(decider.policy, ScorerPolicy):
        return None
    with writing(path):
        save_weights(PolicyWeights(decider.policy.scorer, decider.plan), path)
    return path


def exportable(decider: Decider, comparison: Comparison) -> tuple[nn.Module, ScorerConfig]:
    """The graph of a compared policy that needs no plan besides, and its shape.

    Raises:
        TypeError: The policy is neither learned nor the rules.
    """
    policy, view = decider.policy, decider.view
    if isinstance(policy, Rules):
        shape = ScorerConfig.fitting(comparison.cases, view)
        graph: nn.Module = RulesNet(policy.columns)
    elif isinstance(policy, ScorerPolicy):
        shape, graph = policy.scorer.config, ScorerLogits(policy.scorer)
    else:
        raise TypeError(f"expected a learned policy or the rules to export, got {policy!r}")
    if decider.plan is not None:
        graph = PlanFirst(graph, decider.plan, len(view.costs))
    return graph, shape


def _golden_clients(prepared: Prepared, settings: RunSettings) -> RecordBatch:
    """The first test clients of the first dataset."""
    records = prepared.records[prepared.datasets[0]]
    return records.take(range(min(settings.evaluation.golden_clients, len(records))))
