"""What settings and prepared cases make up: the view, and the task that an agent learns.

Training runs and the suites of experiments build both here, so that they cannot drift apart.
"""

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.training.agent import Task
from linkage_rl.training.data import balanced
from linkage_rl.training.settings import RunSettings


def view_of(settings: RunSettings) -> View:
    """How cases are shown under these settings: slots, the costs of the blockers, review."""
    costs = tuple(blocker.cost for blocker in settings.candidates.blockers())
    return View(settings.env.max_candidates, costs, settings.env.allow_review)


def training_cases(settings: RunSettings, cases: CaseSet) -> CaseSet:
    """Training cases as rankers and agents see them: small datasets repeated."""
    return balanced(cases, settings.clients.balance)


def task_of(settings: RunSettings, train: CaseSet, valid: CaseSet, view: View) -> Task:
    """What an agent learns.

    Args:
        settings: Of the run.
        train: From `training_cases`.
        valid: Prepared validation cases; small datasets are repeated as in training.
        view: From `view_of`.
    """
    return Task(train, balanced(valid, settings.clients.balance), view, settings.reward)
