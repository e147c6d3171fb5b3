"""The values that modules hand to each other: raw and canonical records, observations, decisions.

Each of them is a batch held as columns, since every step from client list to decision works on
batches; a single client is a batch of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from operator import itemgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import SchemaError

FIELDS: Final = (
    "name",
    "name_kana",
    "name_en",
    "postal_code",
    "prefecture",
    "city",
    "street",
    "phone",
    "url",
    "corporate_number",
    "former_names",
    "trade_names",
)
"""Fields that describe a client or a company; an address in one column is the `street`.
`former_names` and `trade_names` are those of a company, joined by '|'; those of a client are not
used."""

_ONLY_TEXT: Final = frozenset({str})


@dataclass(frozen=True)
class RecordBatch:
    """N clients or companies as raw text, one column per field; '' stands for missing.

    >>> batch = RecordBatch(["c1", "c2"], {"name": ["五洋建設㈱", "青空"], "phone": [None, ""]})
    >>> batch.columns["phone"]
    ['', '']
    """

    ids: Sequence[str]
    """Client ids or company ids, length N."""
    columns: Mapping[str, Sequence[str]]
    """Field name to N texts; an absent field is missing for all N.

    The names are those of `FIELDS`, or `address` in place of `street`. None and nan (float, NumPy,
    pandas) become ''.
    """

    def __post_init__(self) -> None:
        columns = _street_for_address(self.columns)
        for field, texts in columns.items():
            if field not in FIELDS:
                raise SchemaError(f"expected fields among {[*FIELDS, 'address']}, got {field!r}")
            if len(texts) != len(self.ids):
                raise SchemaError(
                    f"column {field!r} needs {len(self.ids)} texts, one per id, got {len(texts)}"
                )
        # one pass in C over each column: any other type is rare, and texts of it are looked at
        fixed = {
            field: _as_texts(field, texts)
            for field, texts in columns.items()
            if not _ONLY_TEXT.issuperset(map(type, texts))
        }
        if fixed or columns is not self.columns:
            object.__setattr__(self, "columns", {**columns, **fixed})

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, field: str) -> Sequence[str]:
        """The N texts of one field; empty texts where the field is absent."""
        texts = self.columns.get(field)
        return [""] * len(self) if texts is None else texts

    @classmethod
    def concatenate(cls, parts: "Sequence[RecordBatch]") -> "RecordBatch":
        """The records of all parts, one part after the other; absent fields are missing."""
        names = dict.fromkeys(name for part in parts for name in part.columns)
        return cls(
            list(chain.from_iterable(part.ids for part in parts)),
            {
                name: list(chain.from_iterable(part.column(name) for part in parts))
                for name in names
            },
        )

    def between(self, begin: int, end: int) -> "RecordBatch":
        """The records in range(begin, end)."""
        return RecordBatch(
            self.ids[begin:end],
            {field: texts[begin:end] for field, texts in self.columns.items()},
        )

    def take(self, rows: Sequence[int]) -> "RecordBatch":
        """The records at these positions, in this order."""
        if len(rows) < 2:
            # of which `itemgetter` makes no tuple
            return RecordBatch(
                [self.ids[row] for row in rows],
                {field: [texts[row] for row in rows] for field, texts in self.columns.items()},
            )
        at = itemgetter(*rows)
        columns = {field: list(at(texts)) for field, texts in self.columns.items()}
        return RecordBatch(list(at(self.ids)), columns)


def _street_for_address(columns: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """The columns with `address` called `street`, the same object where there is no address."""
    if "address" not in columns:
        return columns
    if "street" in columns:
        raise SchemaError(
            "expected one of the columns 'address' and 'street', got both; the address in one "
            "column is read as the street: leave one of them out"
        )
    return {"street" if field == "address" else field: columns[field] for field in columns}


def _as_texts(field: str, values: Sequence[object]) -> list[str]:
    """The values as texts, '' for those that are missing.

    Raises:
        SchemaError: A value is neither text nor missing.
    """
    texts = ["" if _is_missing(value) else value for value in values]
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise SchemaError(
                f"column {field!r} needs texts, or None where the field is missing, got "
                f"{text!r} of type {type(text).__name__} at position {position}; "
                "convert the column to text first"
            )
    return list(map(str, texts))


def _is_missing(value: object) -> bool:
    """Whether a value is None, nan, or another that is not equal to itself."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:
        # pandas.NA is neither equal to itself nor unequal
        return True
    except ValueError:
        return False


@dataclass(frozen=True)
class CompanyRows:
    """N rows of the company table as the database holds them now."""

    records: RecordBatch
    updated_at: Sequence[str]
    """ISO 8601 time of the last change of each row, '' where unknown."""
    closed_at: Sequence[str]
    """ISO 8601 date on which the company closed, '' while it is open."""

    @classmethod
    def concatenate(cls, parts: "Sequence[CompanyRows]") -> "CompanyRows":
        """The rows of all parts, one part after the other."""
        return cls(
            RecordBatch.concatenate([part.records for part in parts]),
            list(chain.from_iterable(part.updated_at for part in parts)),
            list(chain.from_iterable(part.closed_at for part in parts)),
        )

    def take(self, rows: Sequence[int]) -> "CompanyRows":
        """These rows, in this order."""
        return CompanyRows(
            self.records.take(rows),
            [self.updated_at[row] for row in rows],
            [self.closed_at[row] for row in rows],
        )

    def open_ones(self, company_ids: Sequence[str]) -> RecordBatch:
        """The rows of these companies, in their order; '' for one that is absent or closed."""
        rows = enumerate(zip(self.records.ids, self.closed_at, strict=True))
        place = {company_id: row for row, (company_id, closed) in rows if not closed}
        where = [place.get(company_id, -1) for company_id in company_ids]
        if where == [*range(len(self.records))]:
            return self.records
        return RecordBatch(
            [self.records.ids[row] if row >= 0 else "" for row in where],
            {
                field: [texts[row] if row >= 0 else "" for row in where]
                for field, texts in self.records.columns.items()
            },
        )


@dataclass(frozen=True)
class CanonicalBatch:
    """N records after normalisation; every text is '' where the field is missing or unreadable."""

    name: list[str]
    """Whole name, folded, its legal form in the canonical long form and in its place."""
    written: list[str]
    """Name without spaces or a common legal form, but in the case and kana that it came in."""
    core: list[str]
    """Name without legal form, spaces or punctuation, old kanji as new; '' only for empty names."""
    stem: list[str]
    """Core without branch, department, project or bracketed additions; often equal to `core`."""
    legal_form: NDArray[np.int8]
    """Legal form, 0 for none, else 1 + its position in `legal_forms.LEGAL_FORMS`; shape (N,)."""
    legal_side: NDArray[np.int8]
    """Where the legal form stands: 0 none, 1 leading, 2 trailing, 3 in the middle; shape (N,)."""
    kana: list[str]
    """Folded katakana reading without the legal form; taken from a name that is all kana, too."""
    reading: list[str]
    """Reading in the kana that it came in: 'スタイルズユー' where `kana` is 'スタイルズユ'."""
    latin: list[str]
    """Folded Latin name without the legal form, from `name_en` or from a name that is all Latin."""
    prefecture: NDArray[np.int8]
    """Prefecture code 1..47 (JIS X 0401), 0 where unknown; shape (N,)."""
    city: list[str]
    """City, ward or county with town or village, folded: '横浜市西区'."""
    town: list[str]
    """Town after the city, folded, without 大字/字 and 丁目: '神田神保町'."""
    block: list[str]
    """Numbers of block, lot and house joined by '-': '2-38'; without building and room."""
    building: list[str]
    """Building and room, folded: 'いちご九段ビル3'."""
    postal_code: list[str]
    """Seven digits."""
    phone: list[str]
    """National significant number in digits with the leading 0, or '+' and E.164 if foreign."""
    domain: list[str]
    """Registered domain, lower case, of the URL or of an e-mail address in its place."""
    page: list[str]
    """What is the record's own at a domain that many share: subdomain and path of the URL
    (`hanaikada`, `/hanaikada`), or the mailbox of an e-mail address; '' for a home page."""
    corporate_number: list[str]
    """Thirteen digits with a right check digit."""
    former_cores: list[tuple[str, ...]]
    """Cores of earlier names of the record, each once; () for none."""

    def __len__(self) -> int:
        return len(self.name)


class DecisionKind(IntEnum):
    """What was decided for a client."""

    NO_MATCH = 0
    LINK = 1
    REVIEW = 2


@dataclass(frozen=True)
class Observation:
    """What a policy sees of B clients: K candidate slots, R blockers, A = K + 2 + R actions.

    A slot is a place for one visible candidate; the best retrieval scores come first.
    """

    candidates: NDArray[np.float32]
    """Features of the visible candidates, shape (B, K, F), in [0, 1]; empty slots are 0."""
    query: NDArray[np.float32]
    """Features of the client alone, shape (B, Q), in [0, 1]."""
    state: NDArray[np.float32]
    """Blockers run (R), share of slots filled, cost so far; shape (B, R + 2), in [0, 1]."""
    action_mask: NDArray[np.int8]
    """1 where the action is legal, shape (B, A): link 0..K-1, no match K, review K+1, blockers."""
    slot_candidates: NDArray[np.int64]
    """Id of the candidate in each slot, -1 where empty; shape (B, K). A candidate id is unique
    within the cases it was observed in: the position of the pair (client and candidate) among
    prepared cases, the row in the company index among live ones. Agents do not see it."""
    ties: NDArray[np.int8]
    """First slot whose candidate the client cannot tell from the one in this slot: all that the
    client says fits both equally well. Its own number where there is none, -1 where the slot is
    empty; shape (B, K). Agents see how many candidates are tied, as a feature of each."""

    def __len__(self) -> int:
        return len(self.query)


SHORTLIST: Final = 4
"""Candidates of a client that are kept for the list stage."""


@dataclass(frozen=True)
class Shortlist:
    """The best candidates of N clients, for the list stage or for the result."""

    candidate: NDArray[np.int64]
    """Ids as in `Decisions.candidate`, falling share, -1 where there are no more; shape (N, C), C
    being `SHORTLIST` for the list stage."""
    share: NDArray[np.float32]
    """Softmax weight of each among all slots and no match, in [0, 1]; tied candidates share theirs
    equally. 0 where there is none; shape (N, C)."""
    tied: NDArray[np.int16]
    """Visible candidates tied with each, itself included, 0 where there is none; shape (N, C)."""
    no_match: NDArray[np.float32]
    """Softmax weight of no match, in [0, 1], shape (N,)."""

    @classmethod
    def empty(cls, clients: int, kept: int = SHORTLIST) -> "Shortlist":
        """Without candidates, but with places for `kept` of each client."""
        return cls(
            np.full((clients, kept), -1, dtype=np.int64),
            np.zeros((clients, kept), dtype=np.float32),
            np.zeros((clients, kept), dtype=np.int16),
            np.ones(clients, dtype=np.float32),
        )


@dataclass(frozen=True)
class Decisions:
    """What was decided for N clients, in their order."""

    kind: NDArray[np.int8]
    """`DecisionKind` of each client, shape (N,)."""
    candidate: NDArray[np.int64]
    """Id of the best candidate, as in `Observation.slot_candidates`; -1 where there was none, shape
    (N,). It is there whether or not the client is linked, since a threshold may decide anew."""
    confidence: NDArray[np.float32]
    """Probability in [0, 1] that the best candidate is the right company, shape (N,). Before
    calibration: a score of the best candidate and those tied with it together."""
    tied: NDArray[np.int16]
    """Number of visible candidates that the client cannot tell apart from the best one, itself
    included, see `Observation.ties`; 1 where there is none other; shape (N,)."""
    ran: NDArray[np.uint16]
    """Blockers run, one bit per blocker, shape (N,)."""
    cost: NDArray[np.float32]
    """Cost of these blockers, unit: one correct link; shape (N,)."""
    shortlist: Shortlist | None = None
    """The best candidates of each client; None unless they were asked for."""

    def __len__(self) -> int:
        return len(self.kind)
