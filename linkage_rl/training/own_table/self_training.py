"""Self-training: clients of a list of whose answer a first ranker is sure are learned as labelled.

Drawn clients resemble those of the list, but are easier: a list names organisations that the table
lacks, and companies with former names that no row had. What the first ranker is sure of repairs a
part of that (pseudo-labels, Lee 2013).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.candidates.strings import StringColumn
from linkage_rl.decision.cases import CaseSet, join_cases
from linkage_rl.decision.decide import Decider, decide_cases_raw
from linkage_rl.decision.observation import View
from linkage_rl.evaluation.answers import Answers, fit_calibration
from linkage_rl.training.own_table.config import OwnTableConfig
from linkage_rl.training.own_table.drawn import DrawnDataset

_log = logging.getLogger(__name__)


def with_sure_clients(
    train: CaseSet,
    valid: CaseSet,
    ranker: ScorerPolicy,
    datasets: Sequence[str],
    drawn: Mapping[str, DrawnDataset],
    view: View,
    config: OwnTableConfig,
) -> CaseSet:
    """The training cases, and those of lists of which a ranker is sure.

    Args:
        train: Cases that the ranker learned from.
        valid: Cases on which its confidence is calibrated.
        ranker: The first ranker.
        datasets: Name of each `CaseSet.dataset`.
        drawn: Datasets whose clients were drawn, some with the cases of a list.
        view: How cases are observed.
        config: From which and up to which confidence a client is learned.
    """
    decider = Decider(ranker, view, plan=tuple(range(len(view.costs))))
    calibration = fit_calibration(Answers.of(decide_cases_raw(decider, valid), valid))
    if calibration is None:
        return train
    parts, numbers = [], []
    for number, dataset in enumerate(datasets):
        cases = drawn[dataset].list_cases if dataset in drawn else None
        if cases is None:
            continue
        answers = Answers.of(decide_cases_raw(decider, cases), cases).calibrated(calibration)
        linked = answers.has_candidate & (answers.confidence >= config.link_above)
        sure = linked | (answers.confidence <= config.no_row_below)
        _log.info(
            "%s: self-training with %s of %s clients, %s of them linked",
            dataset,
            f"{sure.sum():,}",
            f"{len(cases):,}",
            f"{linked.sum():,}",
        )
        is_right = np.zeros(cases.pairs, dtype=np.bool_)
        is_right[answers.pair[linked]] = True
        truth = cases.company_ids(np.where(linked, answers.pair, -1))
        labelled = replace(
            cases, is_right=is_right, has_row=linked, truth=StringColumn.from_texts(truth)
        )
        parts.append(labelled.take(np.flatnonzero(sure)))
        numbers.append(number)
    if not parts:
        return train
    learned = join_cases([train, *parts], [0, *numbers])
    number_of_case = np.array(learned.dataset)
    number_of_case[: len(train)] = train.dataset
    return replace(learned, dataset=number_of_case)
