"""How good a policy or a peer is on the lists that judge, after a number of clicks."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from experiments.suite.run_on_lists import LISTS
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.evaluation.answers import Answers, apply_threshold, best_threshold

Way = tuple[str, str, str]
"""System, habit of the reviewer, and whom it asks: what a line of a table is of."""
Kind = TypeVar("Kind")
BOTH: Final = "both, one threshold"


@dataclass(frozen=True)
class Trial:
    """One system with one seed on one list, after some clicks."""

    system: str
    """A start of ours, or a peer with its way of asking."""
    habit: str
    """How the reviewer answers."""
    asking: str
    clicks: int
    seed: int
    list_name: str
    f1: float
    precision: float
    recall: float
    linkage_rate: float
    threshold: float
    """Confidence from which on clients were linked; no label took part in it."""
    best_f1: float
    """With the threshold that would have been best for the labels of this list."""
    cpu_s: float = 0.0
    """Processor time of learning."""

    @property
    def way(self) -> Way:
        """What a line of a table is of."""
        return self.system, self.habit, self.asking


def trials_of(
    way: Way, clicks: int, seed: int, answers: Answers, threshold: float, cpu_s: float = 0.0
) -> Iterator[Trial]:
    """A trial on each list, then on both.

    Args:
        way: System, habit and asking.
        clicks: Number of answers that were learned.
        seed: Of the draw of clients, of wrong answers and of learning.
        answers: About the lists that judge, with the confidence to which the threshold belongs.
        threshold: From which on clients are linked.
        cpu_s: Processor time of learning.
    """
    weights = RewardWeights()
    # a customer may have one of the lists only
    places = [place for place in range(len(LISTS)) if (answers.dataset == place).any()]
    parts = [(LISTS[place], answers.dataset == place) for place in places]
    for name, rows in [*parts, (BOTH, answers.dataset >= 0)]:
        part = answers.take(rows)
        metrics = apply_threshold(part, threshold, weights).metrics
        best = best_threshold(part, "f1", weights)
        yield Trial(
            *way,
            clicks,
            seed,
            name,
            f1=metrics.f1,
            precision=metrics.precision,
            recall=metrics.recall,
            linkage_rate=metrics.linkage_rate,
            threshold=threshold,
            best_f1=apply_threshold(part, best, weights).metrics.f1,
            cpu_s=cpu_s,
        )


def keep(trials: Iterable[Any], file: Path) -> None:
    """Append trials, one JSON object per line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(asdict(trial)) + "\n" for trial in trials)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(lines)


def kept(file: Path, kind: type[Kind]) -> list[Kind]:
    """The trials of a file; none where there is no file."""
    if not file.exists():
        return []
    return [kind(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
