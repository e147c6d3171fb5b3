"""From a decision log to arrays: judged cases to learn from, and clients that nobody judged."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.agents.scorer import ScorerConfig
from linkage_rl.decision_log.clients import first_of_each, judged_clients
from linkage_rl.decision_log.evidence import LoggedCases, Shape, features_version, unpack
from linkage_rl.decision_log.rows import SHOWN, Answer, DecisionRows, Selection, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import SchemaError
from linkage_rl.feedback.answers import Judged, Says, allowed_answers, judged

MOST_WEIGHT: Final = 20.0
"""Verdicts given unasked that one of them may count as much as."""
_TEACHES_NOTHING: Final = "verdicts that say nothing of the shown candidates"


@dataclass(frozen=True)
class Format:
    """What logged decisions must have been made with, so that a scorer can learn from them."""

    shape: Shape
    features: str
    """See `decision_log.evidence.features_version`."""

    @classmethod
    def of(cls, config: ScorerConfig, blockers: Sequence[str], slots: int) -> "Format":
        """That of a bundle.

        Args:
            config: Of its scorer.
            blockers: Names of its blockers, in their order.
            slots: Its visible candidates.
        """
        shape = Shape(config.features, config.query, config.blockers + 2)
        return cls(shape, features_version(blockers, slots))


@dataclass(frozen=True, eq=False)
class LoggedVerdicts:
    """The verdicts of a log from which a scorer can learn."""

    judged: Judged
    decision_ids: Sequence[str]
    """Decision of each judged case."""
    customers: Sequence[str]
    """Customer of each judged case, '' where nobody said."""
    left_out: Mapping[str, int]
    """Why other judged decisions teach nothing, and how many."""

    def __len__(self) -> int:
        return len(self.decision_ids)

    def take(self, rows: NDArray[np.int64]) -> "LoggedVerdicts":
        """These verdicts, by position."""
        return replace(
            self,
            judged=self.judged.take(rows),
            decision_ids=[self.decision_ids[row] for row in rows.tolist()],
            customers=[self.customers[row] for row in rows.tolist()],
        )


def read_verdicts(log: DecisionLog, selection: Selection, wanted: Format) -> LoggedVerdicts:
    """The verdict that counts for each judged decision, with what the policy saw.

    Args:
        log: The log.
        selection: Whose decisions.
        wanted: Format of the evidence; decisions of others are left out and counted.

    Raises:
        SchemaError: The evidence of a decision is damaged.
    """
    selection = replace(selection, judged=True)
    counts = log.latest(selection)
    left_out: Counter[str] = Counter()
    parts: list[DecisionRows] = []
    for rows in log.decisions(selection):
        usable, reasons = _usable(rows, wanted)
        left_out.update(reasons)
        usable = [row for row in usable if rows.decision_id[row] in counts]
        parts.append(rows.take(usable))
    rows = _joined(parts)
    verdicts = [counts[one] for one in rows.decision_id]
    cases = unpack(rows.evidence, wanted.shape)
    says, named = answers_on(rows, verdicts, cases)
    allowed = allowed_answers(cases, says, named, SHOWN)
    weights = np.array([asking_weight(verdict) for verdict in verdicts])
    learned, kept = judged(cases, allowed, weights)
    if len(rows) > len(kept):
        left_out[_TEACHES_NOTHING] += len(rows) - len(kept)
    return LoggedVerdicts(
        learned,
        [rows.decision_id[row] for row in kept.tolist()],
        [rows.customer[row] for row in kept.tolist()],
        dict(left_out),
    )


def asking_weight(verdict: Verdict) -> float:
    """How much a verdict counts.

    Whom a queue asks depends on what the policy saw of a client, not on the answer, so that its
    verdicts count alike. Those that people send of their own accord do depend on it: wrong links
    are reported more often than right ones, and 1 / chance undoes that where the chance is known.
    It is capped, so that no verdict silences the others (truncated importance sampling; Ionides
    2008).
    """
    if verdict.question_id is not None:
        return 1.0
    return min(1 / verdict.chance, MOST_WEIGHT)


def answers_on(
    rows: DecisionRows, verdicts: Sequence[Verdict], cases: LoggedCases
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """What N verdicts say, as `Says`, shape (N,), and of which slots, shape (N, K)."""
    says = np.zeros(len(rows), dtype=np.int8)
    named = np.zeros(cases.candidates.shape[:2], dtype=np.bool_)
    for row, verdict in enumerate(verdicts):
        shown = [company_id for company_id, _ in json.loads(rows.shown[row])]
        meant, company_id = meaning(rows.action[row], rows.company_id[row], verdict)
        slots = [slot for slot, one in enumerate(shown) if one == company_id]
        if meant is Says.RIGHT and not slots:
            meant = Says.NOT_SHOWN
        says[row] = meant
        named[row, slots] = bool(company_id)
    return says, named


def meaning(action: str, linked: str, verdict: Verdict) -> tuple[Says, str]:
    """What a verdict on a decision says, and of which company.

    Args:
        action: 'link', 'no_match' or 'review'.
        linked: The linked company, '' where none was.
        verdict: The verdict.
    """
    if verdict.answer is Answer.COMPANY:
        return Says.RIGHT, verdict.company_id
    if verdict.answer is Answer.NONE:
        return Says.NO_COMPANY, ""
    if verdict.answer is Answer.ACCEPT and action == "link":
        return Says.RIGHT, linked
    if verdict.answer is Answer.ACCEPT and action == "no_match":
        return Says.NO_COMPANY, ""
    if verdict.answer is Answer.REJECT and action == "link":
        return Says.WRONG, linked
    if verdict.answer is Answer.REJECT and action == "no_match":
        return Says.SOME_COMPANY, ""
    return Says.NOTHING, ""


def read_unjudged(
    log: DecisionLog, selection: Selection, wanted: Format, limit: int
) -> tuple[DecisionRows, LoggedCases]:
    """Decisions on clients without a verdict, at most `limit`, with what the policy saw.

    Each client is there once, and none that was judged under another id, from whom a policy may
    have learned. The ids of decisions are hashes, so that the first ones are a random sample.
    """
    known = log.latest(selection)
    seen = judged_clients(log, selection.customer)
    parts: list[DecisionRows] = []
    number = 0
    for rows in log.decisions(replace(selection, judged=False)):
        usable = [row for row in _usable(rows, wanted)[0] if rows.decision_id[row] not in known]
        new = first_of_each([rows.client_hash[row] for row in usable], seen)
        parts.append(rows.take([usable[place] for place in new[: limit - number]]))
        number += len(parts[-1])
        if number >= limit:
            break
    found = _joined(parts)
    return found, unpack(found.evidence, wanted.shape)


def read_sample(
    log: DecisionLog,
    selection: Selection,
    wanted: Format,
    limit: int,
    left_out: Collection[str] = (),
) -> LoggedCases:
    """A random sample of the decisions, judged or not, at most `limit`.

    Args:
        log: The log.
        selection: Whose decisions.
        wanted: Format of the evidence; others are left out.
        limit: How many at most.
        left_out: Customers whose clients are left out.
    """
    packed: list[bytes] = []
    for rows in log.decisions(replace(selection, judged=False)):
        usable = _usable(rows, wanted)[0]
        packed += [rows.evidence[row] for row in usable if rows.customer[row] not in left_out]
        if len(packed) >= limit:
            break
    return unpack(packed[:limit], wanted.shape)


def _usable(rows: DecisionRows, wanted: Format) -> tuple[list[int], Iterator[str]]:
    """Positions of decisions that can be learned from, and why each of the others cannot."""
    usable, reasons = [], []
    for row, (features, evidence) in enumerate(zip(rows.features, rows.evidence, strict=True)):
        if features != wanted.features:
            reasons.append("logged with other features or blockers")
        elif not evidence:
            reasons.append("logged without what the policy saw")
        else:
            usable.append(row)
    return usable, iter(reasons)


def _joined(parts: Sequence[DecisionRows]) -> DecisionRows:
    """The decisions of all pages."""
    rows: list[tuple[object, ...]] = [tuple(row.values()) for part in parts for row in part.rows()]
    if not rows and not parts:
        return DecisionRows.of([])
    return DecisionRows.of(rows)


def check_some(verdicts: LoggedVerdicts, log: DecisionLog, bundle: object) -> None:
    """Refuse a log without one verdict to learn from.

    Raises:
        SchemaError: There is none; says what the log has instead.
    """
    if len(verdicts):
        return
    others = ", ".join(f"{number:,} {why}" for why, number in verdicts.left_out.items())
    raise SchemaError(
        f"expected verdicts in {log} on decisions that fit {bundle}, got none"
        f"{f' ({others})' if others else ''}; ask with linkage-rl review log=URL, or select others"
    )
