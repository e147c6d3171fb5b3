"""Answers about clients as members of a list: the list stage after a policy, on prepared cases."""

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.first_pass import FirstPass
from linkage_rl.decision.list_stage import ListScorer, decide_list
from linkage_rl.evaluation.answers import Answers
from linkage_rl.records import SHORTLIST, DecisionKind, Decisions


def first_pass(decisions: Decisions, cases: CaseSet) -> FirstPass:
    """What the list stage reads, from decisions with a shortlist about cases 0..N-1.

    The companies are numbered as in `CaseSet.companies`.
    """
    if decisions.shortlist is None:
        raise ValueError("expected decisions with a shortlist; decide with shortlist=True")
    pairs = decisions.shortlist.candidate
    companies = np.full((len(cases), SHORTLIST), -1, dtype=np.int32)
    companies[pairs >= 0] = cases.pair_company[pairs[pairs >= 0]]
    return FirstPass.of(decisions.shortlist, companies, cases.keys)


def list_answers(scorer: ListScorer, decisions: Decisions, cases: CaseSet) -> Answers:
    """What a policy with a list stage says of these cases, those of a dataset being one list.

    Args:
        scorer: The list stage.
        decisions: The policy's own, raw and with a shortlist.
        cases: N cases.
    """
    answers = decide_list(scorer, first_pass(decisions, cases), cases.dataset)
    found = answers.candidate >= 0
    every = np.arange(len(cases))
    kind = np.where(found & (answers.confidence >= 0.5), DecisionKind.LINK, DecisionKind.NO_MATCH)
    return Answers(
        kind=kind.astype(np.int8),
        has_candidate=found,
        pair=_pairs_of(cases, every, answers.candidate),
        confidence=answers.confidence,
        tied=answers.tied,
        right=cases.is_right_company(every, answers.candidate),
        has_row=np.array(cases.has_row),
        ran=decisions.ran,
        cost=decisions.cost,
        dataset=np.array(cases.dataset),
    )


def _pairs_of(
    cases: CaseSet, case: NDArray[np.int64], company: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The pair of each case with a company, -1 where no blocker proposed it; shape (M,)."""
    keys = cases.case_of_pair << np.int64(32) | cases.pair_company
    order = np.argsort(keys, kind="stable")
    wanted = case << np.int64(32) | np.maximum(company, 0)
    place = np.searchsorted(keys, wanted, sorter=order)
    pair = np.full(len(case), -1, dtype=np.int64)
    if cases.pairs:
        at = order[np.minimum(place, cases.pairs - 1)]
        same = (company >= 0) & (keys[at] == wanted)
        pair[same] = at[same]
    return pair
