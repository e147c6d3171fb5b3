"""The bundle that `link` trains for a company table and a client list, and finds again later.

It lies beside the index of the table: `<index folder>.bundles/<digest>/run/bundle`. The digest is
of the list, of how list and table are read, and of the version of the library; not of the rows of
the table, which change every day.
"""

import errno
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import chdir, suppress
from dataclasses import astuple, dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from linkage_rl.atomic import replacing
from linkage_rl.bundle import FORMAT, load_bundle
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.config.command import say
from linkage_rl.config.inputs import choose_database, from_here, index_folder
from linkage_rl.config.link_settings import LinkSettings, is_url
from linkage_rl.config.own_training import (
    adapting_words,
    check_run,
    own_words,
    train,
    working_folder,
)
from linkage_rl.errors import ConfigError, LinkageError, OutputError
from linkage_rl.locking import only_holder
from linkage_rl.tables.engine import sqlite_path
from linkage_rl.tables.store import CompanyStore
from linkage_rl.tables.writer import file_fingerprint

MAX_CHANGE: Final = 0.2
"""Share by which the number of open companies may change until a bundle is trained anew."""
STATE: Final = "trained_for.json"
"""What a bundle was trained for, written before its training begins."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Training:
    """A training that `link` may need."""

    folder: Path
    """Where bundle and run are kept; its name is a digest of what the bundle depends on."""
    companies: int | None
    """Open companies of the table; None links with the index in the bundle."""
    words: Callable[[], Sequence[str]]
    """Arguments of the train command, but for the places that it writes to."""
    start: Path
    """Folder in which relative paths of these begin."""
    announcement: str


def with_bundle(settings: LinkSettings) -> LinkSettings:
    """The settings with the bundle to link with: found or trained where none is given.

    Of several processes that need the same one, one trains while the others wait. An interrupted
    training goes on when the command is started again.

    Raises:
        ConfigError: The extra `train` is not installed, the table or the list is too small to learn
            from, or the bundle to adapt lies without its run.
        LinkageError: The database has a fault, or the disk is full.
    """
    if settings.bundle and not settings.adapt:
        return settings
    if not is_url(settings.output):
        _check_output(Path(settings.output).expanduser())
    if settings.adapt:
        check_run(settings)
    url = choose_database(settings.database, settings.table, settings.bundle).url
    if url is None:
        return _kept(settings, _adapting(settings, None))
    settings = _with_database(settings, url)
    table = settings.table
    with CompanyStore(
        settings.database, table.columns, read_only=True, limits=table.limits
    ) as store:
        store.check()
        companies = store.open_count()
        settings = replace(settings, index=str(index_folder(store, _index(settings)).absolute()))
    plan = _adapting if settings.adapt else _own
    return _kept(settings, plan(settings, companies))


def _check_output(path: Path) -> None:
    """Refuse an output that cannot be written before minutes of training."""
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        reason = os.strerror(errno.EACCES if path.parent.is_dir() else errno.ENOENT)
        raise OutputError(f"cannot write {path}: {reason}; choose another folder")


def _with_database(settings: LinkSettings, url: URL) -> LinkSettings:
    """The settings with the URL of the database, whatever the working folder."""
    if path := sqlite_path(url):
        url = url.set(database=str(path.expanduser().absolute()))
    return replace(settings, database=url.render_as_string(hide_password=False))


def _index(settings: LinkSettings) -> str:
    return settings.index or settings.table.index


def _own(settings: LinkSettings, companies: int | None) -> _Training:
    """The training on the table and the list alone."""
    return _Training(
        Path(f"{settings.index}.bundles") / _digest(_content(settings)),
        companies,
        partial(own_words, settings),
        Path.cwd(),
        "no bundle= is given: learning from the table and the list, without labels",
    )


def _adapting(settings: LinkSettings, companies: int | None) -> _Training:
    """The training on the labels of a run and on clients like those of the list."""
    bundle = Path(settings.bundle).expanduser().absolute()
    # absolute, since the words are composed in the working folder of that run
    clients = str(Path(settings.clients).expanduser().absolute())
    settings = replace(settings, bundle=str(bundle), clients=clients)
    home = Path(f"{bundle}.adapted" if companies is None else f"{settings.index}.bundles")
    content = (*_content(settings), file_fingerprint(bundle / "manifest.json"))
    folder = home / _digest(content)
    return _Training(
        folder,
        companies,
        partial(adapting_words, settings, folder),
        working_folder(settings),
        f"adapting {from_here(bundle)}: learning from the lists of its run, the table and this "
        "list",
    )


def _content(settings: LinkSettings) -> tuple[str, ...]:
    """What a bundle depends on, but for the rows of the table."""
    return (
        file_fingerprint(Path(settings.clients).expanduser()),
        settings.encoding,
        settings.sheet,
        str(settings.header_row),
        *map(str, astuple(settings.columns)),
        *map(str, astuple(settings.table.columns)),
        metadata.version("linkage_rl"),
        str(FORMAT),
    )


def _digest(content: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(content).encode()).hexdigest()[:16]


def _kept(settings: LinkSettings, training: _Training) -> LinkSettings:
    """The settings with the bundle of this training, which runs unless it has run before."""
    folder = training.folder
    bundle = folder / "run" / "bundle"
    waiting = partial(say, "another process trains a bundle for this list: waiting for it")
    with only_holder(folder.with_name(f"{folder.name}.lock"), waiting):
        reason = _reason_to_train(training, bundle)
        if not reason:
            say(f"bundle   {from_here(bundle)}, trained for this list before")
            for warning in _warnings(bundle.parent):
                _log.warning("%s", warning)
        else:
            if reason != _NEVER:
                _log.warning("training a bundle for this list again: %s", reason)
            say(f"{training.announcement}; kept in {from_here(folder)}")
            begin = time.perf_counter()
            _run(training)
            say(f"bundle   {from_here(bundle)}, trained in {time.perf_counter() - begin:.0f} s")
    return replace(settings, bundle=str(bundle), adapt=False)


def _warnings(run: Path) -> list[str]:
    """What a finished training warned of its lists, such as one that is unlike the table."""
    try:
        drawn = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["drawn"]
        return [said["warning"] for said in drawn.values() if said["warning"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # a warning that cannot be read stops no linking
        return []


_NEVER: Final = "none is finished"


def _reason_to_train(training: _Training, bundle: Path) -> str:
    """Why the bundle cannot be used; '' if it can."""
    run, state = bundle.parent, _state(training.folder)
    if state is None or not (run / "manifest.json").is_file():
        return _NEVER
    if _has_changed(training.companies, state.companies):
        return f"the table had {state.companies:,} open companies, now {training.companies:,}"
    try:
        # with an index of its own the bundle is loaded, and its clients checked, as a whole
        load_bundle(bundle, None if training.companies is None else CompanyIndex.build([]))
    except LinkageError as error:
        return str(error)
    return ""


def _has_changed(now: int | None, before: int | None) -> bool:
    """Whether the number of open companies is another one than at the training."""
    if now is None or before is None:
        return now is not before
    return abs(now - before) > MAX_CHANGE * before


@dataclass(frozen=True)
class _State:
    """What the bundle in a folder was trained for."""

    companies: int | None
    words: tuple[str, ...]


def _state(folder: Path) -> _State | None:
    """None where no training was begun."""
    try:
        kept = json.loads((folder / STATE).read_text(encoding="utf-8"))
        return _State(kept["companies"], tuple(kept["words"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _run(training: _Training) -> None:
    """Train, or go on with an interrupted training; what it refuses leaves nothing behind."""
    folder, run = training.folder, training.folder / "run"
    try:
        _train_or_go_on(training, run)
    except OutputError:
        raise
    except LinkageError:
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_name(f"{folder.name}.lock").unlink(missing_ok=True)
        with suppress(OSError):
            folder.parent.rmdir()
        raise
    except KeyboardInterrupt:
        _log.warning("or start link again: the training goes on where it stopped")
        raise
    finally:
        if (run / "manifest.json").is_file():
            shutil.rmtree(folder / "cache", ignore_errors=True)


def _train_or_go_on(training: _Training, run: Path) -> None:
    folder = training.folder
    with chdir(training.start):
        words = tuple(training.words())
    if _can_go_on(training, words):
        say("going on with the training that was interrupted")
        try:
            train([f"resume={run}"], training.start)
            return
        except ConfigError as error:
            _log.warning("it cannot go on, and starts again: %s", error)
    shutil.rmtree(run, ignore_errors=True)
    with replacing(folder / STATE) as path:
        state = {"companies": training.companies, "words": words}
        path.write_text(json.dumps(state, indent=1, ensure_ascii=False), encoding="utf-8")
    places = [
        f"hydra.run.dir={run}",
        f"cache={folder / 'cache'}",
        f"leaderboard={folder / 'leaderboard.jsonl'}",
    ]
    train([*words, *places], training.start)


def _can_go_on(training: _Training, words: tuple[str, ...]) -> bool:
    """Whether the folder holds an interrupted training of the same words and a like table."""
    state, run = _state(training.folder), training.folder / "run"
    return (
        state is not None
        and state.words == words
        and not _has_changed(training.companies, state.companies)
        and (run / "config.yaml").is_file()
        and (run / ".hydra" / "overrides.yaml").is_file()
        and not (run / "manifest.json").is_file()
    )
