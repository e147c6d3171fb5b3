"""The systems of the library: how each is made, and what it then says of valid and test clients."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from experiments.tools.environments import environment_from
from experiments.suite import lightgbm
from experiments.real_lists.cases import Lists
from experiments.tools.measure import Clock
from experiments.suite import flat
from experiments.tools.problem import Problem
from linkage_rl.agents.algorithms import AGENTS
from linkage_rl.agents.baselines import Oracle, Rules, TopOne
from linkage_rl.agents.checkpoint import latest_checkpoint
from linkage_rl.agents.ranker import train_ranker
from linkage_rl.agents.scorer import CandidateScorer, load_scorer, save_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.decision.decide import Decider
from linkage_rl.evaluation.evaluate import judge_cases
from linkage_rl.protocols import Policy
from linkage_rl.records import Decisions
from linkage_rl.training.agent import Task, choose_static_plan, train_agent
from linkage_rl.training.data import balanced

FIT: Final = "fit.json"
"""Seconds of the learning; it is there once the learning is over."""
RANKER: Final = "ranker.pt"
AGENT: Final = "best_scorer.pt"


@dataclass(frozen=True)
class Bench:
    """Where a system is made."""

    problem: Problem
    seed: int
    folder: Path
    """Takes what it learned; an interrupted system goes on from there."""
    ranker: Path
    """Folder of the ranker of the same condition and seed, for the systems that need it."""
    lightgbm: str = ""

    @property
    def learned(self) -> bool:
        """Whether the system has learned here before."""
        return (self.folder / FIT).exists()

    @contextmanager
    def fitting(self) -> Iterator[None]:
        """Time what is learned; once it is over it need not be learned again."""
        clock = Clock()
        with clock:
            yield
        self.took(clock.wall_s, clock.cpu_s)

    def took(self, wall_s: float, cpu_s: float) -> None:
        """Write down how long learning took."""
        (self.folder / FIT).write_text(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s}))


@dataclass(frozen=True)
class Said:
    """What a system says, raw."""

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
    make: Callable[[Bench], Said]
    learns: bool = True
    """Whether seeds differ."""
    settles: bool = False
    """It only chooses on the training cases what a ranker does, which takes seconds."""
    own: bool = False
    """Keeps its own final actions: it has no threshold that could be moved."""
    needs_ranker: bool = False
    reads: tuple[str, ...] = ()
    """Parts of the training settings on which its answers depend, cases aside."""
    agent: bool = False
    """Whether it is one of `AGENTS`."""
    code: tuple[str, ...] = ()
    """Modules that learn it; what they import counts, too."""


def judged(lists: Lists, policy: Policy, plan: tuple[int, ...] | None) -> Said:
    """What a policy says, with its own runs or with the blockers of a plan."""
    decider = Decider(policy, lists.view, plan=plan)
    return Said(judge_cases(decider, lists.valid), judge_cases(decider, lists.test), decider)


def every_blocker(lists: Lists) -> tuple[int, ...]:
    """The plan that runs all there is."""
    return tuple(range(len(lists.view.costs)))


def _rules(bench: Bench) -> Said:
    lists = bench.problem.lists
    return judged(lists, Rules(lists.valid, lists.view), every_blocker(lists))


def _top_one(bench: Bench) -> Said:
    lists = bench.problem.lists
    return judged(lists, TopOne(), every_blocker(lists))


def _oracle(bench: Bench) -> Said:
    """The truth, as far as blockers and slots show it: a ceiling, which nothing can link live."""
    lists = bench.problem.lists
    valid, test = (
        judge_cases(Decider(Oracle(cases, lists.view), lists.view), cases)
        for cases in (lists.valid, lists.test)
    )
    return Said(valid, test)


def _ranker(bench: Bench) -> Said:
    lists, path = bench.problem.lists, bench.folder / RANKER
    if not bench.learned:
        told = lists.settings.ranker
        with bench.fitting():
            made = train_ranker(lists.train, lists.valid, lists.view, told, bench.seed)
            save_scorer(made, path)
    return judged(lists, ScorerPolicy(load_scorer(path)), every_blocker(lists))


def _static_plan(bench: Bench) -> Said:
    lists, ranker = bench.problem.lists, _ranker_of(bench)
    with bench.fitting():
        plan = choose_static_plan(ranker, _task(lists), lists.settings.training)
    said = judged(lists, ScorerPolicy(ranker), plan)
    blockers = ", ".join(lists.valid.blockers[blocker] for blocker in plan)
    return Said(said.valid, said.test, said.decider, notes={"blockers": blockers or "none"})


def _task(lists: Lists) -> Task:
    """What an agent is told."""
    settings = lists.settings
    valid = balanced(lists.valid, settings.clients.balance)
    return Task(lists.train, valid, lists.view, settings.reward)


def _agent(bench: Bench) -> Said:
    lists = bench.problem.lists
    settings = lists.settings
    if not bench.learned:
        warm = settings.training.start == "warm"
        with bench.fitting():
            train_agent(
                settings.agent,
                _task(lists),
                settings.training,
                bench.seed,
                bench.folder,
                _ranker_of(bench) if warm else None,
                resume=latest_checkpoint(bench.folder / "checkpoints") is not None,
            )
    return judged(lists, ScorerPolicy(load_scorer(bench.folder / AGENT)), None)


def _ranker_of(bench: Bench) -> CandidateScorer:
    return load_scorer(bench.ranker / RANKER)


def _lightgbm(bench: Bench) -> Said:
    lists = bench.problem.lists
    python = Path(bench.lightgbm) if bench.lightgbm else environment_from(rival.REQUIREMENTS)
    valid, test = rival.judge_by_lightgbm(
        *(lists.train, lists.valid, lists.test, lists.view),
        python,
        bench.seed,
        took=bench.folder / "took.json",
    )
    took = json.loads((bench.folder / "took.json").read_text())
    bench.took(took["fit_s"], took["fit_cpu_s"])
    clients = len(lists.valid) + len(lists.test)
    # its candidates and features are ours: what top-1 takes, and the trees on top
    live = Decider(TopOne(), lists.view, plan=every_blocker(lists))
    return Said(valid, test, live, cpu_us=1e6 * took["predict_cpu_s"] / clients)


def _flat_ranker(bench: Bench) -> Said:
    lists = bench.problem.lists
    told = lists.settings.ranker
    with bench.fitting():
        policy = flat.train_flat_ranker(lists.train, lists.valid, lists.view, told, bench.seed)
    return judged(lists, policy, every_blocker(lists))


def _flat_agent(bench: Bench) -> Said:
    lists = bench.problem.lists
    settings = lists.settings
    steps = settings.training.total_timesteps
    with bench.fitting():
        policy = flat.train_flat_agent(lists.train, lists.view, settings.reward, steps, bench.seed)
    return judged(lists, policy, None)


_RANKER: Final = ("linkage_rl.agents.ranker",)
_AGENT: Final = ("linkage_rl.training.agent",)
_FLAT: Final = ("experiments.suite.flat",)
# the second is a program of its own, which nobody imports
_LIGHTGBM: Final = ("experiments.suite.lightgbm", "experiments.suite.lightgbm_scores")

SYSTEMS: Final[dict[str, System]] = {
    "rules": System("rules", _rules, learns=False, own=True),
    "top1": System("top-1", _top_one, learns=False),
    "ranker": System("ranker", _ranker, reads=("ranker",), code=_RANKER),
    "lightgbm": System("LightGBM pipeline", _lightgbm, code=_LIGHTGBM),
    "static_plan": System(
        *("static plan", _static_plan),
        settles=True,
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
    "oracle": System("oracle", _oracle, learns=False, own=True),
}
"""Every system of the library by its name in a suite."""
