"""Writes captured answers into a log, with what a bundle sees of their clients now."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from linkage_rl.decision_log.capture import Captured
from linkage_rl.decision_log.linked import NEVER, Facts, rows_of
from linkage_rl.decision_log.privacy import Privacy, storable
from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.decision_log.store import PAGE, DecisionLog
from linkage_rl.linker import Linker
from linkage_rl.records import FIELDS, RecordBatch

SOURCE = "import"
_ID: Final = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class Relinking:
    """Links captured clients again, so that their decisions can be learned from."""

    linker: Linker
    bundle: str
    """Fingerprint of the bundle's manifest."""
    table_state: str
    """Digest of the state of the company table."""

    def rows(self, records: RecordBatch, privacy: Privacy) -> DecisionRows:
        """Decisions of the bundle on N clients, with what its policy saw."""
        linker = replace(self.linker, keeps_evidence=True)
        facts = Facts.of(linker, SOURCE, self.bundle, self.table_state, privacy)
        return rows_of(linker.link(records), records, facts)


def import_captured(
    log: DecisionLog,
    captured: Iterable[Captured],
    relinking: Relinking | None = None,
    customer: str = "",
    list_id: str = "",
) -> int:
    """Write captured answers into a log; returns how many it did not have.

    What was answered stays as it was. With a bundle, candidates, shares and evidence are what it
    sees in the table now, and `greedy_action` is what it would answer. Decisions that are imported
    again are left as they are.

    Args:
        log: The log.
        captured: What `read_capture` gave.
        relinking: Links the clients again; None logs answers that cannot be learned from.
        customer: Whose clients they are, where the request did not say.
        list_id: Their list, where the request did not say.
    """
    new = 0
    rest = iter(captured)
    while page := list(islice(rest, PAGE)):
        records = records_of(page)
        if relinking is None:
            rows = _without_evidence(page, records, log.privacy)
        else:
            rows = relinking.rows(records, log.privacy)
        rows = _as_answered(rows, page, customer, list_id)
        # others may write meanwhile, so the rows of the log say nothing
        ids = list(dict.fromkeys(rows.decision_id))
        unknown = len(ids) - len(log.known(ids))
        log.append(rows)
        new += unknown
    return new


def records_of(captured: Sequence[Captured]) -> RecordBatch:
    """The clients under the ids with which they were answered."""
    columns = {name: [one.client.get(name, "") for one in captured] for name in FIELDS}
    return RecordBatch(
        [str(one.answer.get("client_id", "")) for one in captured],
        {name: texts for name, texts in columns.items() if any(texts)},
    )


def decision_id(captured: Captured) -> str:
    """The id of a captured decision: the server's own, or one that is the same at every import."""
    given = str(captured.answer.get("decision_id") or "")
    if _ID.fullmatch(given):
        return given
    text = json.dumps([captured.event, captured.place, captured.decided_at])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _as_answered(
    rows: DecisionRows, captured: Sequence[Captured], customer: str, list_id: str
) -> DecisionRows:
    """The rows with what was answered at the time."""
    answers = [one.answer for one in captured]
    return replace(
        rows,
        decision_id=[decision_id(one) for one in captured],
        decided_at=[one.decided_at for one in captured],
        customer=[one.customer or customer for one in captured],
        list_id=[one.list_id or list_id for one in captured],
        action=[str(one["decision"]) for one in answers],
        company_id=[str(one.get("company_id") or "") for one in answers],
        confidence=[one.confidence for one in captured],
        reason=[str(one.get("reason") or "") for one in answers],
    )


def _without_evidence(
    captured: Sequence[Captured], records: RecordBatch, privacy: Privacy
) -> DecisionRows:
    """Rows that show nothing but the linked company."""
    clients = len(captured)
    answers = [one.answer for one in captured]
    columns = privacy.columns(records)
    confidence = [one.confidence for one in captured]
    linked = [str(one.get("company_id") or "") for one in answers]
    actions = [str(one["decision"]) for one in answers]
    return DecisionRows(
        decision_id=[""] * clients,
        decided_at=[""] * clients,
        source=[SOURCE] * clients,
        customer=[""] * clients,
        list_id=[""] * clients,
        client_id=columns.client_id,
        client_hash=columns.client_hash,
        client=columns.client,
        bundle=[storable(str(one.get("model_version", "")))[:16] for one in answers],
        table_state=[""] * clients,
        features=[""] * clients,
        shown=[
            json.dumps([[one, share]] if one else [])
            for one, share in zip(linked, confidence, strict=True)
        ],
        no_match=[0.0] * clients,
        ran=[0] * clients,
        action=actions,
        company_id=linked,
        raw_confidence=confidence,
        confidence=confidence,
        link_threshold=[NEVER] * clients,
        review_threshold=[NEVER] * clients,
        greedy_action=actions,
        propensity=[1.0] * clients,
        exploration=[""] * clients,
        reason=[""] * clients,
        evidence=[b""] * clients,
    )
