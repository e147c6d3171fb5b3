"""Experiment trackers beside TensorBoard: MLflow, and Weights & Biases, offline by default."""

import importlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from stable_baselines3.common.logger import KVWriter

from linkage_rl.errors import ConfigError

_BATCH: Final = 100
"""Parameters that MLflow takes at once, at most."""


class Tracker(KVWriter):
    """Keeps the figures of each evaluation and of the final comparison; this one keeps nothing."""

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Keep the figures of an evaluation; called by the logger of the training."""
        self.log({key: float(value) for key, value in key_values.items()}, step)

    def close(self) -> None:
        """Stay open when learning ends: the figures of the comparison follow."""

    def log(self, figures: Mapping[str, float], step: int) -> None:
        """Keep figures of a step."""

    def finish(self, failed: bool) -> None:
        """End the run; nothing is logged after it."""


@dataclass(frozen=True)
class MlflowLogger:
    """Keeps runs in MLflow."""

    uri: str = "sqlite:///outputs/mlflow.db"
    """Address of the tracking server, or of an SQLite file."""
    experiment: str = "linkage_rl"

    def open(self, folder: Path, parameters: Mapping[str, str]) -> Tracker:
        """Begin a run.

        Args:
            folder: The run folder; the files of a run stay there.
            parameters: Settings of the run by dotted key.

        Raises:
            ConfigError: MLflow is not installed.
        """
        mlflow = _module("mlflow", "mlflow")
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        if self.uri.startswith("sqlite:///"):
            Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        client = mlflow.MlflowClient(self.uri)
        found = client.get_experiment_by_name(self.experiment)
        experiment = found.experiment_id if found else client.create_experiment(self.experiment)
        run = client.create_run(experiment, run_name=folder.name, tags={"folder": str(folder)})
        listed = [mlflow.entities.Param(key, value) for key, value in parameters.items()]
        for begin in range(0, len(listed), _BATCH):
            client.log_batch(run.info.run_id, params=listed[begin : begin + _BATCH])
        return _MlflowRun(client, run.info.run_id)


@dataclass(frozen=True)
class WandbLogger:
    """Keeps runs for Weights & Biases in the run folder."""

    project: str = "linkage_rl"
    mode: str = "offline"
    """'online' sends each figure at once, and needs a login; 'offline' writes files."""

    def __post_init__(self) -> None:
        if self.mode not in ("offline", "online"):
            raise ConfigError(f"logger.mode must be offline or online, got {self.mode!r}")

    def open(self, folder: Path, parameters: Mapping[str, str]) -> Tracker:
        """Begin a run; see `MlflowLogger.open`."""
        wandb = _module("wandb", "wandb")
        run = wandb.init(
            project=self.project,
            name=folder.name,
            mode=self.mode,
            dir=str(folder),
            config=dict(parameters),
            settings=wandb.Settings(console="off", silent=True),
        )
        return _WandbRun(run)


LOGGERS: Final[dict[str, type]] = {"mlflow": MlflowLogger, "wandb": WandbLogger}
"""Trackers by the name of their choice in `configs/logger/`."""


class _MlflowRun(Tracker):
    def __init__(self, client: Any, run_id: str) -> None:
        self._client = client
        self._run_id = run_id

    def log(self, figures: Mapping[str, float], step: int) -> None:
        for key, value in figures.items():
            # MLflow refuses the sign in 'coverage_at_95%'
            name = key.replace("%", "_percent")
            self._client.log_metric(self._run_id, name, value, step=step)

    def finish(self, failed: bool) -> None:
        self._client.set_terminated(self._run_id, "FAILED" if failed else "FINISHED")


class _WandbRun(Tracker):
    def __init__(self, run: Any) -> None:
        self._run = run

    def log(self, figures: Mapping[str, float], step: int) -> None:
        self._run.log(dict(figures), step=step)

    def finish(self, failed: bool) -> None:
        self._run.finish(exit_code=int(failed))


def _module(name: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"logger={extra} needs {error.name}, which is not installed; make setup-extras, "
            f"or pip install 'linkage_rl[{extra}]'"
        ) from None
