"""Writes decisions to the decision log in a thread of its own, which no answer waits for.

A database that does not answer makes the queue fill up: what comes then is dropped and counted, and
what waits is written once the database is back. Rows have their ids before they are written, so
that a transaction whose end got lost is repeated harmlessly.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeVar

from sqlalchemy.exc import DataError, IntegrityError

from linkage_rl.decision_log.forgetting import apply_retention
from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import DatabaseError, LinkageError
from serving.log_metrics import KILLED, REFUSED, LogMetrics
from serving.log_queue import BATCH, LogQueue
from serving.log_rows import LoggedAnswer, joined
from serving.variables import SettingError

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_SAID_EVERY_S: Final = 60.0
_MARGIN_S: Final = 0.2
_IDLE_S: Final = 600.0
_DAY_S: Final = 86_400.0

_log = logging.getLogger("serving")
_T = TypeVar("_T")


class DecisionWriter:
    """Queue and thread of one worker."""

    def __init__(
        self,
        open_log: Callable[[], DecisionLog],
        metrics: LogMetrics,
        limit: int,
        evidence: float = 1.0,
        forgets: bool = True,
    ) -> None:
        """Nothing is written before `start`.

        Args:
            open_log: Opens the log; is called again until it succeeds.
            metrics: Where decisions are counted.
            limit: Decisions that may wait; an answer is taken while fewer do.
            evidence: Share of the decisions that are logged with the features of their candidates.
            forgets: Whether this one deletes old decisions, where the log keeps none for ever.
        """
        self._open = open_log
        self._metrics = metrics
        self._evidence = evidence
        self._queue = LogQueue(metrics, limit)
        self._forgets = forgets
        self._tidy_at = float("-inf")
        self._losses = _Losses(metrics)
        self._thread = threading.Thread(target=self._run, name="decision-log", daemon=True)
        self.offer = self._queue.offer
        if lost := metrics.totals()["waiting"]:
            metrics.drop(KILLED, lost)
            _log.error("a worker was killed before it had logged %d decisions", lost)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Write what waits; what cannot be written in time is dropped and counted."""
        self._queue.close(timeout_s)
        # a driver may never return
        self._thread.join(timeout_s + _MARGIN_S)
        if lost := self._queue.end():
            _log.error("the server stopped before it had logged %d decisions", lost)

    def _run(self) -> None:
        log = self._repeat(self._open)
        while log is not None:
            answers = self._queue.take(_IDLE_S)
            if not answers and self._queue.is_closing:
                break
            for rows in self._batches(answers, log):
                self._write(rows, log)
            self._losses.say()
            self._tidy(log)
        if log is not None:
            log.close()

    def _tidy(self, log: DecisionLog) -> None:
        """Once a day delete what is older than the log keeps decisions."""
        now = time.monotonic()
        if not self._forgets or now < self._tidy_at:
            return
        self._tidy_at = now + _DAY_S
        try:
            apply_retention(log)
        except LinkageError as error:
            _log.error("old decisions were not forgotten: %s", error)
            self._tidy_at = now + _IDLE_S

    def _batches(self, answers: list[LoggedAnswer], log: DecisionLog) -> Iterator[DecisionRows]:
        """The rows of these answers, about `BATCH` at a time."""
        parts: list[DecisionRows] = []
        for answer in answers:
            for part in answer.parts():
                try:
                    parts.append(part.rows(log.privacy, self._evidence))
                except Exception:
                    _log.exception("decisions could not be logged")
                    self._queue.finish(len(part), REFUSED)
                if sum(map(len, parts)) >= BATCH:
                    yield joined(parts)
                    parts = []
        if parts:
            yield joined(parts)

    def _write(self, rows: DecisionRows, log: DecisionLog) -> None:
        """Write rows; those that the log refuses are found by halving."""
        remaining = [rows]
        while remaining:
            some = remaining.pop()
            refused = self._repeat(partial(_append, log, some))
            if refused is None:
                # the server stops; `LogQueue.end` counts what is left
                return
            if not refused:
                self._queue.finish(len(some))
            elif len(some) == 1:
                _log.error("a decision was not logged: %s", refused)
                self._queue.finish(1, REFUSED)
            else:
                middle = len(some) // 2
                remaining += [
                    some.take(range(middle, len(some))),
                    some.take(range(middle)),
                ]

    def _repeat(self, act: Callable[[], _T]) -> _T | None:
        """What `act` gives as soon as the database lets it; None if the server stops before."""
        pause_s = _FIRST_PAUSE_S
        while not self._queue.is_over:
            try:
                found = act()
            except Exception as error:
                self._losses.fail(error)
                self._queue.pause(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                self._losses.recover()
                return found
        return None


def _append(log: DecisionLog, rows: DecisionRows) -> str:
    """Write rows in one transaction; returns what the log has against them, '' for nothing.

    Raises:
        DatabaseError: The database could not write anything now.
    """
    try:
        log.append(rows)
    except DatabaseError as error:
        if not isinstance(error.__context__, DataError | IntegrityError):
            raise
        return type(error.__context__).__name__
    except Exception as error:
        # by its class, since its text may repeat what the log keeps
        return type(error).__name__
    return ""


class _Losses:
    """Says when the log cannot be written, when it can again, and what was lost."""

    def __init__(self, metrics: LogMetrics) -> None:
        self._metrics = metrics
        self._fails = False
        self._said_at = time.monotonic()
        self._dropped = metrics.totals()["dropped"]

    def fail(self, error: Exception) -> None:
        """The log could not be opened or written."""
        if not self._fails:
            known = isinstance(error, LinkageError | SettingError)
            reason = str(error) if known else type(error).__name__
            _log.error("decisions wait, since the decision log cannot be written: %s", reason)
        self._fails = True
        self.say()

    def recover(self) -> None:
        """It could be."""
        if self._fails:
            self._fails = False
            _log.warning("the decision log is written again")
            self.say(at_once=True)

    def say(self, at_once: bool = False) -> None:
        """Say how many decisions were dropped since this was last said."""
        now, dropped = time.monotonic(), self._metrics.totals()["dropped"]
        if dropped > self._dropped and (at_once or now - self._said_at >= _SAID_EVERY_S):
            _log.error("%d decisions were not logged", dropped - self._dropped)
            self._dropped, self._said_at = dropped, now
