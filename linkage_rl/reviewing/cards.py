"""What a page shows of one decision: the client, its best candidates, and how they compare."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from linkage_rl.decision_log.rows import SHOWN, DecisionRows
from linkage_rl.features.explanation import FIELDS
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.reviewing.companies import Companies
from linkage_rl.reviewing.marking import Marked, marked
from linkage_rl.tables.schema import CLIENT_FIELDS
from linkage_rl.text.canonical import canonicalise
from linkage_rl.text.legal_forms import LEGAL_FORMS

ROWS: Final = (*FIELDS, "name_en", "former_names", "trade_names")
"""Rows of the comparison, in their order."""
_NAMES: Final = ("name", "name_en")
"""Rows whose legal form is not compared, since it is a row of its own."""
_OTHER_FIELDS: Final = 12
"""Further columns of a client that are shown."""
_ASCII_END: Final = 0x250
"""Before this code point letters are Latin: parts of such an address are set apart by blanks."""


@dataclass(frozen=True)
class Cell:
    """One field of a company."""

    field: str
    """One of `ROWS`."""
    text: Marked
    """With the characters marked that the client's text lacks."""
    level: str
    """'same', 'partly', 'differs', or '' where one of the two lacks it."""
    words: str
    """How far it agrees, in words."""
    weight: float | None
    """Its weight in the policy's log-odds; None where it is not known."""


@dataclass(frozen=True)
class Card:
    """One company beside a client."""

    number: int
    """Its place among the candidates, from 1 on; 0 for one that was searched for."""
    company_id: str
    share: float | None
    """Softmax weight among all visible candidates and no match, in [0, 1]."""
    name: str
    cells: tuple[Cell, ...]
    """One per shown row of the comparison; none where the company is not known."""
    closed_at: str
    known: bool
    """Whether the company table has it."""
    linked: bool
    """Whether the decision was a link with it."""


@dataclass(frozen=True)
class ClientCard:
    """The client of a decision."""

    client_id: str
    client_hash: str
    texts: Mapping[str, Marked]
    """Each shown row to the client's text."""
    others: tuple[tuple[str, Marked], ...]
    """Further columns of the client."""
    kept: bool
    """Whether the log keeps its fields; it may keep hashes only."""


@dataclass(frozen=True)
class Comparison:
    """A decision as it is shown."""

    rows: tuple[str, ...]
    """Rows of `ROWS` that the client or a candidate has."""
    client: ClientCard
    cards: tuple[Card, ...]
    has: Mapping[str, tuple[bool, ...]]
    """Each of `ROWS` to whether the client, and then each candidate, has it."""


@dataclass(frozen=True)
class LoggedDecision:
    """One decision of the log."""

    decision_id: str
    decided_at: str
    source: str
    customer: str
    list_id: str
    client_id: str
    client_hash: str
    client: str
    shown: tuple[tuple[str, float], ...]
    """Company id and share of its best candidates, the best first."""
    no_match: float
    action: str
    company_id: str
    confidence: float
    link_threshold: float
    review_threshold: float
    reason: str

    @classmethod
    def of(cls, rows: DecisionRows, place: int = 0) -> "LoggedDecision":
        """The decision at a position."""
        shown = json.loads(rows.shown[place] or "[]")
        return cls(
            **{name: getattr(rows, name)[place] for name in _PLAIN},
            shown=tuple((str(company), float(share)) for company, share in shown[:SHOWN]),
        )

    @property
    def fields(self) -> dict[str, str]:
        """The client's fields; empty where the log keeps hashes only."""
        content = json.loads(self.client) if self.client else {}
        return {str(name): str(text) for name, text in content.items() if text}

    @property
    def record(self) -> RecordBatch:
        """The client as a batch of one."""
        columns = {name: [text] for name, text in self.fields.items() if name in _READ}
        if "street" in columns:
            columns.pop("address", None)
        return RecordBatch([self.client_id], columns)


_PLAIN: Final = tuple(name for name in LoggedDecision.__dataclass_fields__ if name != "shown")
_READ: Final = {*CLIENT_FIELDS, "address"}


def compare(decision: LoggedDecision, companies: Companies) -> Comparison:
    """The decision beside the current fields of its candidates."""
    record = decision.record
    own = _texts(record)[0]
    ids = [company for company, _ in decision.shown]
    if decision.company_id and decision.company_id not in ids:
        ids = [*ids[: SHOWN - 1], decision.company_id]
    best, weights = companies.weights(record) if own["name"] else ("", {})
    rows = companies.fetch(ids)
    cards = _cards(companies, record, ids, rows, dict(decision.shown), {best: weights})
    has = {row: (bool(own[row]), *(_has(card, row) for card in cards)) for row in ROWS}
    shown = tuple(row for row in ROWS if any(has[row]))
    cards = [
        replace(
            card,
            linked=card.company_id == decision.company_id,
            cells=tuple(cell for cell in card.cells if cell.field in shown),
        )
        for card in cards
    ]
    return Comparison(shown, _client_card(decision, own, shown), tuple(cards), has)


def found_cards(decision: LoggedDecision, companies: Companies, text: str) -> tuple[Card, ...]:
    """Companies that are searched for, beside the client."""
    rows = companies.search(text)
    cards = _cards(companies, decision.record, rows.records.ids, rows, {}, {})
    # rows that both lack say nothing
    own = _texts(decision.record)[0]
    return tuple(
        replace(
            card,
            number=0,
            cells=tuple(cell for cell in card.cells if cell.text or own[cell.field]),
        )
        for card in cards
    )


def _cards(
    companies: Companies,
    record: RecordBatch,
    ids: Sequence[str],
    rows: CompanyRows,
    shares: Mapping[str, float],
    weights: Mapping[str, Mapping[str, float]],
) -> list[Card]:
    """One card per id, in their order."""
    own = _texts(record)[0]
    texts = _texts(rows.records)
    levels = companies.agreements(record, rows)
    place = {company_id: row for row, company_id in enumerate(rows.records.ids)}
    cards = []
    for number, company_id in enumerate(ids, start=1):
        row = place.get(company_id)
        cells: tuple[Cell, ...] = ()
        if row is not None:
            weighed = weights.get(company_id, {})
            cells = tuple(
                _cell(field, own[field], texts[row][field], levels[row].get(field, ""), weighed)
                for field in ROWS
            )
        cards.append(
            Card(
                number,
                company_id,
                shares.get(company_id),
                "" if row is None else rows.records.column("name")[row],
                cells,
                "" if row is None else rows.closed_at[row],
                row is not None,
                linked=False,
            )
        )
    return cards


def _cell(field: str, own: str, their: str, words: str, weights: Mapping[str, float]) -> Cell:
    levels = FIELDS[field].levels if field in FIELDS else ()
    level = "partly" if words else ""
    if words == "differs" or (levels and words == levels[0].words):
        level = "differs" if words == "differs" else "same"
    return Cell(field, marked(their, own, field in _NAMES), level, words, weights.get(field))


def _has(card: Card, row: str) -> bool:
    return any(cell.text for cell in card.cells if cell.field == row)


def _client_card(
    decision: LoggedDecision, own: Mapping[str, str], shown: Sequence[str]
) -> ClientCard:
    others = [
        (name, marked(text, ""))
        for name, text in decision.fields.items()
        if name not in _READ and name != "client_id"
    ]
    return ClientCard(
        decision.client_id,
        decision.client_hash,
        {row: marked(own[row], "") for row in shown},
        tuple(others[:_OTHER_FIELDS]),
        bool(decision.client),
    )


def _texts(records: RecordBatch) -> list[dict[str, str]]:
    """Text of each of `ROWS` of N records; '' where missing."""
    forms = canonicalise(records).legal_form.tolist()
    texts = []
    for place in range(len(records)):
        own = {name: records.column(name)[place] for name in (*CLIENT_FIELDS, *ROWS[-2:])}
        own["address"] = _joined(own["prefecture"], own["city"], own["street"])
        own["legal_form"] = LEGAL_FORMS[forms[place] - 1] if forms[place] else ""
        texts.append({row: own[row] for row in ROWS})
    return texts


def _joined(*parts: str) -> str:
    """Parts of an address, set apart by blanks where they are in Latin letters."""
    present = [part for part in parts if part]
    latin = all(ord(part[-1]) < _ASCII_END for part in present)
    return (" " if latin else "").join(present)
