"""What `link` has the train command do where it needs a bundle for a list."""

import importlib
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Final

from omegaconf import OmegaConf

from linkage_rl.atomic import replacing
from linkage_rl.command_line import EXTRAS
from linkage_rl.config.link_settings import LinkSettings
from linkage_rl.errors import ConfigError
from linkage_rl.tables.credentials import parse_url
from linkage_rl.tables.csv_text import csv_text
from linkage_rl.tables.engine import sqlite_path
from linkage_rl.tables.readers import iter_clients
from linkage_rl.tables.schema import CANONICAL, CLIENT_FIELDS, ColumnMapping

DATASET: Final = "this_list"
"""Name of the list among the datasets of the run whose bundle is adapted."""
DATABASE: Final = "LINKAGE_RL_TABLE_DATABASE"
"""Environment variable with the URL of a database that may need a password."""
_SAVED: Final = Path(".hydra")
_READING: Final[Mapping[str, str | int]] = {"encoding": "", "sheet": "", "header_row": 0}
"""Settings of link and of `clients` by which lists are read, besides the columns, with
their defaults."""
_MOVED: Final = ("hydra.run.dir", "cache", "leaderboard", "resume", "clients.like")
"""Keys of the adapted run that have values of their own here."""


def own_words(settings: LinkSettings) -> list[str]:
    """Arguments of the training on the table and the list alone, without labels."""
    reading = {
        **_changed(settings.columns, "clients.mapping"),
        **{
            f"clients.{name}": getattr(settings, name)
            for name, usual in _READING.items()
            if getattr(settings, name) != usual
        },
    }
    return [
        "experiment=own",
        f"clients.like={_quoted(_list_of(settings))}",
        *(f"{key}={_quoted(value)}" for key, value in reading.items()),
        f"table.name={_quoted(settings.table.name)}",
        *_table_words(settings, _changed(settings.table.columns, "table.mapping")),
    ]


def adapting_words(settings: LinkSettings, folder: Path) -> list[str]:
    """Arguments of the training on the labels of a run and on clients like those of the list.

    Args:
        settings: Of link.
        folder: For a copy of the list, where it is read in another way than the lists of the run.

    Raises:
        ConfigError: There is no run around the bundle, it needs a password, or its lists are read
            in a way that the list is not.
    """
    check_run(settings)
    run = _run_of(settings)
    table: list[str] = []
    if settings.database:
        # every column, since the run may have named some
        every = {
            f"table.mapping.{key}": value for key, value in _keys(settings.table.columns).items()
        }
        table = ["table.source=", *_table_words(settings, every)]
    like = f"clients.like={{{DATASET}: {_quoted(_readable_list(settings, run, folder))}}}"
    given = {word.partition("=")[0]: word.partition("=")[2] for word in table}
    given |= dict.fromkeys(_MOVED, "")
    words: list[str] = train_module("linkage_rl.train").words_of_run(run, given)
    return [*words, like, *table]


def check_run(settings: LinkSettings) -> None:
    """Refuse to adapt a bundle without the run that wrote it.

    Raises:
        ConfigError: Its settings are not there.
    """
    missing = [
        str(name)
        for name in ("config.yaml", _SAVED / "overrides.yaml", _SAVED / "hydra.yaml")
        if not (_run_of(settings) / name).is_file()
    ]
    if missing:
        raise ConfigError(
            f"adapt=true trains with the settings and labels of the run that wrote bundle="
            f"{settings.bundle}, but {_run_of(settings)} has no {missing[0]}; adapt the bundle in "
            "its run folder, or train one: linkage-rl train 'clients.train={crm: TRAIN}' "
            "'clients.valid={crm: VALID}' 'clients.test={crm: TEST}' "
            f"clients.like={settings.clients} table.database=URL"
        )


def working_folder(settings: LinkSettings) -> Path:
    """The folder in which the relative paths of the adapted run begin."""
    saved = OmegaConf.load(_run_of(settings) / _SAVED / "hydra.yaml")
    folder = OmegaConf.select(saved, "hydra.runtime.cwd", throw_on_missing=False)
    return Path(folder) if folder and Path(folder).is_dir() else Path.cwd()


def train(words: Sequence[str], folder: Path) -> None:
    """Run the train command in this process.

    Args:
        words: Its arguments.
        folder: Working folder, in which relative paths of the arguments begin.

    Raises:
        ConfigError: The extra `train` is not installed, or a setting makes no sense.
        LinkageError: As `linkage_rl.train`.
    """
    with chdir(folder):
        train_module("linkage_rl.train")
        importlib.import_module("linkage_rl.api").train(words)


def train_module(name: str) -> ModuleType:
    """A module of the training, whose libraries are an extra and take seconds to import.

    Raises:
        ConfigError: They are not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRAS:
            raise
        raise ConfigError(
            f"a bundle for this list has to be trained, which needs {missing}: "
            f"pip install 'linkage_rl[{EXTRAS[missing]}]', or give bundle=DIR"
        ) from None


def _run_of(settings: LinkSettings) -> Path:
    return Path(settings.bundle).expanduser().absolute().parent


def _list_of(settings: LinkSettings) -> Path:
    return Path(settings.clients).expanduser().absolute()


def _table_words(settings: LinkSettings, mapping: Mapping[str, str]) -> list[str]:
    """The database, its index, and how its columns are read."""
    url = settings.database
    if sqlite_path(parse_url(url)) is None:
        # it may hold a password, which is written to no file; as `config.command` keeps it
        os.environ[DATABASE], url = url, f"${{oc.env:{DATABASE}}}"
    else:
        url = _quoted(url)
    return [
        f"table.database={url}",
        f"table.index={_quoted(settings.index)}",
        *(f"{key}={_quoted(value)}" for key, value in mapping.items()),
    ]


def _changed(mapping: ColumnMapping, prefix: str) -> dict[str, str]:
    """The columns that do not have their canonical name."""
    usual = _keys(CANONICAL)
    changed = {key: value for key, value in _keys(mapping).items() if value != usual[key]}
    return {f"{prefix}.{key}": value for key, value in changed.items()}


def _keys(mapping: ColumnMapping) -> dict[str, str]:
    """Every key of a mapping, those of its table of sites as 'sites.KEY', with its value."""
    keys = asdict(mapping)
    sites = keys.pop("sites")
    return {**keys, **{f"sites.{key}": value for key, value in sites.items()}}


def _quoted(value: object) -> str:
    """A value that Hydra takes as the text that it is; a number stays one."""
    if isinstance(value, int):
        return str(value)
    # backslashes are doubled only in front of a quote
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + found[2], str(value))
    return "'" + escaped.replace("'", "\\'") + "'"


def _readable_list(settings: LinkSettings, run: Path, folder: Path) -> Path:
    """The list in a form that is read as the lists of the run are.

    A run reads all its lists in one way. A list that is read in another way is copied, with the
    usual columns and without its truth; that is possible where the run names no columns.
    """
    saved = OmegaConf.select(OmegaConf.load(run / "config.yaml"), "clients") or {}
    theirs = {
        **{name: saved.get(name, usual) for name, usual in _READING.items()},
        **{f"mapping.{key}": value for key, value in (saved.get("mapping") or {}).items()},
    }
    usual = {**_READING, **{f"mapping.{key}": value for key, value in asdict(CANONICAL).items()}}
    ours = {
        **{name: getattr(settings, name) for name in _READING},
        **{f"mapping.{key}": value for key, value in asdict(settings.columns).items()},
    }
    if ours == {**usual, **theirs}:
        return _list_of(settings)
    other = [key for key, value in theirs.items() if value != usual.get(key)]
    if other:
        raise ConfigError(
            f"the run in {run} reads its lists with clients.{other[0]}={theirs[other[0]]}, and the "
            f"list is read in another way; give {settings.clients} the columns of those lists"
        )
    return _copied(settings, folder / "list.csv")


def _copied(settings: LinkSettings, path: Path) -> Path:
    """A copy of the list with the usual columns, without its truth."""
    chunks = iter_clients(
        _list_of(settings),
        settings.columns,
        encoding=settings.encoding,
        sheet=settings.sheet,
        header_row=settings.header_row,
    )
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        stream.write(csv_text([["client_id", *CLIENT_FIELDS]]))
        for chunk in chunks:
            columns = [chunk.records.column(name) for name in CLIENT_FIELDS]
            stream.write(csv_text(zip(chunk.records.ids, *columns, strict=True)))
    return path
