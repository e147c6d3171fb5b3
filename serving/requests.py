"""A request after parsing: its mode, its valid clients, and an error for each invalid one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from linkage_rl.records import RecordBatch
from linkage_rl.tables.schema import CLIENT_FIELDS, nearest
from serving.errors import RequestError, TooLargeError

Mode = Literal["bulk_linkage", "linkage", "candidates", "info"]
"""What a request is for: decisions on many clients, on one, candidates, or the model's data."""
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
CLIENT_KEYS: Final = ("client_id", *CLIENT_FIELDS, "address")
"""Fields of a client; `address` is a complete address, used where `street` is missing."""
MAX_FIELD_LENGTH: Final = 1000
"""Characters that one field of a client may have."""
MAX_CANDIDATE_CLIENTS: Final = 1000
"""Clients of a request in mode `candidates`; each may get twenty companies, so that a thousand of
them make an answer of 8 MB and take 80 MB of memory."""
_MAX_WARNINGS: Final = 8


@dataclass(frozen=True)
class InvalidClient:
    """Takes the place of a client that could not even be parsed."""

    reason: str


@dataclass(frozen=True)
class LinkageRequest:
    """A mode and N clients, of which M are valid."""

    mode: Mode
    client_ids: list[str]
    """Ids as given; a client without a valid one gets its position. Length N."""
    records: RecordBatch
    """The M valid clients."""
    positions: list[int]
    """Position of each valid client among the N, length M."""
    errors: Mapping[int, str]
    """Position of each invalid client to what is wrong with it."""
    unknown_fields: tuple[str, ...] = ()
    """Field names that the server does not know and ignores."""

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
        return [
            f"unknown field {name!r} is ignored"
            + (f"; did you mean {known!r}?" if (known := nearest(name, CLIENT_KEYS)) else "")
            for name in self.unknown_fields
        ]


def parse_mode(name: object) -> Mode:
    """The mode of this name.

    Raises:
        RequestError: There is no such mode.
    """
    for mode in MODES:
        if name == mode:
            return mode
    raise RequestError(
        f"expected a mode among {list(MODES)}, got {_describe(name)}; name one of them"
    )


def validate(mode: Mode, clients: Sequence[Any], max_clients: int) -> LinkageRequest:
    """Check each client by itself, so that an invalid one does not spoil the request.

    Args:
        mode: Mode of the request.
        clients: JSON objects, any other JSON value where the caller sent one, or `InvalidClient`.
        max_clients: Clients that one request may hold.

    Raises:
        TooLargeError: There are more.
    """
    limit = min(max_clients, MAX_CANDIDATE_CLIENTS) if mode == "candidates" else max_clients
    if len(clients) > limit:
        raise TooLargeError(
            f"expected at most {limit} clients in a request of mode {mode!r}, got {len(clients)}; "
            "split the list"
        )
    objects = {n: client for n, client in enumerate(clients) if isinstance(client, dict)}
    columns = {name: [client.get(name) for client in objects.values()] for name in CLIENT_KEYS}
    errors = {
        **_non_objects(clients),
        **_empty_clients(columns, list(objects)),
        **_invalid_values(columns, list(objects)),
    }
    client_ids = _client_ids(len(clients), objects)
    rows = [row for row, position in enumerate(objects) if position not in errors]
    positions = [position for position in objects if position not in errors]
    return LinkageRequest(
        mode,
        client_ids,
        _record_batch([client_ids[position] for position in positions], columns, rows),
        positions,
        errors,
        _unknown_fields(objects.values()),
    )


def _non_objects(clients: Sequence[Any]) -> dict[int, str]:
    """Position to error of what is no JSON object."""
    errors: dict[int, str] = {}
    for position, client in enumerate(clients):
        if isinstance(client, InvalidClient):
            errors[position] = client.reason
        elif not isinstance(client, dict):
            shown = _describe(client)
            errors[position] = f"expected an object with the client's fields, got {shown}"
    return errors


def _invalid_values(
    columns: Mapping[str, Sequence[Any]], positions: Sequence[int]
) -> dict[int, str]:
    """Position to error of clients with a value of the wrong type or one that is too long."""
    errors: dict[int, str] = {}
    for name, values in columns.items():
        if _only_short_texts(values):
            continue
        for position, value in zip(positions, values, strict=True):
            if reason := _value_error(name, value):
                errors.setdefault(position, reason)
    return errors


def _only_short_texts(values: Sequence[Any]) -> bool:
    """Whether a column needs no closer look; two passes in C, and true of most columns."""
    if not set(map(type, values)) <= {str, type(None)}:
        return False
    return max(map(len, filter(None, values)), default=0) <= MAX_FIELD_LENGTH


def _empty_clients(
    columns: Mapping[str, Sequence[Any]], positions: Sequence[int]
) -> dict[int, str]:
    """Position to error of clients without a single value besides their id."""
    reason = f"expected at least one of {list(CLIENT_KEYS[1:])}, got none"
    rows = zip(*(columns[name] for name in CLIENT_KEYS[1:]), strict=True)
    return {position: reason for position, row in zip(positions, rows, strict=True) if not any(row)}


def _value_error(name: str, value: object) -> str:
    """What is wrong with one value; '' if nothing is."""
    if value is None or (type(value) is str and len(value) <= MAX_FIELD_LENGTH):
        return ""
    if type(value) is str:
        return f"expected at most {MAX_FIELD_LENGTH} characters in {name!r}, got {len(value)}"
    if name == "client_id" and type(value) is int and value.bit_length() <= 64:
        return ""
    return f"expected text in {name!r}, got {_describe(value)}"


def _client_ids(count: int, objects: Mapping[int, Mapping[str, Any]]) -> list[str]:
    client_ids = [str(position) for position in range(count)]
    for position, client in objects.items():
        given = client.get("client_id")
        if given is not None and not _value_error("client_id", given):
            client_ids[position] = str(given)
    return client_ids


def _record_batch(
    client_ids: list[str], columns: Mapping[str, Sequence[Any]], rows: Sequence[int]
) -> RecordBatch:
    texts = {name: [columns[name][row] or "" for row in rows] for name in CLIENT_KEYS[1:]}
    addresses = texts.pop("address")
    if any(addresses):
        texts["street"] = [
            street or address for street, address in zip(texts["street"], addresses, strict=True)
        ]
    return RecordBatch(client_ids, {name: column for name, column in texts.items() if any(column)})


def _unknown_fields(objects: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    names = dict.fromkeys(name for client in objects for name in client)
    unknown = [_shorten(name) for name in names if name not in CLIENT_KEYS]
    return tuple(unknown[:_MAX_WARNINGS])


def _describe(value: object) -> str:
    """A value for a message: short texts themselves, else the kind of value."""
    if isinstance(value, str):
        return repr(_shorten(value))
    kinds = {
        type(None): "null",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), type(value).__name__)


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."
