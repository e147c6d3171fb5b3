"""The systems of the library: how each is fitted, and what it predicts for valid and test."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from experiments.suite import flat_networks
from experiments.suite.lightgbm_pipeline import REQUIREMENTS, predict_by_lightgbm
from experiments.tools.environments import environment_from
from experiments.tools.measure import Clock
from experiments.tools.problem import Problem
from linkage_rl.agents.algorithms import AGENTS
from linkage_rl.agents.baselines import Oracle, Rules, TopOne
from linkage_rl.agents.checkpoint import latest_checkpoint
from linkage_rl.agents.ranker import train_ranker
from linkage_rl.agents.scorer import CandidateScorer, load_scorer, save_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.decision.decide import Decider, decide_cases_raw
from linkage_rl.protocols import Policy
from linkage_rl.records import Decisions
from linkage_rl.training.agent import choose_static_plan, train_agent

FIT: Final = "fit.json"
"""Seconds of the learning; it is there once the learning is over."""
RANKER: Final = "ranker.pt"
AGENT: Final = "best_scorer.pt"


@dataclass(frozen=True)
class FitContext:
    """What a system is fitted on, and where it keeps what it learns."""

    problem: Problem
    seed: int
    folder: Path
    """Takes what it learned; an interrupted system goes on from there."""
    ranker: Path
    """Folder of the ranker of the same condition and seed, for the systems that need it."""
    lightgbm: str = ""
    """Python that has lightgbm; '' builds an environment for it."""
    parameters: Mapping[str, float] = field(default_factory=dict)
    """Of LightGBM, in place of the usual ones."""

    @property
    def learned(self) -> bool:
        """Whether the system has learned here before."""
        return (self.folder / FIT).exists()

    @contextmanager
    def timed_fit(self) -> Iterator[None]:
        """Time what is learned inside; once it is over it need not be learned again."""
        clock = Clock()
        with clock:
            yield
        self.write_seconds(clock.wall_s, clock.cpu_s)

    def write_seconds(self, wall_s: float, cpu_s: float) -> None:
        """Keep how long learning took."""
        (self.folder / FIT).write_text(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s}))


@dataclass(frozen=True)
class Predictions:
    """What a system decided about the valid and the test clients, before calibration."""

    valid: Decisions
    test: Decisions
    decider: Decider | None = None
    """Links live, to be timed; None where it cannot."""
    cpu_us: float = 0.0
    """Processor microseconds per client that come on top of the decider's."""
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class System:
    """How a system takes part."""

    title: str
    predict: Callable[[FitContext], Predictions]
    """Learns, unless it has learned before, and decides."""
    learns: bool = True
    """Whether seeds differ."""
    only_plans: bool = False
    """It only chooses a plan on the training cases for a ranker, which takes seconds."""
    own_decisions: bool = False
    """Keeps its own final actions: it has no threshold that could be moved."""
    needs_ranker: bool = False
    reads: tuple[str, ...] = ()
    """Parts of the training settings on which its answers depend, other than those of the cases."""
    agent: bool = False
    """Whether it is one of `AGENTS`."""
    code: tuple[str, ...] = ()
    """Modules that learn it; what they import counts, too."""


def predictions_of(problem: Problem, policy: Policy, plan: tuple[int, ...] | None) -> Predictions:
    """The decisions of a policy that chooses its blockers itself, or runs those of a plan."""
    decider = Decider(policy, problem.view, plan=plan)
    valid, test = (decide_cases_raw(decider, cases) for cases in (problem.valid, problem.test))
    return Predictions(valid, test, decider)


def every_blocker(problem: Problem) -> tuple[int, ...]:
    """The plan that runs all blockers."""
    return tuple(range(len(problem.view.costs)))


def _rules(context: FitContext) -> Predictions:
    problem = context.problem
    return predictions_of(problem, Rules(problem.valid, problem.view), every_blocker(problem))


def _top_one(context: FitContext) -> Predictions:
    return predictions_of(context.problem, TopOne(), every_blocker(context.problem))


def _oracle(context: FitContext) -> Predictions:
    """The truth, as far as blockers and slots show it: a ceiling, which nothing can link live."""
    problem = context.problem
    valid, test = (
        decide_cases_raw(Decider(Oracle(cases, problem.view), problem.view), cases)
        for cases in (problem.valid, problem.test)
    )
    return Predictions(valid, test)


def _ranker(context: FitContext) -> Predictions:
    problem, path = context.problem, context.folder / RANKER
    if not context.learned:
        config = problem.settings.ranker
        with context.timed_fit():
            scorer = train_ranker(problem.train, problem.valid, problem.view, config, context.seed)
            save_scorer(scorer, path)
    return predictions_of(problem, ScorerPolicy(load_scorer(path)), every_blocker(problem))


def _static_plan(context: FitContext) -> Predictions:
    problem, ranker = context.problem, _ranker_of(context)
    with context.timed_fit():
        plan = choose_static_plan(ranker, problem.task, problem.settings.training)
    blockers = ", ".join(problem.valid.blockers[blocker] for blocker in plan)
    predictions = predictions_of(problem, ScorerPolicy(ranker), plan)
    return replace(predictions, notes={"blockers": blockers or "none"})


def _agent(context: FitContext) -> Predictions:
    problem, settings = context.problem, context.problem.settings
    if not context.learned:
        warm = settings.training.start == "warm"
        with context.timed_fit():
            train_agent(
                settings.agent,
                problem.task,
                settings.training,
                context.seed,
                context.folder,
                _ranker_of(context) if warm else None,
                resume=latest_checkpoint(context.folder / "checkpoints") is not None,
            )
    return predictions_of(problem, ScorerPolicy(load_scorer(context.folder / AGENT)), None)


def _ranker_of(context: FitContext) -> CandidateScorer:
    return load_scorer(context.ranker / RANKER)


def _lightgbm(context: FitContext) -> Predictions:
    problem = context.problem
    python = Path(context.lightgbm) if context.lightgbm else environment_from(REQUIREMENTS)
    cases_of = {"train": problem.train, "valid": problem.valid, "test": problem.test}
    valid, test, seconds = predict_by_lightgbm(
        cases_of, problem.view, python, context.seed, context.parameters
    )
    context.write_seconds(seconds["fit_s"], seconds["fit_cpu_s"])
    clients = len(problem.valid) + len(problem.test)
    # candidates and features are those of top-1, the trees come on top
    live = Decider(TopOne(), problem.view, plan=every_blocker(problem))
    return Predictions(valid, test, live, cpu_us=1e6 * seconds["predict_cpu_s"] / clients)


def _flat_ranker(context: FitContext) -> Predictions:
    problem = context.problem
    with context.timed_fit():
        policy = flat_networks.train_flat_ranker(
            problem.train, problem.valid, problem.view, problem.settings.ranker, context.seed
        )
    return predictions_of(problem, policy, every_blocker(problem))


def _flat_agent(context: FitContext) -> Predictions:
    problem, settings = context.problem, context.problem.settings
    steps = settings.training.total_timesteps
    with context.timed_fit():
        policy = flat_networks.train_flat_agent(
            problem.train, problem.view, settings.reward, steps, context.seed
        )
    return predictions_of(problem, policy, None)


_RANKER: Final = ("linkage_rl.agents.ranker",)
_AGENT: Final = ("linkage_rl.training.agent",)
_FLAT: Final = ("experiments.suite.flat_networks",)
# the second is a program of its own, which no module imports
_LIGHTGBM: Final = ("experiments.suite.lightgbm_pipeline", "experiments.suite.lightgbm_scores")

SYSTEMS: Final[dict[str, System]] = {
    "rules": System("rules", _rules, learns=False, own_decisions=True),
    "top1": System("top-1", _top_one, learns=False),
    "ranker": System("ranker", _ranker, reads=("ranker",), code=_RANKER),
    "lightgbm": System("LightGBM pipeline", _lightgbm, code=_LIGHTGBM),
    "static_plan": System(
        *("static plan", _static_plan),
        only_plans=True,
        needs_ranker=True,
        reads=("ranker", "reward", "training"),
        code=_AGENT,
    ),
    **{
        name: System(
            *(title, _agent),
            needs_ranker=True,
            reads=("ranker", "reward", "agent", "training"),
            agent=True,
            code=_AGENT,
        )
        for name, title in zip(AGENTS, ("PPO", "MaskablePPO", "DQN", "QR-DQN"), strict=True)
    },
    "flat_ranker": System("flat ranker", _flat_ranker, reads=("ranker",), code=_FLAT),
    "flat_ppo": System("flat MaskablePPO", _flat_agent, reads=("reward", "training"), code=_FLAT),
    "oracle": System("oracle", _oracle, learns=False, own_decisions=True),
}
"""Every system of the library by its name in a suite."""
