"""What a request asks: a mode, and clients that are sound or have a fault of their own each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from linkage_rl.records import RecordBatch
from linkage_rl.tables.schema import CLIENT_FIELDS, nearest
from serving.errors import RequestError, TooManyClientsError

Mode = Literal["bulk_linkage", "linkage", "candidates", "info"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
KNOWN: Final = ("client_id", *CLIENT_FIELDS, "address")
"""Fields of a client; `address` is a whole address in one field, read where `street` is absent."""
LONGEST: Final = 1000
"""Characters that one field of a client may have."""

MOST_SHOWN: Final = 1000
"""Clients of a request for candidates, each of whom may get twenty companies: 8 MB and 80 MB of
memory for a thousand."""


@dataclass(frozen=True)
class Fault:
    """A client that cannot be read at all, and why."""

    reason: str


@dataclass(frozen=True)
class Inquiry:
    """A mode and N clients."""

    mode: Mode
    ids: list[str]
    """Client ids as they came, else the client's number from 0 on; length N."""
    records: RecordBatch
    """The M sound clients."""
    places: list[int]
    """Which of the N clients each of the M is."""
    faults: Mapping[int, str]
    """What is wrong with each of the others, by its number."""
    unknown: tuple[str, ...] = ()
    """Fields that came and are not known; they are not read."""

    def __len__(self) -> int:
        return len(self.ids)

    def without(self, rows: Sequence[int]) -> "Inquiry":
        """The same with these of the sound clients turned into faulty ones."""
        gone = set(rows)
        kept = [row for row in range(len(self.places)) if row not in gone]
        reason = "this client could not be processed; its fault was logged"
        return replace(
            self,
            records=self.records.take(kept),
            places=[self.places[row] for row in kept],
            faults={**self.faults, **{self.places[row]: reason for row in gone}},
        )

    @property
    def warnings(self) -> list[str]:
        """A sentence on each field that was not read, with the one that is perhaps meant."""
        return [
            f"field {name!r} is not read"
            + (f"; did you mean {meant!r}?" if (meant := nearest(name, KNOWN)) else "")
            for name in self.unknown
        ]


def mode_of(name: object) -> Mode:
    """The mode of this name.

    Raises:
        RequestError: There is none.
    """
    for mode in MODES:
        if name == mode:
            return mode
    raise RequestError(f"expected a mode among {list(MODES)}, got {_shown(name)}; name one of them")


def inquiry(mode: Mode, clients: Sequence[Any], most: int) -> Inquiry:
    """Sort clients into sound ones and those with a fault.

    Args:
        mode: What is asked of each of them.
        clients: JSON objects or what came in their place, or a `Fault`.
        most: Clients that one request may hold.

    Raises:
        TooManyClientsError: There are more.
    """
    most = min(most, MOST_SHOWN) if mode == "candidates" else most
    if len(clients) > most:
        raise TooManyClientsError(
            f"expected at most {most} clients in a request of mode {mode!r}, got {len(clients)}; "
            "split the list"
        )
    faults: dict[int, str] = {}
    sound: list[tuple[int, dict[str, Any]]] = []
    for place, client in enumerate(clients):
        if isinstance(client, dict):
            sound.append((place, client))
        else:
            faults[place] = (
                client.reason
                if isinstance(client, Fault)
                else f"expected an object with the client's fields, got {_shown(client)}"
            )
    ids = [str(place) for place in range(len(clients))]
    columns = {name: [client.get(name) for _, client in sound] for name in KNOWN}
    _refuse_faulty(columns, [place for place, _ in sound], faults)
    for place, client in sound:
        given = client.get("client_id")
        if given is not None and not _fault_of("client_id", given):
            ids[place] = str(given)
    kept = [row for row, (place, _) in enumerate(sound) if place not in faults]
    places = [sound[row][0] for row in kept]
    names = dict.fromkeys(name for _, client in sound for name in client)
    return Inquiry(
        mode,
        ids,
        _records([ids[place] for place in places], columns, kept),
        places,
        faults,
        tuple(_shown(name, quoted=False) for name in names if name not in KNOWN)[:8],
    )


def _refuse_faulty(
    columns: Mapping[str, list[Any]], places: Sequence[int], faults: dict[int, str]
) -> None:
    """Note clients with a value of another type, one that is too long, or no value at all."""
    for name, values in columns.items():
        # most columns are sound, which two passes in C can tell
        sound = set(map(type, values)) <= {str, type(None)}
        if sound and max(map(len, filter(None, values)), default=0) <= LONGEST:
            continue
        for place, value in zip(places, values, strict=True):
            if reason := _fault_of(name, value):
                faults.setdefault(place, reason)
    told = [values for name, values in columns.items() if name != "client_id"]
    for place, row in zip(places, zip(*told, strict=True), strict=True):
        if not any(row):
            faults.setdefault(place, f"expected at least one of {list(KNOWN[1:])}, got none")


def _fault_of(name: str, value: object) -> str:
    """What is wrong with one value; '' if nothing is."""
    if value is None or (type(value) is str and len(value) <= LONGEST):
        return ""
    if type(value) is str:
        return f"expected at most {LONGEST} characters in {name!r}, got {len(value)}"
    if name == "client_id" and type(value) is int and value.bit_length() <= 64:
        return ""
    return f"expected text in {name!r}, got {_shown(value)}"


def _records(ids: list[str], columns: Mapping[str, list[Any]], kept: Sequence[int]) -> RecordBatch:
    texts = {name: [columns[name][row] or "" for row in kept] for name in KNOWN[1:]}
    whole = texts.pop("address")
    if any(whole):
        texts["street"] = [
            street or address for street, address in zip(texts["street"], whole, strict=True)
        ]
    return RecordBatch(ids, {name: column for name, column in texts.items() if any(column)})


def _shown(value: object, quoted: bool = True) -> str:
    """A value for a message: its kind, and short texts themselves."""
    if isinstance(value, str):
        short = value if len(value) <= 40 else f"{value[:40]}..."
        return repr(short) if quoted else short
    kinds = {
        type(None): "null",
        bool: "a truth value",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), type(value).__name__)
