"""From training settings to the cases that systems learn from, choose by, and are judged on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage_rl.agents.ranker import right_answers
from linkage_rl.candidates.blockers import Blocker
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.records import RecordBatch
from linkage_rl.tables.split import SPLITS
from linkage_rl.train import TrainSettings
from linkage_rl.training.agent import Task
from linkage_rl.training.data import prepare
from linkage_rl.training.problem import task_of, training_cases, view_of

_CHUNK = 2048


@dataclass(frozen=True, eq=False)
class Problem:
    """A table and its client lists as cases, put together as the training command does it."""

    settings: TrainSettings
    datasets: tuple[str, ...]
    """Names of the lists; `CaseSet.dataset` numbers them."""
    train: CaseSet
    """Augmented copies included, small lists repeated by `clients.balance`."""
    valid: CaseSet
    """Choose the best pass of learning, the calibration and the threshold."""
    test: CaseSet
    """Are reported."""
    view: View
    index: CompanyIndex
    records: Mapping[str, RecordBatch]
    """The raw test clients of each list."""

    @property
    def blockers(self) -> tuple[Blocker, ...]:
        """The blockers in the order of their actions."""
        return tuple(self.settings.candidates.blockers())

    @property
    def task(self) -> Task:
        """What an agent learns."""
        return task_of(self.settings, self.train, self.valid, self.view)

    def timed_records(self) -> dict[str, RecordBatch]:
        """The first test clients of each list, to be linked live against the clock."""
        limit = self.settings.evaluation.timed_clients
        return {
            dataset: records.take(range(min(limit, len(records))))
            for dataset, records in self.records.items()
        }


def build_problem(settings: TrainSettings, learns: bool = True, labels: int = 0) -> Problem:
    """Prepare the cases, or read them from the cache of earlier runs.

    Args:
        settings: Of the training command.
        learns: False where nothing will be learned: the training cases are then not prepared, and
            the field `train` holds the valid cases.
        labels: Clients to learn from, drawn again with each seed; 0 for all.
    """
    prepared = prepare(settings, SPLITS if learns else SPLITS[1:])
    train = prepared.cases["valid"]
    if learns:
        labelled = of_clients(prepared.cases["train"], labels, settings.seed)
        train = training_cases(settings, labelled)
    return Problem(
        settings,
        prepared.datasets,
        train,
        prepared.cases["valid"],
        prepared.cases["test"],
        view_of(settings),
        prepared.index,
        prepared.records,
    )


def of_clients(cases: CaseSet, count: int, seed: int) -> CaseSet:
    """The cases, augmented copies included, of some clients, drawn again with each seed.

    Args:
        cases: Of at least one client.
        count: How many clients; 0, or as many as there are, takes all of them.
        seed: Of the draw.
    """
    if not count:
        return cases
    client = numbered_clients(cases)
    drawn = np.random.default_rng(seed).permutation(client.max() + 1)[:count]
    return cases.take(np.flatnonzero(np.isin(client, drawn)))


def numbered_clients(cases: CaseSet) -> NDArray[np.int64]:
    """Which client each case is of, counted from 0; augmented copies share it, shape (N,)."""
    ids = cases.clients.take(np.arange(len(cases)))
    _, by_id = np.unique(ids, return_inverse=True)
    # two lists may use the same id for different clients
    _, client = np.unique(np.stack([by_id, cases.dataset]), axis=1, return_inverse=True)
    return client


def right_is_visible(
    cases: CaseSet, view: View, ran: NDArray[np.uint16] | None = None
) -> NDArray[np.bool_]:
    """Whether the right company of each case is in one of the visible slots, shape (N,).

    No policy can link a client whose right company is not.

    Args:
        cases: With their truth.
        view: Number of slots.
        ran: Blockers that were run, one bit per blocker, shape (N,); None for all available ones.
    """
    bits = np.asarray(cases.available) if ran is None else ran
    visible = np.zeros(len(cases), dtype=np.bool_)
    for begin in range(0, len(cases), _CHUNK):
        case = np.arange(begin, min(begin + _CHUNK, len(cases)))
        seen = view.observe(cases, case, bits[case])
        visible[case] = right_answers(cases, seen)[:, :-1].any(axis=1)
    return visible
