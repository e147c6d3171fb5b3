"""From answers to rows of the decision log, as the thread that writes them needs them."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Final

import numpy as np
from sqlalchemy.engine import URL

from linkage_rl.decision_log.linked import Facts, PackedEvidence, rows_of
from linkage_rl.decision_log.opening import log_url
from linkage_rl.decision_log.privacy import Privacy
from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import LinkageError
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.linker import Linker
from linkage_rl.records import RecordBatch
from linkage_rl.tables.credentials import database_url
from linkage_rl.tables.engine import Limits, sqlite_path
from serving.attributes import Origin
from serving.log_settings import LOG_URL, LogSettings
from serving.settings import DATABASE_VARIABLES
from serving.variables import SettingError

STEP: Final = 100
"""Clients whose rows are made in one go; other threads of the worker wait for no more of them."""
_LIMITS: Final = Limits(connections=1, timeout_s=10.0)
_DIGITS: Final = 16


@dataclass(frozen=True)
class LoggedAnswer:
    """The decisions of one answer until they are written."""

    decision_ids: list[str]
    decided_at: str
    records: RecordBatch
    linked: LinkedBatch
    linker: Linker
    bundle: str
    """Fingerprint of the bundle's manifest."""
    origin: Origin

    def __len__(self) -> int:
        return len(self.decision_ids)

    def parts(self) -> "Iterator[LoggedAnswer]":
        """The answer, some clients at a time."""
        if len(self) <= STEP:
            yield self
            return
        for begin in range(0, len(self), STEP):
            end = min(begin + STEP, len(self))
            yield replace(
                self,
                decision_ids=self.decision_ids[begin:end],
                records=self.records.take(range(begin, end)),
                linked=self.linked.between(begin, end),
            )

    def rows(self, privacy: Privacy, evidence: float) -> DecisionRows:
        """Its rows.

        Args:
            privacy: What the log keeps of clients.
            evidence: Share of the decisions that keep the features of their candidates.
        """
        facts = Facts.of(
            self.linker,
            "serve",
            self.bundle,
            self.linker.index.state[:_DIGITS],
            privacy,
            self.origin.customer,
            self.origin.list_id,
        )
        packed = None
        if evidence < 1 and self.linked.evidence is not None:
            # the ids are random, so their digits draw without a generator
            drawn = [int(one[:8], 16) < evidence * 2**32 for one in self.decision_ids]
            packed = PackedEvidence.of(self.linked.evidence, np.array(drawn, dtype=np.bool_))
        return rows_of(self.linked, self.records, facts, self.decision_ids, packed, self.decided_at)


def new_ids(count: int) -> list[str]:
    """Random ids of decisions, 32 hexadecimal digits each."""
    digits = os.urandom(16 * count).hex()
    return [digits[begin : begin + 32] for begin in range(0, len(digits), 32)]


def joined(parts: list[DecisionRows]) -> DecisionRows:
    """The rows of all parts."""
    if len(parts) == 1:
        return parts[0]
    return DecisionRows(
        *(
            list(chain.from_iterable(getattr(part, one.name) for part in parts))
            for one in fields(DecisionRows)
        )
    )


def place_of(settings: LogSettings, environ: Mapping[str, str] = os.environ) -> URL:
    """The database of the log.

    A URL without a password takes that of the company database, if its user is the same or none is
    named: on AWS the one secret that the server can read holds the login of both.

    Raises:
        SettingError: It is no database URL, or the login cannot be read.
    """
    try:
        url = log_url(settings.url)
        if (
            sqlite_path(url) is None
            and not url.password
            and any(map(environ.get, DATABASE_VARIABLES))
        ):
            login = database_url(environ)
            if url.username in (None, login.username):
                url = url.set(username=login.username, password=login.password)
    except LinkageError as error:
        raise SettingError(f"{LOG_URL}: {error}") from None
    return url


def open_log(settings: LogSettings) -> DecisionLog:
    """The log, created where it is missing.

    Raises:
        LinkageError: It cannot be opened.
        SettingError: `LINKAGE_LOG_URL` cannot be read.
    """
    return DecisionLog.open(
        place_of(settings),
        privacy=settings.privacy,
        retention_days=settings.retention_days,
        limits=_LIMITS,
    )
