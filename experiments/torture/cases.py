"""Commands that are killed, or meet a full disk, and what must be true of what they leave."""

import hashlib
import json
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import xxhash

from experiments.torture import world
from experiments.torture.commands import run, run_in_fork
from linkage_rl.bundle import load_bundle
from linkage_rl.candidates.refresh import default_index_folder
from linkage_rl.candidates.storage import load_index
from linkage_rl.errors import CandidateIndexError, LinkageError
from linkage_rl.tables.credentials import parse_url
from linkage_rl.tables.readers import count_clients, read_clients
from linkage_rl.tables.store import CompanyStore

DATABASE: Final = "companies.db"
SAME: Final = ("linked_at=2026-01-31T00:00:00Z", "run_id=r")
"""Equal input gives equal bytes."""
_CHUNKS: Final = ("chunk=10", *SAME)
SMALL_RUN: Final = (
    *("debug=fast", "table.sample.companies=300", "table.sample.clients=300", "cache=cache"),
    *("training.progress=false", "training.total_timesteps=2_048", "training.evaluations=2"),
    *("training.warm_start.updates=10", "training.warm_start.value_updates=10"),
    *("training.warm_start.samples=500", "ranker.epochs=2", "ranker.min_updates=2"),
    *("agent.n_envs=64", "agent.refine.batch_size=512", "agent.scratch.batch_size=512"),
)


@dataclass(frozen=True)
class Case:
    """A command that writes, and how to judge the folder that it works in."""

    name: str
    command: str
    words: tuple[str, ...]
    digest: Callable[[Path], str]
    """Equal for equal results; run in a forked process.
    Raises `LinkageError` for a damaged result."""
    intact: Callable[[Path], bool]
    """Whether what a kill left is the state before, the state after, or work to go on with."""
    written: tuple[str, ...]
    """Of these names one is in the sentence about a full disk."""
    before: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Commands that prepare the folder."""
    resumed: Callable[[Path], tuple[str, ...]] | None = None
    """Other arguments to go on with, by the folder; None runs the same command."""
    kills: tuple[int, int] = (1, 3)
    """Least and largest number of kills before the run that is left alone."""


def file_case(made: Path, name: str, output: str, *words: str) -> Case:
    """Linking into a file."""
    clients = made / world.CLIENTS
    given = (f"bundle={made / world.BUNDLE}", f"clients={clients}", f"output={output}", *_CHUNKS)
    intact = partial(absent_or_readable, output, clients)
    return Case(name, "link", (*given, *words), partial(file_digest, output), intact, (output,))


def cases_of(made: Path) -> list[Case]:
    """Every command that writes, on what `make_world` has made."""
    source, changes = f"source={made / world.COMPANIES}", f"source={made / world.CHANGED}"
    load = (source, f"database={DATABASE}")
    loaded = (("companies", load),)
    refresh = (changes, f"database={DATABASE}", "refresh=true")
    one_by_one = partial(file_case, made)
    lists = f"bundle={made / world.LIST_BUNDLE}"
    listed = (f"bundle={made / world.BUNDLE}", f"clients={made / world.CLIENTS}", *_CHUNKS)
    to_table = (*listed, "output=sqlite:///o.db", "output_table=linked")
    export = (f"run={made / world.BUNDLE}", "output=exported", "archive=true")
    indexed = (partial(table_and_index, made), index_or_none, (DATABASE,))
    return [
        one_by_one("link to CSV", "o.csv"),
        one_by_one("link to CSV, 2 workers", "o.csv", "workers=2"),
        one_by_one("link to JSON Lines", "o.jsonl", "candidates=3"),
        one_by_one("link to Parquet", "o.parquet"),
        replace(one_by_one("link with a table", "o.csv", f"database={DATABASE}"), before=loaded),
        Case("link to a table", "link", to_table, table_digest, _anything, ("o.db",)),
        one_by_one("link a list as a whole", "o.csv", lists),
        Case("companies, load and build", "companies", load, *indexed),
        Case("companies, refresh", "companies", refresh, *indexed, loaded),
        Case("export", "export", export, bundle_digest, bundle_or_none, ("exported",)),
        Case(
            *(
                "train",
                "train",
                (*SMALL_RUN, "hydra.run.dir=r"),
                trained,
                _anything,
                ("r", "cache"),
            ),
            resumed=resumed_run,
            kills=(1, 2),
        ),
    ]


def _anything(folder: Path) -> bool:
    """What is judged only when the command has gone on."""
    return True


def file_digest(name: str, folder: Path) -> str:
    """Hash of a result file, beside which nothing unfinished may lie."""
    left = [path.name for path in folder.glob(f"{name}.*")]
    if left:
        raise LinkageError(f"expected {name} alone, found {left} beside it")
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()


def absent_or_readable(name: str, clients: Path, folder: Path) -> bool:
    """A run that was cut short leaves no result, or the complete one."""
    path = folder / name
    if not path.exists():
        return True
    if path.suffix == ".jsonl":
        rows = len([json.loads(line) for line in path.read_text("utf-8").split("\n") if line])
    else:
        rows = count_clients(path)
    return rows == count_clients(clients)


def table_digest(folder: Path) -> str:
    """Hash of the rows of the result table."""
    with closing(sqlite3.connect(folder / "o.db")) as connection:
        rows = connection.execute("SELECT * FROM linked ORDER BY client_id").fetchall()
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def index_or_none(folder: Path) -> bool:
    """An index that loads, with all its checksums, or none at all."""
    place = default_index_folder(parse_url(f"sqlite:///{folder / DATABASE}"))
    if not (place / "manifest.json").exists():
        return True
    try:
        load_index(place)
    except CandidateIndexError:
        return False
    return True


def table_and_index(made: Path, folder: Path) -> str:
    """Hash of the company table, whose saved index gives the answers of one built anew.

    Raises:
        LinkageError: The index is damaged, of another state, or gives other answers.
    """
    url = parse_url(f"sqlite:///{folder / DATABASE}")
    with CompanyStore(url, read_only=True) as store:
        anew = type(load_index(default_index_folder(url))).of_table(store)
        rows = list(store.chunks())
    saved = load_index(default_index_folder(url))
    if saved.state != anew.state:
        raise LinkageError("the saved index is of another state than the table")
    clients = read_clients(made / world.CLIENTS).records
    answers = [load_bundle(made / world.BUNDLE, index).link(clients) for index in (saved, anew)]
    one, other = answers
    if one.company_ids != other.company_ids or not np.array_equal(one.kind, other.kind):
        raise LinkageError("the saved index gives other answers than one built anew")
    if not np.allclose(one.confidence, other.confidence, atol=1e-6):
        raise LinkageError("the saved index gives other confidences than one built anew")
    content = [(chunk.records.ids, chunk.records.columns, chunk.closed_at) for chunk in rows]
    return xxhash.xxh3_128(repr(content).encode()).hexdigest()


def bundle_or_none(folder: Path) -> bool:
    """An exported bundle that loads, or none."""
    if (folder / "exported").exists():
        load_bundle(folder / "exported")
    return True


def bundle_digest(folder: Path) -> str:
    """Hash of the exported bundle and of its archive.

    Raises:
        LinkageError: The bundle does not load, or something unfinished lies beside it.
    """
    load_bundle(folder / "exported")
    if left := [path.name for path in folder.iterdir() if "partial" in path.name]:
        raise LinkageError(f"expected nothing unfinished, found {left}")
    with tarfile.open(folder / "exported.tar.gz") as archive:
        names = archive.getnames()
    parts = sorted(path for path in (folder / "exported").rglob("*") if path.is_file())
    digest = hashlib.sha256(repr(sorted(names)).encode())
    for path in (*parts, folder / "exported.tar.gz"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def trained(folder: Path) -> str:
    """'trained' for a finished run whose bundle gives its golden clients their answers."""
    load_bundle(folder / "r" / "bundle")
    json.loads((folder / "r" / "manifest.json").read_text(encoding="utf-8"))
    return "trained"


def resumed_run(folder: Path) -> tuple[str, ...]:
    """Arguments that go on with a training run, or start it where nothing was written yet."""
    if (folder / "r" / "config.yaml").exists():
        return (*SMALL_RUN, "resume=r")
    return (*SMALL_RUN, "hydra.run.dir=r")


def going_on(case: Case, folder: Path) -> tuple[str, ...]:
    """Arguments of the command that goes on in a folder."""
    return case.words if case.resumed is None else case.resumed(folder)


def digest_in_fork(case: Case, folder: Path, place: Path) -> str:
    """The digest of what a case left in a folder.

    Args:
        case: The case.
        folder: Where its command worked.
        place: Folder for temporary files, which may be the same.

    Raises:
        LinkageError: The result is damaged.
    """
    run_in_fork(lambda: (place / "digest").write_text(case.digest(folder)), place)
    return (place / "digest").read_text()


def is_intact(case: Case, folder: Path, place: Path) -> bool:
    """Whether a command that was cut short left nothing half-written."""

    def act() -> None:
        if not case.intact(folder):
            raise LinkageError("half-written")

    try:
        run_in_fork(act, place)
    except LinkageError:
        return False
    return True


def prepared(case: Case, template: Path, logs: Path) -> None:
    """Run the commands that prepare the folder of a case.

    Raises:
        LinkageError: One of them failed.
    """
    for name, words in case.before:
        if run(name, words, template, logs).code:
            raise LinkageError(f"{name} failed: {logs.read_text()[-1000:]}")
