"""Clients that were decided wrongly, in words, for the error browser of a report."""

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.evaluation.answers import Answers
from linkage_rl.evaluation.report import Example
from linkage_rl.features.reasons import reasons
from linkage_rl.records import DecisionKind


def error_examples(
    answers: Answers, cases: CaseSet, rows: NDArray[np.int64], limit: int
) -> list[Example]:
    """The most confident errors: wrong links, and clients with a row that were not linked.

    Args:
        answers: Answers about N of the cases.
        cases: All cases; `answers.pair` are pairs of these.
        rows: Which case each answer is about, shape (N,).
        limit: Examples returned at most.
    """
    linked = answers.kind == DecisionKind.LINK
    wrong = np.flatnonzero(np.where(linked, ~answers.right, answers.has_row))
    wrong = wrong[np.argsort(-answers.confidence[wrong], kind="stable")][:limit]
    companies, why = _described(cases, answers.pair[wrong])
    return [
        Example(
            client_id=client_id,
            client=client,
            decision=DecisionKind(int(answers.kind[place])).name.lower(),
            company=company,
            truth=_truth(cases, int(rows[place])),
            confidence=float(answers.confidence[place]),
            outcome=_outcome(bool(linked[place]), bool(answers.has_row[place])),
            reason=reason,
        )
        for place, client_id, client, company, reason in zip(
            wrong,
            cases.clients.take(rows[wrong]),
            cases.client_texts.take(rows[wrong]),
            companies,
            why,
            strict=True,
        )
    ]


def _described(cases: CaseSet, pairs: NDArray[np.int64]) -> tuple[list[str], list[str]]:
    """The company of each pair and its reasons, '' where the pair is -1."""
    present = np.flatnonzero(pairs >= 0)
    companies = np.full(len(pairs), "", dtype=object)
    why = np.full(len(pairs), "", dtype=object)
    companies[present] = cases.company_texts.take(cases.pair_company[pairs[present]])
    why[present] = reasons(cases.features[pairs[present]])
    return companies.tolist(), why.tolist()


def _truth(cases: CaseSet, row: int) -> str:
    """The right company in words, if a blocker proposed it; '' where the table has none."""
    if not cases.has_row[row]:
        return ""
    pairs = np.arange(cases.starts[row], cases.starts[row + 1])
    right = pairs[cases.is_right[pairs]]
    texts = cases.company_texts.take(cases.pair_company[right])
    return "; ".join(texts) or "in the table, but no blocker proposed it"


def _outcome(linked: bool, has_row: bool) -> str:
    if not linked:
        return "missed link"
    return "wrong link" if has_row else "link without a row"
