"""The page of `experiments.suite.no_labels`: figures of every system and list, and claims."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from linkage_rl.evaluation.answers import ThresholdedAnswers
from linkage_rl.evaluation.paired import Difference, compare_runs, mean_interval
from linkage_rl.evaluation.tables import markdown_table

_HEADING: Final = (
    *("condition", "system", "seeds", "F1, lowest to highest", "95 %", "linked", "precision"),
    *("recall", "best threshold", "loss", "own threshold", "F1 on drawn", "ECE"),
)
_CLAIM: Final = ("claim", "list", "ours", "theirs", "gap [95 %]", "verdict")
_NOTES: Final = """\
No label of a list was read by a run: calibration and threshold come from clients that were drawn
from the table, one threshold for all lists. *95 %* is the interval over clients. *Best threshold*
is the F1 of the threshold that would have been best for these labels, *loss* what is missing to
it. *Own threshold* is the F1 with the threshold of the drawn clients that resemble this list
alone. *F1 on drawn* is what the run itself could say: no estimate of the F1 on a list. Peers learn
each list by itself; their *threshold of valid labels* was chosen by labels, which favours them."""

Side = tuple[str, str]
"""Label of a condition, and name of a system."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One system of one run on one list."""

    label: str
    """Of the condition."""
    list_name: str
    system: str
    seed: int
    run: ThresholdedAnswers
    """Decided by the threshold that is shipped."""
    best_f1: float | None = None
    """With the threshold that is best for the labels of this list."""
    own_threshold_f1: float | None = None
    """With the threshold of the drawn clients of this list's dataset alone; None without one."""
    drawn_f1: float | None = None
    """On the drawn clients on which the threshold was chosen."""


@dataclass(frozen=True)
class Claim:
    """'ours is better than theirs, or at most `margin` worse' in F1."""

    ours: Side
    theirs: Side
    margin: float = 0.0

    def verdict(self, difference: Difference) -> str:
        """'holds' or 'refuted' where the 95 % interval lies on one side of the margin."""
        if difference.low > -self.margin:
            return "holds"
        return "refuted" if difference.high < -self.margin else "tie"

    def text(self, first: str) -> str:
        """The claim in words; the first label is not repeated."""
        sides = [
            system if label in (first, "peers") else f"{label}: {system}"
            for label, system in (self.ours, self.theirs)
        ]
        if self.margin:
            return f"{sides[0]} >= {sides[1]} - {self.margin:g}"
        return f"{sides[0]} > {sides[1]}"


def page(
    trials: Sequence[Trial],
    claims: Sequence[Claim],
    recalls: Mapping[str, tuple[float, float]],
    split: str,
    commit: str,
) -> str:
    """Markdown with a table per list and one of the claims.

    Args:
        trials: Every seed of every system of every condition on every list.
        claims: What is tested on each list that both sides have.
        recalls: Of each list, the candidate recall of all blockers and of the visible slots.
        split: Of the lists.
        commit: With which they were judged.
    """
    parts = [f"# Without labels: {split} lists", f"At commit {commit}.", _NOTES]
    lists = list(dict.fromkeys(trial.list_name for trial in trials))
    for name in lists:
        parts.append(f"`{name}`, {split}{_recall(recalls.get(name))}")
        parts.append(markdown_table([_HEADING, *_rows([t for t in trials if t.list_name == name])]))
    parts += ["## Claims", markdown_table([_CLAIM, *_verdicts(trials, claims, lists)])]
    return "\n\n".join(parts) + "\n"


def _recall(found: tuple[float, float] | None) -> str:
    if found is None:
        return ""
    return f": the right company is proposed for {found[0]:.1%}, in a slot for {found[1]:.1%}"


def _rows(trials: Sequence[Trial]) -> list[tuple[str, ...]]:
    sides = dict.fromkeys((trial.label, trial.system) for trial in trials)
    return [_row([t for t in trials if (t.label, t.system) == side]) for side in sides]


def _row(seeds: Sequence[Trial]) -> tuple[str, ...]:
    """The line of one system under one condition."""
    figures = [trial.run.figures() for trial in seeds]
    f1 = [one["f1"] for one in figures]
    judgements = [trial.run.judgement for trial in seeds]
    low, high = mean_interval(judgements, "f1", np.random.default_rng(0))
    losses = [
        None if trial.best_f1 is None else trial.best_f1 - value
        for trial, value in zip(seeds, f1, strict=True)
    ]
    return (
        seeds[0].label,
        seeds[0].system,
        f"{len(seeds)}",
        f"{np.mean(f1):.4f}" + (f" ({min(f1):.4f} to {max(f1):.4f})" if len(f1) > 1 else ""),
        f"[{low:.4f}, {high:.4f}]",
        *(f"{np.mean([one.get(name, np.nan) for one in figures]):.1%}" for name in _SHARES),
        _mean([trial.best_f1 for trial in seeds]),
        _mean(losses),
        _mean([trial.own_threshold_f1 for trial in seeds]),
        _mean([trial.drawn_f1 for trial in seeds]),
        _mean([one["ece"] for one in figures]),
    )


_SHARES: Final = ("linkage_rate", "precision", "recall")


def _mean(values: Sequence[float | None]) -> str:
    present = [value for value in values if value is not None]
    return f"{np.mean(present):.4f}" if present else "-"


def _verdicts(
    trials: Sequence[Trial], claims: Sequence[Claim], lists: Sequence[str]
) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for claim in claims:
        for name in lists:
            ours, theirs = (
                [
                    trial.run.judgement
                    for trial in trials
                    if (trial.label, trial.system) == side and trial.list_name == name
                ]
                for side in (claim.ours, claim.theirs)
            )
            if not ours or not theirs:
                continue
            gap = compare_runs(ours, theirs, "f1", np.random.default_rng(0))
            lines.append(
                (
                    claim.text(trials[0].label),
                    name,
                    f"{gap.ours:.4f}",
                    f"{gap.theirs:.4f}",
                    f"{gap.gap:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]",
                    claim.verdict(gap),
                )
            )
    return lines
