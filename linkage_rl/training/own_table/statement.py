"""What a run says of drawn clients, and of the list that they resemble.

Figures of drawn clients are no figures of the list: what is known of the list are counts of what
the shipped system answers, and how far its clients differ from the drawn ones.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider
from linkage_rl.evaluation.comparison import Comparison, System
from linkage_rl.evaluation.curves import expected_calibration_error
from linkage_rl.records import DecisionKind
from linkage_rl.training.own_table.drawn import DrawnDataset

SYNTHETIC: Final = (
    "Synthetic clients, drawn from the table: no estimate of F1 on a list, "
    "where it has been up to 0.1 lower for companies and up to 0.5 for products"
)
RESEMBLES: Final = 0.8
"""Similarity in [0, 1] from which on a company's name resembles that of a client."""
_NAMES: Final = ("core_ratio", "stem_ratio", "kana_ratio", "latin_ratio")

MAX_UNSEEN: Final = 0.3
"""Share of the list's clients whose pattern was never drawn, above which a list is unlike."""
MAX_UNNAMED: Final = 0.5
"""Share of the list's clients without a company of such a name, above which a list is unlike: lists
of companies had 4 to 23 %, names of persons and companies of other countries 73 to 98 %."""
MIN_LINKED: Final = 0.1
"""Share of the list's clients that are linked, below which a list is unlike."""
MIN_OF_DRAWN: Final = 0.5
"""The same as part of the share that is linked of the drawn clients."""


@dataclass(frozen=True)
class ListFacts:
    """What is known of a list without labels; shares are of its clients, in [0, 1]."""

    file: str
    clients: int
    """Clients that were looked at."""
    linked: int
    """Those that the shipped system links at its threshold."""
    unnamed_share: float
    """Those without a company whose name resembles theirs; see `unnamed_share`."""
    unseen_share: float | None
    """Those whose pattern was never drawn."""

    @property
    def linked_share(self) -> float:
        """Linked / clients."""
        return self.linked / max(self.clients, 1)


@dataclass(frozen=True)
class Statement:
    """What a run says of a dataset of drawn clients."""

    shipped: str
    """The shipped system."""
    calibration_error: float
    """Its expected calibration error on the drawn test clients."""
    like: ListFacts | None
    """The list that the clients resemble; None without one."""
    warning: str
    """Why the list seems unlike the table; '' where it does not."""

    def sentences(self) -> tuple[str, ...]:
        """The statement in words, for table and report; the warning comes last."""
        said = [
            SYNTHETIC,
            f"Expected calibration error of what is shipped ({self.shipped}) on these clients: "
            f"{self.calibration_error:.4f}",
        ]
        if self.like is not None:
            said.append(_of_list(self.like))
        return (*said, f"Warning: {self.warning}") if self.warning else tuple(said)

    def as_json(self) -> dict[str, Any]:
        """The statement for `metrics.json`."""
        return {"synthetic": True, **asdict(self), "note": SYNTHETIC}


def statement_of(
    dataset: str, drawn: DrawnDataset, comparison: Comparison, system: System
) -> Statement:
    """What there is to say of a dataset.

    Args:
        dataset: Its name.
        drawn: What is known of its clients.
        comparison: Of all systems.
        system: The shipped one, as it was compared.
    """
    trial, joint = comparison.trials[dataset][system.name], comparison.joint[system.name]
    error = expected_calibration_error(trial.test.reliability)
    if drawn.list_cases is None:
        return Statement(system.name, error, None, "")
    like = ListFacts(
        drawn.list_file,
        len(drawn.list_cases),
        linked_clients(system, joint.decider, drawn.list_cases),
        unnamed_share(drawn.list_cases),
        drawn.unseen_share,
    )
    answers = joint.test.answers
    place = list(comparison.trials).index(dataset)
    drawn_linked = answers.kind[answers.dataset == place] == DecisionKind.LINK
    return Statement(system.name, error, like, unlike_warning(like, float(np.mean(drawn_linked))))


def linked_clients(system: System, decider: Decider, cases: CaseSet) -> int:
    """How many of these clients the shipped system links; no truth is needed.

    Args:
        system: The shipped one.
        decider: With its calibration and threshold.
        cases: The clients.
    """
    answers = system.answers(decider, cases)
    if decider.calibration is not None:
        answers = answers.calibrated(decider.calibration)
    if decider.thresholds is None:
        return int((answers.kind == DecisionKind.LINK).sum())
    return int((answers.has_candidate & (answers.confidence >= decider.thresholds.link)).sum())


def unnamed_share(cases: CaseSet) -> float:
    """Share of the clients that have no candidate whose name resembles theirs, in [0, 1].

    Names are compared as they are written, without branch, by reading, and in Latin script.
    """
    columns = [cases.feature_names.index(name) for name in _NAMES if name in cases.feature_names]
    best = np.zeros(len(cases), dtype=np.float32)
    for column in columns:
        np.maximum.at(best, cases.case_of_pair, np.asarray(cases.features[:, column]))
    return float(np.mean(best < RESEMBLES)) if len(cases) else 0.0


def unlike_warning(like: ListFacts, drawn_linked_share: float) -> str:
    """One sentence where a list has little in common with the table, else ''.

    Args:
        like: The list.
        drawn_linked_share: Share that is linked of the clients drawn in its likeness.
    """
    signs = []
    if like.linked_share < max(MIN_LINKED, MIN_OF_DRAWN * drawn_linked_share):
        signs.append(
            f"{like.linked_share:.1%} of its {like.clients:,} clients are linked, "
            f"{drawn_linked_share:.1%} of those drawn in its likeness"
        )
    if like.unnamed_share > MAX_UNNAMED:
        signs.append(f"for {like.unnamed_share:.1%} no company has a name that resembles theirs")
    if like.unseen_share is not None and like.unseen_share > MAX_UNSEEN:
        signs.append(f"{like.unseen_share:.1%} are unlike any client that was drawn")
    if not signs:
        return ""
    return (
        f"{Path(like.file).name} seems to have little to do with the table: {'; '.join(signs)}. "
        "Make sure that list and table belong together before you use the links"
    )


def _of_list(like: ListFacts) -> str:
    unseen = "" if like.unseen_share is None else f"; {like.unseen_share:.1%} are unlike any drawn"
    return (
        f"{Path(like.file).name}: {like.linked:,} of {like.clients:,} clients are linked "
        f"({like.linked_share:.1%}){unseen}"
    )
