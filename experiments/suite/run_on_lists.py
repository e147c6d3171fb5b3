"""A finished training run that learned without labels, and what it says of labelled lists.

Calibration and threshold are fitted to the run's own valid clients, which were drawn from the
table; the lists only judge. Their cases are prepared under the full index, with the run's blockers.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import xxhash
from omegaconf import OmegaConf

from experiments.suite.lightgbm_pipeline import REQUIREMENTS, predict_by_lightgbm
from experiments.suite.systems import AGENT, RANKER
from experiments.tools.composing import train_settings
from experiments.tools.digests import digest
from experiments.tools.environments import environment_from
from linkage_rl.agents.baselines import Rules
from linkage_rl.agents.scorer import load_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.bundle import LIST_POLICY
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider
from linkage_rl.decision.observation import View
from linkage_rl.decision.onnx_list_scorer import OnnxListScorer
from linkage_rl.errors import ConfigError, InputFileError
from linkage_rl.evaluation.answers import Answers
from linkage_rl.evaluation.comparison import System
from linkage_rl.train import TrainSettings
from linkage_rl.training.agent import choose_static_plan
from linkage_rl.training.data import prepare
from linkage_rl.training.problem import task_of, training_cases, view_of
from linkage_rl.training.run_folder import MANIFEST, read_cases
from linkage_rl.training.settings import ListSettings, TableSettings

LISTS: Final = ("moves", "payees")
"""Real lists that judge, each with a file `<list>_<split>.csv`."""
DRAWN: Final = "valid"
"""Split of a run on which calibration and threshold are chosen."""
SYSTEMS: Final = ("rules", "static plan", "ranker", "agent", "agent, list", "LightGBM")
"""What a run is asked, in the order of the tables; a run without a list stage lacks one."""


def data_folder() -> Path:
    """Folder of the real lists."""
    return Path(os.environ.get("LINKAGE_RL_DATA") or "../shared/data")


@dataclass(frozen=True, eq=False)
class RunOnLists:
    """A finished run, and the labelled lists that judge it."""

    folder: Path
    settings: TrainSettings
    drawn: Mapping[str, CaseSet]
    """The run's own cases by split; it chose calibration and threshold on `DRAWN`."""
    datasets: tuple[str, ...]
    """Names of the datasets of `drawn`."""
    lists: tuple[str, ...]
    """Names of the lists that judge; `CaseSet.dataset` of `real` numbers them."""
    real: CaseSet
    """Their cases, with the truth."""
    kept: Path
    """Folder of the answers that were given before."""

    @cached_property
    def view(self) -> View:
        """How cases are shown."""
        return view_of(self.settings)

    def answers(self, systems: Sequence[str] = SYSTEMS) -> Iterator[tuple[str, Answers, Answers]]:
        """The systems that the run has, with raw answers about its valid clients and the lists."""
        for name in systems:
            found = self._kept_answers(name)
            if found is not None:
                yield name, *found

    def _kept_answers(self, name: str) -> tuple[Answers, Answers] | None:
        """The answers of a system, given before or now; None where the run has no such system."""
        files = [self.kept / f"{name}.{part}.npz" for part in ("drawn", "real")]
        if all(file.exists() for file in files):
            with suppress(InputFileError):
                return Answers.load(files[0]), Answers.load(files[1])
        found = self._lightgbm() if name == "LightGBM" else self._decided(name)
        if found is not None:
            self.kept.mkdir(parents=True, exist_ok=True)
            for answers, file in zip(found, files, strict=True):
                answers.save(file)
        return found

    def _decided(self, name: str) -> tuple[Answers, Answers] | None:
        system = self._system(name)
        if system is None:
            return None
        decider = Decider(system.policy, self.view, plan=system.plan)
        drawn, real = (system.answers(decider, cases) for cases in (self.drawn[DRAWN], self.real))
        return drawn, real

    def _system(self, name: str) -> System | None:
        """A system of the run, as the run itself compares them."""
        every = tuple(range(len(self.view.costs)))
        if name == "rules":
            return System(name, Rules(self.drawn[DRAWN], self.view), every, calibrate=False)
        if name == "ranker":
            return System(name, self._policy(RANKER), every)
        if name == "static plan":
            return System(name, self._policy(RANKER), self._plan())
        agent = self._policy(AGENT)
        if name == "agent":
            return System(name, agent)
        graph = self.folder / "bundle" / LIST_POLICY
        return System(name, agent, list_scorer=OnnxListScorer(graph)) if graph.exists() else None

    def _policy(self, weights: str) -> ScorerPolicy:
        return ScorerPolicy(load_scorer(self.folder / weights))

    def _plan(self) -> tuple[int, ...]:
        train = training_cases(self.settings, self.drawn["train"])
        task = task_of(self.settings, train, self.drawn[DRAWN], self.view)
        return choose_static_plan(load_scorer(self.folder / RANKER), task, self.settings.training)

    def _lightgbm(self) -> tuple[Answers, Answers]:
        """LightGBM fitted to the run's own training cases."""
        cases = {
            "train": training_cases(self.settings, self.drawn["train"]),
            "valid": self.drawn[DRAWN],
            "test": self.real,
        }
        python = environment_from(REQUIREMENTS)
        drawn, real, _ = predict_by_lightgbm(cases, self.view, python, self.settings.seed)
        return Answers.of(drawn, self.drawn[DRAWN]), Answers.of(real, self.real)


def open_run(
    folder: Path, split: str, kept: Path, table: TableSettings | None = None
) -> RunOnLists:
    """A finished run with the lists of a split.

    Args:
        folder: The run folder.
        split: Which lists judge, 'valid' or 'test'.
        kept: Folder in which the answers of all runs are kept, by content.
        table: In place of the run's own, as for a run that learned on another table.

    Raises:
        ConfigError: The run is not finished.
        LinkageError: A list, the table or its index has a fault.
    """
    settings = settings_of(folder)
    drawn = read_cases(folder)
    asked = replace(settings, table=table) if table else settings
    lists, real, places = _real_cases(asked, split)
    manifest = OmegaConf.to_container(OmegaConf.load(folder / MANIFEST))
    assert isinstance(manifest, dict)
    weights = [
        xxhash.xxh3_128(path.read_bytes()).hexdigest()
        for path in (folder / RANKER, folder / AGENT, folder / "bundle" / LIST_POLICY)
        if path.exists()
    ]
    key = digest([weights, manifest["cases"], places, settings.seed])
    return RunOnLists(folder, settings, drawn, tuple(manifest["datasets"]), lists, real, kept / key)


def settings_of(folder: Path) -> TrainSettings:
    """The settings of a run, composed again from its command line.

    Raises:
        ConfigError: There is no run in the folder.
    """
    saved = folder / ".hydra" / "overrides.yaml"
    if not saved.is_file():
        raise ConfigError(f"expected a training run in {folder}, found no {saved.name}")
    return train_settings([str(word) for word in OmegaConf.load(saved)])


def _real_cases(settings: TrainSettings, split: str) -> tuple[tuple[str, ...], CaseSet, list[str]]:
    """Names of the lists, their cases, and the folders of these, through the cache of all runs."""
    clients, table = ListSettings(), settings.table
    # the sample and sets of two tables bring lists of their own
    if table.database or table.source:
        files = {name: str(data_folder() / f"{name}_{split}.csv") for name in LISTS}
        # both splits have the file: nothing else may be read
        clients, split = ListSettings(valid=files, test=files), DRAWN
    prepared = prepare(replace(settings, clients=clients), [split])
    places = [str(folder) for _, folder in prepared.folders[split]]
    names = (table.name,) if table.two_tables else prepared.datasets
    return names, prepared.cases[split], places
