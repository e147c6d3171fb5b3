"""`python -m linkage_rl.train`: table, cases, ranker, agent, comparison and bundle in one run."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("train")
    raise SystemExit

import logging
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf

from linkage_rl.agents.algorithms import AGENTS
from linkage_rl.atomic import replacing
from linkage_rl.config.command import CONFIGS, command, command_line, say
from linkage_rl.config.inputs import ChosenDatabase, TableChoice, choose_database
from linkage_rl.config.renamed import refuse_former_settings
from linkage_rl.errors import ConfigError, OutputError
from linkage_rl.tables.credentials import VARIABLES
from linkage_rl.tables.schema import CANONICAL
from linkage_rl.training import pipeline
from linkage_rl.training.loggers import LOGGERS
from linkage_rl.training.run_folder import public_settings, read_settings
from linkage_rl.training.settings import RunSettings

COMPONENTS: Final[dict[str, type]] = {
    **{f"agent/{name}": config for name, config in AGENTS.items()},
    **{f"logger/{name}": config for name, config in LOGGERS.items()},
}
"""Types of the groups that offer several kinds; see `config.nodes.register`."""

SAVED: Final = Path(".hydra")
"""Where a run folder keeps the configuration as Hydra composed it, and the arguments of its
command, in Hydra's own files."""

OVERRIDES: Final = SAVED / "overrides.yaml"
"""The arguments, written last."""

_SECRET: Final = re.compile(r"^([\w.]+)=\$\{oc\.env:(LINKAGE_RL_\w+)\}$")
"""An argument whose value, a URL with a password, is kept in the environment only."""
_LISTS: Final = re.compile(r"^clients=(?=\w+$)")
"""`clients=own` chooses `lists/own.yaml`. The group cannot be called `clients` itself: Hydra would
then look in it for the file of `link clients=FILE`."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainSettings(RunSettings):
    """A run, or the rest of an interrupted one."""

    resume: str = ""
    """Folder of an interrupted run to go on with, with its settings; '' starts a new run."""


def run(settings: TrainSettings) -> float:
    """Train, print the side-by-side tables, and end with the path of the bundle.

    Returns:
        Expected reward of the agent on the validation cases, which a sweep maximises.

    Raises:
        LinkageError: A file, the database or the configuration has a fault, the policy collapsed,
            or the disk is full.
        KeyboardInterrupt: The run was interrupted; `resume=` goes on with it.
    """
    say(_said(settings))
    result = train(settings, command_line("train"))
    say(f"\n{result.table}\n")
    say(f"run      {result.folder}")
    say(f"bundle   {result.bundle}")
    return result.objective


def train(settings: TrainSettings, command_words: str) -> pipeline.RunResult:
    """Train in the run folder of Hydra's current configuration; errors are those of `run`.

    Args:
        settings: The run.
        command_words: The command line, for the manifest.
    """
    folder = Path(os.path.relpath(HydraConfig.get().runtime.output_dir))
    settings = with_database_url(settings)
    begun = False

    def on_start() -> None:
        nonlocal begun
        _write_hydra(settings, folder)
        begun = True

    try:
        return pipeline.run(settings, folder, command_words, bool(settings.resume), on_start)
    except (KeyboardInterrupt, OutputError):
        if begun:
            _log.warning("go on with: %s", resume_command(folder))
        raise


def resume_command(folder: Path) -> str:
    """The command that goes on with the run in a folder, for the user to copy.

    A password is in no file: where the run needs one, the user has to give its URL again.
    """
    words = [
        "python",
        "-m",
        "linkage_rl.train",
        *map(shlex.quote, _config_flags(HydraConfig.get())),
    ]
    words.append(f"resume={shlex.quote(str(folder))}")
    secrets = map(_SECRET.match, _raw_words(HydraConfig.get().overrides.task))
    words += [f"{found[1]}=URL" for found in secrets if found]
    return " ".join(words)


def with_saved_overrides(words: Sequence[str]) -> list[str]:
    """The arguments, and for `resume=DIR` before them those of the run in that folder.

    Raises:
        ConfigError: There is no run in the folder, it was made under former names of settings, or
            it needs a password.
    """
    words = [_LISTS.sub("lists=", word) for word in words]
    given = {word.partition("=")[0]: word.partition("=")[2] for word in words}
    folder = Path(given.get("resume", "")).expanduser()
    if not given.get("resume"):
        return words
    return [*words_of_run(folder, given), *words, f"hydra.run.dir={folder}"]


def words_of_run(folder: Path, given: Mapping[str, str]) -> list[str]:
    """The arguments of the run in a folder, without those of the keys that are given anew.

    Raises:
        ConfigError: As `with_saved_overrides`.
    """
    earlier = _saved_words(folder, given)
    refuse_former_settings(read_settings(folder) or {}, folder)
    return [word for word in earlier if word.lstrip("+").partition("=")[0] not in given]


def _saved_words(folder: Path, given: Mapping[str, str]) -> list[str]:
    """The arguments of the run in a folder: flags first, nothing that would start a sweep."""
    try:
        overrides = OmegaConf.load(folder / OVERRIDES)
        hydra = OmegaConf.load(folder / SAVED / "hydra.yaml").hydra
    except OSError:
        raise ConfigError(
            f"expected an interrupted run in resume={folder}, found no {OVERRIDES}; "
            "give the folder that the run wrote"
        ) from None
    words = _raw_words(overrides)
    for found in map(_SECRET.match, words):
        if found and found[1] not in given and found[2] not in os.environ:
            raise ConfigError(
                f"the run in {folder} was given {found[1]} with a password, which is in no file; "
                f"give it again: {found[1]}=URL"
            )
    flags = [flag for flag in _config_flags(hydra) if not _given(flag.partition("=")[0], given)]
    return [*flags, *(word for word in words if not word.startswith("sweep="))]


def _raw_words(words: object) -> list[str]:
    """The arguments as they are written, with the variables in them not looked up."""
    if not isinstance(words, ListConfig):
        return []
    return [str(word) for word in cast(list[object], OmegaConf.to_container(words, resolve=False))]


def _given(flag: str, given: Mapping[str, str]) -> bool:
    """Whether a flag is among the arguments, in its long or its short form."""
    short = {"--config-dir": "-cd", "--config-name": "-cn", "--config-path": "-cp"}[flag]
    return flag in given or short in given


def _config_flags(hydra: DictConfig | HydraConf) -> list[str]:
    """The flags by which a command found its configuration: that of the library needs none."""
    flags = []
    for source in hydra.runtime.config_sources:
        # a folder that was given on the command line, or to `linkage_rl.train`
        if source.provider in ("command-line", "hydra.searchpath in command-line"):
            flags.append(f"--config-dir={_short(source.path)}")
        if source.provider == "main" and Path(source.path) != CONFIGS:
            flags.append(f"--config-path={_short(source.path)}")
    if hydra.job.config_name != "train":
        flags.append(f"--config-name={hydra.job.config_name}")
    return flags


def _short(path: str) -> str:
    """The path as seen from the working folder where it lies below it."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def with_database_url(settings: TrainSettings) -> TrainSettings:
    """The settings with a database given as a file, or by the environment, as a URL."""
    chosen = _database(settings)
    if chosen is None:
        return settings
    return replace(settings, table=replace(settings.table, database=chosen.text))


def _database(settings: TrainSettings) -> ChosenDatabase | None:
    """The database to learn from; None for a table that is kept in the cache.

    A table that comes with its clients, or from a file, is not looked for in the environment.
    """
    table, clients = settings.table, settings.clients
    brings_its_own = table.source or table.two_tables or not (clients.draws or clients.valid)
    if not table.database and (brings_its_own or not any(map(os.environ.get, VARIABLES))):
        return None
    return choose_database("", TableChoice(database=table.database))


def _said(settings: TrainSettings) -> str:
    """The line that says which table is learned from."""
    table, chosen = settings.table, _database(settings)
    if chosen is not None:
        return chosen.said((CANONICAL if table.source else table.mapping).table)
    if table.source or table.two_tables:
        return f"table    {table.source or table.two_tables}, kept in {settings.cache}"
    return f"table    {table.name}, drawn and kept in {settings.cache} (no database is given)"


def _write_hydra(settings: TrainSettings, folder: Path) -> None:
    """Write `.hydra/` as Hydra would.

    Hydra itself writes it before a second run in the same folder could be refused.
    """
    hydra = HydraConfig.get()
    parts = {
        "config.yaml": public_settings(settings),
        "hydra.yaml": OmegaConf.create({"hydra": OmegaConf.to_container(hydra, resolve=False)}),
        OVERRIDES.name: hydra.overrides.task,
    }
    for name, content in parts.items():
        with replacing(folder / SAVED / name) as path:
            OmegaConf.save(
                OmegaConf.create(content) if isinstance(content, dict) else content, path
            )


main = command("train", TrainSettings, run, COMPONENTS, with_saved_overrides)
