"""Log lines: one JSON object each, with counts and times, never a client's fields."""

import json
import logging
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

NAMESPACE: Final = "linkage_rl"
"""Namespace of the CloudWatch metrics that log lines embed."""
_EMBEDDED: Final = {
    "clients": "Count",
    "linked": "Count",
    "linkage_rate": "None",
    "errors": "Count",
    "total_ms": "Milliseconds",
    "database_ms": "Milliseconds",
}
"""Fields of a line that CloudWatch reads as metrics, with their units."""


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON; of an exception its class and place, but no values."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line: dict[str, Any] = {
            "time": timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            trace = record.exc_info[2]
            while trace is not None:
                code = trace.tb_frame.f_code
                line["at"] = f"{code.co_filename}:{trace.tb_lineno} {code.co_name}"
                trace = trace.tb_next
        return json.dumps(line, ensure_ascii=False)


def write_line(line: str) -> None:
    """Write one line to the log; one that takes no more, as a file on a full disk, loses it."""
    with suppress(OSError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def log_json() -> None:
    """Write all log records of this process to stdout as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


@dataclass
class RequestLog:
    """What is logged of one request; filled in while it is answered."""

    request_id: str
    method: str
    path: str = ""
    """Path of the route, such as `/models/{name}`: callers may put anything into the real one."""
    bytes_in: int = 0
    begin: float = field(default_factory=time.perf_counter)
    status: int = 0
    bytes_out: int = 0
    model: str = ""
    mode: str = ""
    clients: int = 0
    decisions: dict[str, int] = field(default_factory=dict)
    stale: bool = False
    database_s: float = 0.0
    reason: str = ""
    """Class of the error, if any; not its message, which may repeat what the caller sent."""
    blockers: dict[str, int] = field(default_factory=dict)
    """Name of a blocker to number of clients for which it was run."""

    def seconds(self) -> float:
        """Time since the request began."""
        return time.perf_counter() - self.begin

    def text(self, embed_metrics: bool) -> str:
        """The line as JSON, optionally in CloudWatch's embedded metric format."""
        now = time.time()
        line: dict[str, Any] = {
            "time": timestamp(now),
            "level": "info" if self.status < 500 else "error",
            "request_id": self.request_id,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "total_ms": round(self.seconds() * 1000, 3),
        }
        if self.mode:
            line |= self._linkage()
        if self.reason:
            line["reason"] = self.reason
        if embed_metrics and self.mode:
            line["_aws"] = _embedded(now)
        return json.dumps(line, ensure_ascii=True)

    def _linkage(self) -> dict[str, Any]:
        linked, errors = self.decisions.get("link", 0), self.decisions.get("error", 0)
        return {
            "model": self.model,
            "mode": self.mode,
            "clients": self.clients,
            "decisions": dict(self.decisions),
            "linked": linked,
            "linkage_rate": round(linked / self.clients, 4) if self.clients else 0.0,
            "errors": errors,
            "stale": self.stale,
            "database_ms": round(self.database_s * 1000, 3),
        }


def _embedded(now: float) -> dict[str, Any]:
    """The metadata of CloudWatch's embedded metric format; the values are fields of the line."""
    metrics = [{"Name": name, "Unit": unit} for name, unit in _EMBEDDED.items()]
    return {
        "Timestamp": int(now * 1000),
        "CloudWatchMetrics": [
            {"Namespace": NAMESPACE, "Dimensions": [["model"]], "Metrics": metrics}
        ],
    }


def timestamp(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC to the millisecond."""
    whole_seconds, fraction = divmod(seconds, 1)
    return f"{_date(whole_seconds)}.{int(fraction * 1000):03d}Z"


@lru_cache(maxsize=4)
def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
