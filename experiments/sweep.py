"""`python -m experiments.sweep sweep=tune trials=40`: hyperparameters searched by Optuna.

`study=FILE` keeps every trial in SQLite: started again, the search goes on; started twice, two
processes share it. All other arguments are overrides of `linkage_rl.train`. A trial trains an
agent, and its value is the best mean reward on the validation cases; the test lists are not looked
at. Hydra's own sweeper plugin supports Optuna 2 only, so the search calls Optuna directly and reads
the search space from Hydra's `hydra.sweeper.params`.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import optuna
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep
from omegaconf import DictConfig, OmegaConf
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import Trial, TrialState
from stable_baselines3.common.logger import KVWriter

from experiments.tools.composing import train_settings
from experiments.tools.problem import build_problem
from linkage_rl.agents.ranker import train_ranker
from linkage_rl.config.command import say
from linkage_rl.config.composing import compose_settings
from linkage_rl.config.near_miss import REFUSALS, explain
from linkage_rl.errors import CollapsedPolicyError, ConfigError, LinkageError
from linkage_rl.train import COMPONENTS, TrainSettings
from linkage_rl.training.agent import train_agent

OWN_ARGUMENTS: Final = {"study": "outputs/studies/study.db", "trials": "40"}
"""Arguments of this command with their defaults; the others are those of the training command."""

ENDED: Final = (TrialState.COMPLETE, TrialState.PRUNED)


class Pruner(KVWriter):
    """Reports each evaluation to a trial, and ends it where the median trial was better by then."""

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Search until the study has the wanted number of trials, and print the best.

    Args:
        arguments: The command line; None takes that of the process.
    """
    try:
        study = search(sys.argv[1:] if arguments is None else arguments)
    except LinkageError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except REFUSALS as error:
        sys.stderr.write(f"error: {explain(error)}\n")
        return 2
    say(f"{_counts(study)}; best {study.best_value:+.4f}, defaults {study.trials[0].value:+.4f}")
    say(" ".join(f"{key}={value:.4g}" for key, value in study.best_params.items()))
    return 0


def search(arguments: Sequence[str]) -> optuna.Study:
    """Go on with a study until the wanted number of trials have ended.

    Raises:
        LinkageError: A file or the configuration has a fault.
    """
    own, overrides = _split(arguments)
    composed = compose_settings("train", overrides, TrainSettings, COMPONENTS)
    space = search_space(composed.hydra)
    file = Path(own["study"])
    study = _open_study(file)
    if not study.trials:
        # the defaults come first: what is found has to beat them at the same seed
        study.enqueue_trial({key: OmegaConf.select(composed.config, key) for key in space})
    value = _value(overrides, file.with_suffix(""))
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


def _open_study(file: Path) -> optuna.Study:
    """The study in this file, a new one where there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        storage=f"sqlite:///{file}",
        study_name="linkage_rl",
        direction="maximize",
        load_if_exists=True,
        sampler=optuna.samplers.TPESampler(multivariate=False),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=40_000),
    )


def _value(overrides: Sequence[str], folder: Path) -> Callable[[Trial], float]:
    """The function that trains a trial and returns its value; cases and ranker are made once."""
    problem = build_problem(train_settings(overrides))
    settings, task = problem.settings, problem.task
    ranker = train_ranker(
        problem.train, problem.valid, problem.view, settings.ranker, settings.seed
    )

    def value(trial: Trial) -> float:
        proposed = [f"{key}={value}" for key, value in trial.params.items()]
        tried = train_settings([*overrides, *proposed])
        training = replace(tried.training, tensorboard=False, progress=False)
        pruner, own = Pruner(trial), folder / f"trial_{trial.number}"
        train_agent(tried.agent, task, training, tried.seed, own, ranker, writers=[pruner])
        return pruner.best

    return value


def _split(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The arguments of this command, and the overrides of the training command."""
    pairs = [argument.partition("=")[::2] for argument in arguments]
    own = {key: value for key, value in pairs if key in OWN_ARGUMENTS}
    if not own.get("trials", "1").isdigit():
        raise ConfigError(f"trials expects a whole number, got {own['trials']!r}")
    overrides = [one for one in arguments if one.partition("=")[0] not in OWN_ARGUMENTS]
    return OWN_ARGUMENTS | own, overrides


def search_space(hydra: DictConfig) -> Mapping[str, BaseDistribution]:
    """The distribution of every key that is searched, from `hydra.sweeper.params`.

    Raises:
        ConfigError: There are none, or one cannot be searched.
    """
    space = {
        str(key): distribution(str(key), str(text))
        for key, text in (hydra.sweeper.get("params") or {}).items()
    }
    if not space:
        raise ConfigError("expected a search space, got none; choose one, as in sweep=tune")
    return space


def distribution(key: str, text: str) -> BaseDistribution:
    """Optuna's distribution for a sweep in Hydra's syntax.

    Only `agent.*` and `training.*` can be searched: cases and ranker are made once for all trials.
    """
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
