"""`python -m experiments.sweep sweep=tune trials=40`: hyperparameters sought by Optuna.

`study=FILE` keeps every trial in SQLite: started again, the search goes on; started twice, two
processes share it. All other words are those of `linkage_rl.train`. A trial trains an agent and is
value its best mean reward on the validation cases; the test lists are not looked at. The plugin
for Hydra 1.3 stops at Optuna 2, so this is Optuna's own way, with spaces in Hydra's words.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import optuna
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import Trial, TrialState
from stable_baselines3.common.logger import KVWriter

from linkage_rl.agents.ranker import train_ranker
from linkage_rl.config import nodes
from linkage_rl.config.command import CONFIGS, say
from linkage_rl.config.near_miss import REFUSALS, explain
from linkage_rl.decision.observation import View
from linkage_rl.errors import CollapsedPolicyError, ConfigError, LinkageError
from linkage_rl.train import COMPONENTS, TrainSettings, with_database_url
from linkage_rl.training.agent import Task, train_agent
from linkage_rl.training.data import balanced, prepare

OWN: Final = {"study": "outputs/studies/study.db", "trials": "40"}
"""Words of this command with what they mean when they are left out."""

ENDED: Final = (TrialState.COMPLETE, TrialState.PRUNED)
Words = Sequence[str]


class Pruner(KVWriter):
    """Tells a trial of each evaluation, and ends it where most were better by then."""

    def __init__(self, trial: Trial) -> None:
        """Watch for one trial."""
        self._trial = trial
        self.best = float("-inf")
        """Highest mean reward of an evaluation."""

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Report; called by the training's logger after each evaluation."""
        self.best = max(self.best, float(key_values["eval/mean_reward"]))
        self._trial.report(self.best, step)
        if self._trial.should_prune():
            raise optuna.TrialPruned

    def close(self) -> None:
        """Nothing is open."""


def main(words: Words | None = None) -> int:
    """Search until the study has so many trials, and say what was best."""
    try:
        study = search(sys.argv[1:] if words is None else words)
    except LinkageError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except REFUSALS as error:
        sys.stderr.write(f"error: {explain(error)}\n")
        return 2
    say(f"{_counts(study)}; best {study.best_value:+.4f}, defaults {study.trials[0].value:+.4f}")
    say(" ".join(f"{key}={value:.4g}" for key, value in study.best_params.items()))
    return 0


def search(words: Words) -> optuna.Study:
    """Go on with a study until so many trials have ended.

    Raises:
        LinkageError: A file or the configuration has a fault.
    """
    own, told = _split(words)
    nodes.register("train", TrainSettings, COMPONENTS)
    composed, space = _composed(told)
    file = Path(own["study"])
    file.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{file}",
        study_name="linkage_rl",
        direction="maximize",
        load_if_exists=True,
        sampler=optuna.samplers.TPESampler(multivariate=False),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=40_000),
    )
    if not study.trials:
        # the defaults come first: what is found has to beat them at the same seed
        study.enqueue_trial({key: OmegaConf.select(composed, key) for key in space})
    value = _value(nodes.settings(composed, TrainSettings), told, file.with_suffix(""))
    while len(study.get_trials(deepcopy=False, states=ENDED)) < int(own["trials"]):
        trial = study.ask(dict(space))
        try:
            study.tell(trial, value(trial))
        except (optuna.TrialPruned, CollapsedPolicyError):
            study.tell(trial, state=TrialState.PRUNED)
        except BaseException:
            study.tell(trial, state=TrialState.FAIL)
            raise
        ended = study.trials[trial.number]
        say(f"trial {ended.number}: {ended.state.name.lower()} {ended.value or float('nan'):+.4f}")
    return study


def _value(settings: TrainSettings, words: Words, folder: Path) -> Callable[[Trial], float]:
    """The value of a trial; cases and ranker are made once."""
    settings = with_database_url(settings)
    prepared = prepare(settings)
    costs = tuple(blocker.cost for blocker in settings.candidates.blockers())
    view = View(settings.env.max_candidates, costs, settings.env.allow_review)
    train, valid = (
        balanced(prepared.cases[split], settings.clients.balance) for split in ("train", "valid")
    )
    ranker = train_ranker(train, prepared.cases["valid"], view, settings.ranker, settings.seed)
    task = Task(train, valid, view, settings.reward)

    def value(trial: Trial) -> float:
        sought = [f"{key}={value}" for key, value in trial.params.items()]
        told = nodes.settings(_composed([*words, *sought])[0], TrainSettings)
        training = replace(told.training, tensorboard=False, progress=False)
        pruner, own = Pruner(trial), folder / f"trial_{trial.number}"
        train_agent(told.agent, task, training, told.seed, own, ranker, writers=[pruner])
        return pruner.best

    return value


def _split(words: Words) -> tuple[dict[str, str], list[str]]:
    """This command's own words, and those for the training."""
    own = {key: value for key, _, value in (word.partition("=") for word in words) if key in OWN}
    if not own.get("trials", "1").isdigit():
        raise ConfigError(f"trials expects a whole number, got {own['trials']!r}")
    return OWN | own, [word for word in words if word.partition("=")[0] not in OWN]


def _composed(words: Words) -> tuple[DictConfig, Mapping[str, BaseDistribution]]:
    """The configuration of a training, and what is sought in it."""
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        whole = compose("train", list(words), return_hydra_config=True)
    HydraConfig.instance().set_config(whole)
    space = {
        str(key): distribution(str(key), str(text))
        for key, text in (whole.hydra.sweeper.get("params") or {}).items()
    }
    if not space:
        raise ConfigError("expected a search space, got none; choose one, as in sweep=tune")
    with open_dict(whole), read_write(whole):
        whole.pop("hydra")
    return whole, space


def distribution(key: str, text: str) -> BaseDistribution:
    """Optuna's word for a sweep in Hydra's; of agent and training alone, the rest is made once."""
    value = OverridesParser.create().parse_override(f"{key}={text}").value()
    if key.startswith(("agent.", "training.")):
        if isinstance(value, IntervalSweep) and value.start is not None and value.end is not None:
            return FloatDistribution(float(value.start), float(value.end), log="log" in value.tags)
        if isinstance(value, ChoiceSweep):
            return CategoricalDistribution(list(value.list))
    raise ConfigError(
        f"a search takes agent.* and training.* with interval(...) or choice(...), got {key}={text}"
    )


def _counts(study: optuna.Study) -> str:
    states = [trial.state for trial in study.trials]
    return ", ".join(f"{states.count(state)} {state.name.lower()}" for state in ENDED)


if __name__ == "__main__":
    raise SystemExit(main())
