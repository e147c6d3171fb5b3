"""Clients that were decided wrongly, in words, for the error browser of a report."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider
from linkage_rl.evaluation.answers import Answers
from linkage_rl.evaluation.report import Example
from linkage_rl.features.explanation import FIELDS, field_weights
from linkage_rl.features.matrix import PAIR_FEATURES
from linkage_rl.features.reasons import reasons
from linkage_rl.records import DecisionKind

EXPLAINED: Final = 12
"""Examples with the weights of their fields: a figure each."""
NO_WORDS: Final = "no reasons: these cases have other features than those of companies"
"""Reason where the features of the cases are not `matrix.PAIR_FEATURES`."""


def error_examples(
    answers: Answers,
    cases: CaseSet,
    rows: NDArray[np.int64],
    limit: int,
    decider: Decider | None = None,
) -> list[Example]:
    """The most confident errors: wrong links, and clients with a row that were not linked.

    Cases of other features than `matrix.PAIR_FEATURES` have neither reasons nor weights.

    Args:
        answers: Answers about N of the cases.
        cases: All cases; `answers.pair` are pairs of these.
        rows: Which case each answer is about, shape (N,).
        limit: Examples returned at most.
        decider: Whose answers they are; the first `EXPLAINED` examples then have the weights of
            their fields.
    """
    linked = answers.kind == DecisionKind.LINK
    wrong = np.flatnonzero(np.where(linked, ~answers.right, answers.has_row))
    wrong = wrong[np.argsort(-answers.confidence[wrong], kind="stable")][:limit]
    companies, why = _described(cases, answers.pair[wrong])
    explained = _weights(answers.take(wrong[:EXPLAINED]), cases, rows[wrong], decider)
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
            weights=weights,
            log_odds=log_odds,
        )
        for place, client_id, client, company, reason, (weights, log_odds) in zip(
            wrong,
            cases.clients.take(rows[wrong]),
            cases.client_texts.take(rows[wrong]),
            companies,
            why,
            explained + [((), 0.0)] * (len(wrong) - len(explained)),
            strict=True,
        )
    ]


def _weights(
    answers: Answers, cases: CaseSet, rows: NDArray[np.int64], decider: Decider | None
) -> list[tuple[tuple[tuple[str, float], ...], float]]:
    """Weight of each field, and the log-odds, for the best candidates of n answers.

    () where the policy did not see the candidate, as one that a list stage took from another
    client.
    """
    if decider is None or not len(answers) or not _in_words(cases):
        return []
    observation = decider.view.observe(cases, rows[: len(answers)], answers.ran)
    seen = (observation.slot_candidates == answers.pair[:, None]) & (answers.pair[:, None] >= 0)
    log_odds, weights = field_weights(decider.policy, observation, seen.argmax(axis=1))
    return [
        (
            tuple((name, weight) for name, weight in zip(FIELDS, own, strict=True) if weight),
            float(log_odds[place]),
        )
        if seen[place].any()
        else ((), 0.0)
        for place, own in enumerate(weights.tolist())
    ]


def _described(cases: CaseSet, pairs: NDArray[np.int64]) -> tuple[list[str], list[str]]:
    """The company of each pair and its reasons, '' where the pair is -1."""
    present = np.flatnonzero(pairs >= 0)
    companies = np.full(len(pairs), "", dtype=object)
    why = np.full(len(pairs), "", dtype=object)
    companies[present] = cases.company_texts.take(cases.pair_company[pairs[present]])
    why[present] = reasons(cases.features[pairs[present]]) if _in_words(cases) else NO_WORDS
    return companies.tolist(), why.tolist()


def _in_words(cases: CaseSet) -> bool:
    """Whether there are words for the features of these cases."""
    return cases.feature_names == PAIR_FEATURES


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
