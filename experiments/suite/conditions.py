"""What a condition of a suite does to the cases of its problem."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from experiments.suite import changed, former_names, thinned
from experiments.suite.changed import changed_index
from experiments.suite.former_names import with_former_names
from experiments.suite.thinned import FIELDS_KEPT
from experiments.tools.digests import code_digest, file_digests
from experiments.tools.problem import Problem, build_problem, numbered_clients
from experiments.tools.settings import Condition
from linkage_rl.decision.cases import CaseSet, join_cases
from linkage_rl.decision.prepare import prepare_cases
from linkage_rl.features import context, mentions, places, spelling
from linkage_rl.records import RecordBatch
from linkage_rl.text.legal_forms import KINDS
from linkage_rl.train import TrainSettings
from linkage_rl.training.data import client_lists

OFFICES: Final = tuple(name for name in places.NAMES if name.startswith("office"))
GROUPS: Final = {
    "registry office": OFFICES,
    "kilometres": tuple(name for name in places.NAMES if name not in OFFICES),
    "name as written": ("written_equal", "reading_equal"),
    "edits, read alike, marks": ("core_edits", "read_alike", "marks_differ"),
    "all of spelling": spelling.NAMES,
    "kinds of legal forms": tuple(f"company_is_{kind}" for kind in KINDS),
    "prefecture in the name": mentions.NAMES,
    "sharers of site and city": tuple(
        name for name in context.NAMES if name.split("_")[1] in ("site", "city")
    ),
    "all of the context": context.NAMES,
    "equal address": ("address_equal",),
}
"""Groups of pair features that a condition can leave out, to their names.

The registry office is read from the corporate number, so a table without these has none.
"""


def build_condition(settings: TrainSettings, condition: Condition, learns: bool = True) -> Problem:
    """The problem of the training settings, with what the condition does to it.

    Args:
        settings: Of the training command.
        condition: Changes of the cases.
        learns: False where nothing will be learned, see `build_problem`.
    """
    if condition.former_names:
        settings = with_former_names(settings, condition.former_names)
    problem = build_problem(settings, learns, condition.labels)
    if condition.valid_halves:
        problem = halved(problem)
    if condition.changed_rows or condition.test_fields:
        problem = with_altered_test(problem, condition.changed_rows, condition.test_fields)
    if condition.without:
        problem = without_features(problem, GROUPS[condition.without])
    return problem


def halved(problem: Problem) -> Problem:
    """A random half of the valid clients chooses, the others take the place of the test clients."""
    client = numbered_clients(problem.valid)
    first = np.random.default_rng(0).random(client.max() + 1) < 0.5
    chooses, judged = (problem.valid.take(np.flatnonzero(half[client])) for half in (first, ~first))
    return replace(problem, valid=chooses, test=judged)


def with_altered_test(problem: Problem, changed_rows: float, test_fields: str) -> Problem:
    """The test clients known by fewer fields, or looked up in a table that has changed.

    Args:
        problem: As it was learned.
        changed_rows: Share of the companies that change, in [0, 1).
        test_fields: One of `FIELDS_KEPT`; '' keeps all fields.
    """
    settings, index, closed = problem.settings, problem.index, set[str]()
    if changed_rows:
        index, closed = changed_index(settings, changed_rows)
    keep: Callable[[RecordBatch], RecordBatch] = FIELDS_KEPT[test_fields or "all fields"]
    parts, records = [], {}
    for dataset in problem.datasets:
        clients = client_lists(settings)["test"][dataset]
        records[dataset] = keep(clients.records)
        # a client whose company was closed has no row any more
        truth = [
            "|".join(company_id for company_id in text.split("|") if company_id not in closed)
            for text in clients.truth or ()
        ]
        blockers, limit = settings.candidates.blockers(), settings.candidates.limit
        parts.append(
            prepare_cases(index, blockers, records[dataset], truth, limit, title="altered test")
        )
    return replace(problem, test=join_cases(parts, range(len(parts))), records=records)


def without_features(problem: Problem, names: tuple[str, ...]) -> Problem:
    """The problem with these pair features 0 everywhere."""
    columns = [problem.train.feature_names.index(name) for name in names]

    def blanked(cases: CaseSet) -> CaseSet:
        features = np.array(cases.features)
        features[:, columns] = 0
        return replace(cases, features=features)

    return replace(
        problem,
        train=blanked(problem.train),
        valid=blanked(problem.valid),
        test=blanked(problem.test),
    )


def condition_content(settings: TrainSettings, condition: Condition) -> list[Any]:
    """What a digest of the cases needs to know of the condition; fit for JSON."""
    files = former_names.list_files(settings, condition.former_names)
    return [
        GROUPS[condition.without] if condition.without else (),
        condition.labels,
        condition.valid_halves,
        condition.changed_rows and [condition.changed_rows, code_digest(changed)],
        condition.test_fields and [condition.test_fields, code_digest(thinned)],
        condition.former_names and [*file_digests(files), code_digest(former_names)],
    ]
