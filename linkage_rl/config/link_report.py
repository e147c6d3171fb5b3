"""What `link` says while it works and at its end, and why a list may link nobody."""

import logging
import time
from collections.abc import Sequence
from typing import Final, NoReturn, Self

import numpy as np
from tqdm.auto import tqdm

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.config import messages
from linkage_rl.linked_list import ResultLayout
from linkage_rl.linker import NO_CANDIDATE
from linkage_rl.records import FIELDS
from linkage_rl.tables.latin_forms import is_latin
from linkage_rl.tables.writer import ResultRows

EVERY_S: Final = 60.0
"""Seconds between two lines of progress where no bar is shown."""
_SAMPLE: Final = 1000

_log = logging.getLogger(__name__)


class Progress:
    """A bar in a terminal, elsewhere a line a minute: done, speed and linkage rate."""

    def __init__(self, title: str, clients: int, finished: int) -> None:
        """Begin with the clients that an earlier run has finished."""
        self._title, self._clients, self._done = title, clients, finished
        self._before, self._begin = finished, time.monotonic()
        self._said = self._begin
        self._bar: tqdm[NoReturn] = tqdm(
            total=clients,
            initial=finished,
            desc=title,
            unit="client",
            unit_scale=True,
            disable=not messages.bars_shown(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def advance(self, clients: int, linked: float | None = None) -> None:
        """Some more clients are done; `linked` is the share of links among all that are."""
        self._done += clients
        self._bar.update(clients)
        rate = "" if linked is None else f"{linked:.1%} linked"
        self._bar.set_postfix_str(rate)
        now = time.monotonic()
        if self._bar.disable and now - self._said >= EVERY_S:
            self._said = now
            speed = (self._done - self._before) / max(now - self._begin, 1e-9)
            parts = (
                f"{self._title}: {self._done:,} of {self._clients:,} clients",
                f"{speed:,.0f} clients/s",
                rate,
            )
            _log.info("%s", ", ".join(filter(None, parts)))


class Unlinked:
    """Looks for the reason why a list links nobody."""

    def __init__(self, layout: ResultLayout, index: CompanyIndex) -> None:
        """Begin without clients.

        Args:
            layout: Of the rows that are looked at.
            index: The companies.
        """
        self._source, self._index = layout.source, index
        self._name_column = layout.column_of("name")
        self._clients = self._unfound = 0
        self._names: list[str] = []

    def add(self, rows: ResultRows) -> None:
        """Look at the rows of a chunk."""
        reasons = rows.texts["reason"]
        self._clients += len(reasons)
        self._unfound += sum(reason == NO_CANDIDATE for reason in reasons)
        if self._name_column and len(self._names) < _SAMPLE:
            self._names.extend(rows.texts[self._name_column][:_SAMPLE])

    def warn(self) -> None:
        """Say that nobody was linked, and the likeliest reason."""
        _log.warning("no client of %s is linked: %s", self._source.path, self._reason())

    def _reason(self) -> str:
        if not len(self._index):
            return "the table has no open company"
        listed, companies = _latin_share(self._names), _latin_share(self._names_of_companies())
        if abs(listed - companies) > 0.5:
            scripts = [
                "in Latin script" if share > 0.5 else "not in Latin script"
                for share in (listed, companies)
            ]
            return (
                f"its names are {scripts[0]} and those of the table {scripts[1]}; link a list with "
                "a column of names in the script of the table"
            )
        known = [name for name in self._source.found if name in FIELDS]
        if self._unfound == self._clients:
            return (
                f"no company shares a part of a name, an address, phone or URL with any of them; "
                f"the fields read are {', '.join(known)}: is it the right table, and are the "
                "columns the right ones (columns.name=...)?"
            )
        unread = [name for name in self._source.header if name not in self._source.found.values()]
        if len(known) == 1 and unread:
            return (
                f"only {known[0]} is read; name the columns of other fields, as "
                f"columns.address=..., of {', '.join(unread[:8])}"
            )
        return (
            "candidates were found, but none is likely enough; candidates=3 shows them, and a "
            "bundle that is trained for this list and table (leave bundle= out) may know better"
        )

    def _names_of_companies(self) -> list[str]:
        step = max(1, len(self._index) // _SAMPLE)
        return self._index.names(np.arange(0, len(self._index), step, dtype=np.int64))


def _latin_share(names: Sequence[str]) -> float:
    """Share of the names, but for empty ones, that are in Latin script; 0.5 without names."""
    latin = [is_latin(name) for name in names if name.strip()]
    return sum(latin) / len(latin) if latin else 0.5
