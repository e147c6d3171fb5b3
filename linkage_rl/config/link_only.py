"""`only=new` and `only=changed`: links what an earlier result lacks, and carries over the rest."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import URL

from linkage_rl.atomic import replacing
from linkage_rl.config.command import say
from linkage_rl.config.inputs import database_of, open_linker
from linkage_rl.config.link_output import LinkOutput
from linkage_rl.config.link_settings import LinkSettings, is_url
from linkage_rl.errors import ConfigError, InputFileError
from linkage_rl.linked_columns import digest
from linkage_rl.linked_list import ListFile, ResultLayout
from linkage_rl.linker import Linker
from linkage_rl.records import FIELDS
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.csv_text import csv_text
from linkage_rl.tables.result_store import ResultStore, Stored, read_result, result_rows
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.writer import ResultWriter, file_fingerprint

NEW, CHANGED, COMPANY, UNLINKED, CARRIED = (
    "new",
    "changed",
    "whose company changed",
    "not linked before, while the table has changed",
    "carried over",
)
"""What becomes of a client, and why."""
_KINDS: Final = (NEW, CHANGED, COMPANY, UNLINKED, CARRIED)


@dataclass(frozen=True)
class Part:
    """The clients of a list that are linked, and the rows of the others."""

    settings: LinkSettings
    """With these clients as the client list."""
    output: LinkOutput
    """Where their rows are written first."""
    clients: int
    """How many they are."""
    store: ResultStore
    layout: ResultLayout
    """Of the whole list."""

    def merge(self, writer: ResultWriter) -> None:
        """Write the rows of the whole list in its order: fresh ones and those carried over."""
        if self.clients:
            self.store.add(read_result(self.output.path))
        for chunk in self.layout.source.chunks(self.settings.chunk):
            found = self.store.find(chunk.records.ids)
            stored = [row for row in found if row is not None]
            if len(stored) < len(found):
                lost = chunk.records.ids[found.index(None)]
                raise InputFileError(
                    f"expected a row of client {lost!r} in the earlier result or in "
                    f"{self.output}, got none: one of them was changed while linking; start again"
                )
            writer.write(result_rows(self.layout.columns, stored))
        writer.complete()
        self.output.path.unlink(missing_ok=True)


@contextmanager
def part_to_link(
    settings: LinkSettings, layout: ResultLayout, output: LinkOutput, fingerprint: str
) -> Iterator[Part]:
    """Choose the clients that have to be linked.

    An interrupted run keeps its choice once some of them are linked; until then the table is
    looked at again, which may have changed.

    Args:
        settings: The settings of the command.
        layout: Of the rows of the whole list.
        output: Where the result goes.
        fingerprint: Of what the result depends on, but for the state of the table.

    Raises:
        ConfigError: The list has no client ids, or there is no earlier result.
        LinkageError: A file or the database cannot be read.
    """
    if "client_id" not in layout.source.found:
        raise ConfigError(
            f"only={settings.only} needs a column of client ids, which {layout.source.path} lacks; "
            "name it with columns.client_id="
        )
    files = {name: output.beside(f"only.{name}") for name in ("csv", "json", "db", "jsonl")}
    previous = _previous(settings, output)
    mark = _mark(settings, fingerprint, previous)
    fresh = output if output.url is not None else LinkOutput(files["jsonl"])
    counts = _kept_counts(files["json"], mark) if fresh.has_linked() else None
    if counts is None:
        files["db"].unlink(missing_ok=True)
        fresh.forget_linked()
    with ResultStore(files["db"], layout.columns) as store:
        if counts is None:
            store.add(read_result(*previous))
            with open_linker(
                settings.bundle, settings.database, settings.index, settings.table
            ) as (linker, state):
                counts = _choose(settings, layout, store, linker, digest(state), files["csv"])
            with replacing(files["json"]) as partial:
                partial.write_text(json.dumps({"mark": mark, "counts": counts}))
        say("only     " + ", ".join(f"{counts.get(kind, 0):,} {kind}" for kind in _KINDS))
        part = replace(
            settings,
            clients=str(files["csv"]),
            columns=_as_found(settings, layout.source),
            only="",
            previous="",
            csv_injection="",
            encoding="utf-8",
            header_row=1,
            sheet="",
        )
        chosen = sum(count for kind, count in counts.items() if kind != CARRIED)
        yield Part(part, fresh, chosen, store, layout)
    for path in files.values():
        path.unlink(missing_ok=True)


def _kept_counts(about: Path, mark: str) -> Mapping[str, int] | None:
    """What an interrupted run chose; None where there was none."""
    try:
        kept = json.loads(about.read_text())
        return dict(kept["counts"]) if kept["mark"] == mark else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _mark(settings: LinkSettings, fingerprint: str, previous: tuple[Path | URL, str]) -> str:
    place, table = previous
    return digest(
        fingerprint,
        settings.only,
        shown(place) if isinstance(place, URL) else file_fingerprint(place),
        table,
        settings.output,
        settings.output_table,
    )


def _previous(settings: LinkSettings, output: LinkOutput) -> tuple[Path | URL, str]:
    """The earlier result: that of `previous=`, or the output that there is."""
    given = settings.previous
    if not given:
        if output.url is not None:
            return output.url, output.table
        if not output.path.exists():
            raise ConfigError(
                f"only={settings.only} needs an earlier result, and there is no {output.path}; "
                "name one with previous=, or link the whole list first"
            )
        return output.path, ""
    if is_url(given):
        return database_of(given), settings.output_table
    return Path(given).expanduser(), ""


def _as_found(settings: LinkSettings, source: ListFile) -> ColumnMapping:
    """The columns as they were recognised in the whole list."""
    found: dict[str, Any] = {
        field: name for field, name in source.found.items() if name in source.header
    }
    return replace(settings.columns, **found)


def _choose(
    settings: LinkSettings,
    layout: ResultLayout,
    store: ResultStore,
    linker: Linker,
    state: str,
    path: Path,
) -> Mapping[str, int]:
    """Write the clients that have to be linked as a list of their own; count them by reason."""
    source, counts = layout.source, Counter[str]()
    key = source.found["client_id"]
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        stream.write(csv_text([source.header]))
        for chunk in source.chunks(settings.chunk):
            stored = store.find(chunk.records.ids)
            own = layout.own_texts(chunk)
            kinds = [NEW if row is None else CARRIED for row in stored]
            if settings.only == CHANGED:
                _find_changed(kinds, stored, own, linker, state)
            counts.update(kinds)
            texts = dict(zip(layout.own_columns, own.values(), strict=True))
            columns = [chunk.records.ids if name == key else texts[name] for name in source.header]
            rows = zip(kinds, zip(*columns, strict=True), strict=True)
            stream.write(csv_text(row for kind, row in rows if kind != CARRIED))
    return counts


def _find_changed(
    kinds: list[str],
    stored: Sequence[Stored | None],
    own: Mapping[str, Sequence[str]],
    linker: Linker,
    state: str,
) -> None:
    """Mark the clients of a chunk whose own fields, or whose company, are others than before."""
    company_ids = [""] * len(kinds)
    for place, (row, *texts) in enumerate(zip(stored, *own.values(), strict=True)):
        if row is None:
            continue
        if any(row[name] != text for name, text in zip(own, texts, strict=True)):
            kinds[place] = CHANGED
        elif row["table_state"] == state:
            continue
        elif row["company_id"]:
            company_ids[place] = row["company_id"]
        else:
            kinds[place] = UNLINKED
    companies = linker.current_fields(company_ids)
    columns = [(f"company_{name}", companies.column(name)) for name in FIELDS]
    for place in filter(company_ids.__getitem__, range(len(kinds))):
        before = stored[place]
        if before is not None and any(before[name] != texts[place] for name, texts in columns):
            kinds[place] = COMPANY
