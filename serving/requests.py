"""A request after parsing: its mode, its valid clients, and an error for each invalid one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from linkage_rl.records import RecordBatch
from linkage_rl.tables.schema import CLIENT_FIELDS, nearest
from serving.attributes import NOBODY, Origin
from serving.errors import RequestError, TooLargeError
from serving.values import MAX_FIELD_LENGTH, InvalidValueError, describe, read_text, shorten

Mode = Literal["bulk_linkage", "linkage", "candidates", "info"]
"""What a request is for: decisions on many clients, on one, candidates, or the model's data."""
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
CLIENT_KEYS: Final = ("client_id", *CLIENT_FIELDS, "address")
"""Fields of a client; `address` is a complete address, used where `street` is missing."""
_KNOWN: Final = frozenset(CLIENT_KEYS)
MAX_CANDIDATE_CLIENTS: Final = 1000
"""Clients of a request in mode `candidates`; each may get twenty companies, so that a thousand of
them make an answer of 8 MB and take 80 MB of memory."""
_TEXT_OR_MISSING: Final = frozenset({str, type(None)})
_MAX_WARNINGS: Final = 8
_NO_VALUE: Final = f"expected at least one of {list(CLIENT_KEYS[1:])}, got none"
_REPEATED_IDS: Final = (
    "several clients have the same client_id; tell their results apart by their order"
)


@dataclass(frozen=True)
class InvalidClient:
    """Takes the place of a client that could not even be parsed."""

    reason: str
    client_id: str | None = None
    """Its id where at least that could be read."""


@dataclass(frozen=True)
class LinkageRequest:
    """A mode and N clients, of which M are valid."""

    mode: Mode
    client_ids: list[str]
    """Ids as given; a client without a valid one gets its position, with a '#' before it where
    that is the id of another client. Length N."""
    records: RecordBatch
    """The M valid clients."""
    positions: list[int]
    """Position of each valid client among the N, length M."""
    errors: Mapping[int, str]
    """Position of each invalid client to what is wrong with it."""
    unknown_fields: tuple[str, ...] = ()
    """Field names that the server does not know and ignores."""
    repeated_ids: bool = False
    """Whether the caller gave two clients the same id."""
    csv_header: bool = True
    """Whether a request in CSV had a header, so that its answer in CSV has one, too."""
    origin: Origin = NOBODY
    """Whose clients they are."""

    def __len__(self) -> int:
        return len(self.client_ids)

    def reject(self, rows: Sequence[int]) -> "LinkageRequest":
        """The request with these rows of `records` turned into invalid clients."""
        rejected = set(rows)
        kept = [row for row in range(len(self.positions)) if row not in rejected]
        reason = "this client could not be processed; the error was logged"
        return replace(
            self,
            records=self.records.take(kept),
            positions=[self.positions[row] for row in kept],
            errors={**self.errors, **{self.positions[row]: reason for row in rejected}},
        )

    @property
    def warnings(self) -> list[str]:
        """A sentence on each unknown field, with the known field of the most similar name."""
        unknown = [
            f"unknown field {name!r} is ignored"
            + (f"; did you mean {known!r}?" if (known := nearest(name, CLIENT_KEYS)) else "")
            for name in self.unknown_fields
        ]
        return unknown + [_REPEATED_IDS] * self.repeated_ids


def parse_mode(name: object) -> Mode:
    """The mode of this name.

    Raises:
        RequestError: There is no such mode.
    """
    for mode in MODES:
        if name == mode:
            return mode
    raise RequestError(
        f"expected a mode among {list(MODES)}, got {describe(name)}; name one of them"
    )


def check_count(mode: Mode, count: int, max_clients: int) -> None:
    """Refuse more clients than one request of this mode may hold.

    Raises:
        TooLargeError: There are more.
    """
    limit = min(max_clients, MAX_CANDIDATE_CLIENTS) if mode == "candidates" else max_clients
    if count > limit:
        raise TooLargeError(
            f"expected at most {limit} clients in a request of mode {mode!r}, got {count}; "
            "split the list"
        )


def validate(
    mode: Mode,
    clients: Sequence[Any],
    max_clients: int,
    unknown_fields: Iterable[str] = (),
    csv_header: bool = True,
) -> LinkageRequest:
    """Check each client by itself, so that an invalid one does not spoil the request.

    Args:
        mode: Mode of the request.
        clients: JSON objects, any other JSON value where the caller sent one, or `InvalidClient`.
        max_clients: Clients that one request may hold.
        unknown_fields: Names that the server does not know, besides those of the objects.
        csv_header: Whether clients that came in CSV had a header.

    Raises:
        TooLargeError: There are more.
    """
    check_count(mode, len(clients), max_clients)
    objects = {n: client for n, client in enumerate(clients) if isinstance(client, dict)}
    places = list(objects)
    names = set[str]().union(*objects.values())
    invalid: dict[int, str] = {}
    columns = {
        name: _read_column(name, [client.get(name) for client in objects.values()], places, invalid)
        for name in CLIENT_KEYS
        if name in names
    }
    given = columns.pop("client_id", [None] * len(places))
    errors = {**_non_objects(clients), **_empty_clients(columns, places), **invalid}
    client_ids, repeated = _client_ids(clients, dict(zip(places, given, strict=True)))
    rows = [row for row, position in enumerate(places) if position not in errors]
    positions = [position for position in places if position not in errors]
    return LinkageRequest(
        mode,
        client_ids,
        _record_batch([client_ids[position] for position in positions], columns, rows),
        positions,
        errors,
        _unknown_fields(objects.values(), names, unknown_fields),
        repeated,
        csv_header,
    )


def _non_objects(clients: Sequence[Any]) -> dict[int, str]:
    """Position to error of what is no JSON object."""
    errors: dict[int, str] = {}
    for position, client in enumerate(clients):
        if isinstance(client, InvalidClient):
            errors[position] = client.reason
        elif not isinstance(client, dict):
            shown = describe(client)
            errors[position] = f"expected an object with the client's fields, got {shown}"
    return errors


def _read_column(
    name: str, values: list[Any], positions: Sequence[int], errors: dict[int, str]
) -> list[str | None]:
    """The values of one field as texts, None where missing; adds an error for each invalid one."""
    if _only_short_texts(values):
        return values
    texts: list[str | None] = []
    for position, value in zip(positions, values, strict=True):
        try:
            texts.append(value if value == "" else read_text(name, value) or None)
        except InvalidValueError as error:
            errors.setdefault(position, str(error))
            texts.append(None)
    return texts


def _only_short_texts(values: Sequence[Any]) -> bool:
    """Whether a column needs no closer look; two passes in C, and true of most columns."""
    if not _TEXT_OR_MISSING.issuperset(map(type, values)):
        return False
    return max(map(len, filter(None, values)), default=0) <= MAX_FIELD_LENGTH


def _empty_clients(
    columns: Mapping[str, Sequence[str | None]], positions: Sequence[int]
) -> dict[int, str]:
    """Position to error of clients without a single value besides their id."""
    rows = zip(*columns.values(), strict=True) if columns else [()] * len(positions)
    empty = [position for position, row in zip(positions, rows, strict=True) if not any(row)]
    return dict.fromkeys(empty, _NO_VALUE)


def _client_ids(clients: Sequence[Any], given: Mapping[int, str | None]) -> tuple[list[str], bool]:
    """An id for each client, and whether the caller gave one of them twice.

    Args:
        clients: All clients, length N.
        given: Position of each object among them to its id, None where it has no valid one.
    """
    ids = [given.get(position) for position in range(len(clients))]
    for position, client in enumerate(clients):
        if isinstance(client, InvalidClient):
            ids[position] = client.client_id
    taken = set(ids) - {None}
    repeated = len(taken) < len(ids) - ids.count(None)
    return [
        _position_id(position, taken) if client_id is None else client_id
        for position, client_id in enumerate(ids)
    ], repeated


def _position_id(position: int, taken: set[str | None]) -> str:
    # never the id of another client, whose result it would seem to be
    client_id = str(position)
    while client_id in taken:
        client_id = f"#{client_id}"
    return client_id


def _record_batch(
    client_ids: list[str], columns: Mapping[str, Sequence[str | None]], rows: Sequence[int]
) -> RecordBatch:
    texts = {
        name: [text or "" for text in column]
        if len(column) == len(rows)
        else [column[row] or "" for row in rows]
        for name, column in columns.items()
        if any(column)
    }
    addresses = texts.pop("address", [])
    if any(addresses):
        streets = texts.get("street", [""] * len(rows))
        texts["street"] = [
            street or address for street, address in zip(streets, addresses, strict=True)
        ]
    return RecordBatch(client_ids, {name: column for name, column in texts.items() if any(column)})


def _unknown_fields(
    objects: Iterable[Mapping[str, Any]], names: set[str], others: Iterable[str]
) -> tuple[str, ...]:
    """Unknown names, first those of other places, then those of objects as they occur."""
    if not others and names <= _KNOWN:
        return ()
    unknown = dict.fromkeys(others)
    if not names <= _KNOWN:
        unknown |= dict.fromkeys(name for client in objects for name in client)
    kept = [name for name in unknown if name not in _KNOWN]
    return tuple(shorten(name) for name in kept[:_MAX_WARNINGS])
