"""`python -m linkage_rl.train`: table, cases, ranker, agent, comparison and bundle in one run."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("train")
    raise SystemExit

import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from hydra.core.hydra_config import HydraConfig
from omegaconf import ListConfig, OmegaConf

from linkage_rl.agents.algorithms import AGENTS
from linkage_rl.config.command import command, command_line, say
from linkage_rl.config.inputs import database_of
from linkage_rl.errors import ConfigError, OutputError
from linkage_rl.tables.credentials import shown
from linkage_rl.training import pipeline
from linkage_rl.training.loggers import LOGGERS
from linkage_rl.training.settings import RunSettings

COMPONENTS: Final[dict[str, type]] = {
    **{f"agent/{name}": config for name, config in AGENTS.items()},
    **{f"logger/{name}": config for name, config in LOGGERS.items()},
}
"""Types of the groups that offer several kinds; see `config.nodes.register`."""

SAVED: Final = Path(".hydra/overrides.yaml")
"""Where a run folder keeps the arguments of its command."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainSettings(RunSettings):
    """A run, or the rest of an interrupted one."""

    resume: str = ""
    """Folder of an interrupted run to go on with, as it was told; '' starts a new run."""


def run(settings: TrainSettings) -> float:
    """Train, print the side-by-side tables, and end with the path of the bundle.

    Returns:
        Expected reward of the agent on the validation cases, which a sweep maximises.

    Raises:
        LinkageError: A file, the database or the configuration has a fault, the policy collapsed,
            or the disk is full.
        KeyboardInterrupt: The run was interrupted; `resume=` goes on with it.
    """
    folder = Path(os.path.relpath(HydraConfig.get().runtime.output_dir))
    settings = with_database_url(settings)
    _write_config(settings, folder)
    try:
        result = pipeline.run(settings, folder, command_line("train"), resume=bool(settings.resume))
    except KeyboardInterrupt:
        _log.warning("go on with: python -m linkage_rl.train resume=%s", folder)
        raise
    say(f"\n{result.table}\n")
    say(f"run      {result.folder}")
    say(f"bundle   {result.bundle}")
    return result.objective


def with_saved_overrides(words: Sequence[str]) -> list[str]:
    """The arguments, and for `resume=DIR` before them those of the run in that folder.

    Raises:
        ConfigError: There is no run in the folder.
    """
    given = {word.partition("=")[0]: word.partition("=")[2] for word in words}
    folder = Path(given.get("resume", "")).expanduser()
    if not given.get("resume"):
        return list(words)
    try:
        saved = OmegaConf.load(folder / SAVED)
    except OSError:
        raise ConfigError(
            f"expected an interrupted run in resume={folder}, found no {SAVED}; "
            "give the folder that the run wrote"
        ) from None
    earlier = [str(word) for word in saved] if isinstance(saved, ListConfig) else []
    kept = [word for word in earlier if word.partition("=")[0] not in given]
    return [*kept, *words, f"hydra.run.dir={folder}"]


def with_database_url(settings: TrainSettings) -> TrainSettings:
    """The settings with a database given as a file turned into a URL."""
    if not settings.table.database:
        return settings
    url = database_of(settings.table.database)
    table = replace(settings.table, database=url.render_as_string(hide_password=False))
    return replace(settings, table=table)


def _write_config(settings: TrainSettings, folder: Path) -> None:
    """Everything the run depends on, as `config.yaml`, but for the password."""
    content = asdict(settings)
    if settings.table.database:
        content["table"]["database"] = shown(database_of(settings.table.database))
    try:
        OmegaConf.save(OmegaConf.create(content), folder / "config.yaml")
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror}; free space or choose another folder"
        ) from error


main = command("train", TrainSettings, run, COMPONENTS, with_saved_overrides)
