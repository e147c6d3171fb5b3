"""Hands decisions to the decision log in a thread of its own, which no answer waits for.

A database that does not answer makes the queue fill up: what comes then is dropped and counted, and
what waits is written once the database is back. Rows have their ids before they are written, so
that a transaction whose end got lost is repeated harmlessly.
"""

import logging
import threading
import time
from typing import Final

from linkage_rl.decision_log.linked import Facts
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.records import RecordBatch
from serving.attributes import Askers
from serving.log_metrics import KILLED, REFUSED, LogMetrics
from serving.log_queue import BATCH, LogQueue
from serving.log_rows import LoggedDecisions, parcels
from serving.log_sink import LogDownError, Sink
from serving.logs import timestamp

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_SAID_EVERY_S: Final = 60.0
_MARGIN_S: Final = 0.2

_log = logging.getLogger("serving")


class DecisionWriter:
    """Queue and thread of one worker."""

    def __init__(self, sink: Sink, metrics: LogMetrics, limit: int, evidence: float = 1.0) -> None:
        """Nothing is written before `start`.

        Args:
            sink: Where decisions go.
            metrics: Where they are counted.
            limit: Decisions that may wait; others are taken while fewer do.
            evidence: Share of the decisions that are logged with the features of their candidates.
        """
        self._evidence = evidence
        self._sink = sink
        self._queue = LogQueue(metrics, limit)
        self._losses = _Losses(metrics)
        self._thread = threading.Thread(target=self._run, name="decision-log", daemon=True)
        self.offer = self._queue.offer
        if lost := metrics.totals()["waiting"]:
            metrics.drop(KILLED, lost)
            _log.error("a worker was killed before it had logged %d decisions", lost)

    def log(self, facts: Facts, linked: LinkedBatch, records: RecordBatch, askers: Askers) -> None:
        """Have decisions that were made together logged; drops them where too many wait.

        Args:
            facts: What they have in common.
            linked: Decisions on N clients, with their ids.
            records: The clients.
            askers: Who asked for them.
        """
        now = timestamp(time.time())
        if one := LoggedDecisions.of(linked, records, facts, askers, now, self._evidence):
            self.offer(one)

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
        while batches := self._queue.take():
            try:
                packed = list(parcels(batches, BATCH))
            except Exception:
                _log.exception("decisions could not be logged")
                self._queue.finish(sum(map(len, batches)), REFUSED)
                continue
            for parcel in packed:
                self._write(parcel)
            self._losses.say()
        self._sink.close()

    def _write(self, parcel: LoggedDecisions) -> None:
        """Write decisions as soon as the log can be written, unless the server stops before."""
        pause_s = _FIRST_PAUSE_S
        while not self._queue.is_over:
            try:
                refused = self._sink.write(parcel)
            except LogDownError as error:
                self._losses.fail(str(error))
                self._queue.pause(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            except Exception:
                # it would fail again, and keep all others waiting
                _log.exception("decisions could not be logged")
                refused = len(parcel)
            else:
                self._losses.recover()
            self._queue.finish(len(parcel) - refused)
            self._queue.finish(refused, REFUSED)
            return


class _Losses:
    """Says when the log cannot be written, when it can again, and what was lost."""

    def __init__(self, metrics: LogMetrics) -> None:
        self._metrics = metrics
        self._fails = False
        self._said_at = float("-inf")
        self._dropped = metrics.totals()["dropped"]

    def fail(self, reason: str) -> None:
        """The log could not be written."""
        if not self._fails:
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
