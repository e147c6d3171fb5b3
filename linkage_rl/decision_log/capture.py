"""Reads the requests and answers that SageMaker's data capture keeps of an endpoint.

Each line of a file is a JSON object with the body of a request and that of its answer, as text or
in base64, in one of the forms that the server takes: JSON, JSON Lines or CSV (Amazon SageMaker
Developer Guide, "Capture data from real-time endpoint").
"""

import base64
import binascii
import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import Any, Final

from linkage_rl.decision_log.attributes import custom_attributes
from linkage_rl.decision_log.captured_bodies import read_answers, read_clients
from linkage_rl.decision_log.schema import LONGEST_NAME
from linkage_rl.errors import InputFileError

ACTIONS: Final = ("link", "no_match", "review")
"""Answers of the server that are decisions."""
_ENDINGS: Final = ("*.jsonl", "*.json")
_MOST_FAULTS: Final = 5
_FAULTS: Final = (
    *(ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError),
    csv.Error,
)
"""What reading a line raises that no server of ours has written."""


@dataclass(frozen=True)
class Captured:
    """A client and what it was answered."""

    client: Mapping[str, str]
    """Its fields, the filled ones only."""
    answer: Mapping[str, Any]
    """`decision`, `company_id` and so on, as the server wrote them."""
    confidence: float
    """In [0, 1]; 0 where the answer has none."""
    decided_at: str
    """ISO 8601 in UTC to the millisecond."""
    customer: str
    list_id: str
    event: str
    """Id of the request, the same wherever it is captured."""
    place: int
    """Position of the client in it."""


@dataclass
class CaptureCounts:
    """What became of the captured requests."""

    events: int = 0
    without_decisions: int = 0
    """Requests for candidates, or for the model's data, or that the server refused."""
    invalid: int = 0
    """Clients that the server could not read."""
    unreadable: int = 0
    """Requests of which nothing was read."""
    faults: list[str] = field(default_factory=list)
    """Why, for the first of them."""
    versions: Counter[str] = field(default_factory=Counter)
    """Version of the model to its decisions."""


def capture_files(path: Path) -> list[Path]:
    """The files of a capture: this one, or those in this folder and below, in order of their names.

    Raises:
        InputFileError: There is none.
    """
    if path.is_file():
        return [path]
    found = sorted({one for ending in _ENDINGS for one in path.rglob(ending)})
    if not found:
        raise InputFileError(
            f"expected a file of captured requests, or a folder with {' or '.join(_ENDINGS)}, got "
            f"{path} without any; copy them with aws s3 sync s3://BUCKET/capture {path}"
        )
    return found


def read_capture(
    files: Sequence[Path], counts: CaptureCounts, csv_columns: Sequence[str] = ()
) -> Iterator[Captured]:
    """The clients of captured requests with their answers, one after the other.

    A request that cannot be read is counted, and the others are read on.

    Args:
        files: Files of captured requests.
        counts: Is brought up to date while reading.
        csv_columns: Columns of requests in CSV without a header.

    Raises:
        InputFileError: A file cannot be opened, or is none of captured requests.
    """
    for path in files:
        try:
            with path.open(encoding="utf-8") as stream:
                for number, line in enumerate(stream, start=1):
                    if line.strip():
                        yield from _read_line(line, f"{path} line {number}", counts, csv_columns)
        except (OSError, UnicodeDecodeError) as error:
            raise InputFileError(
                f"cannot read the captured requests in {path}: {error}; check the file"
            ) from None


def _read_line(
    line: str, place: str, counts: CaptureCounts, csv_columns: Sequence[str]
) -> list[Captured]:
    counts.events += 1
    try:
        event = json.loads(line)
        if not isinstance(event, dict) or not isinstance(event.get("captureData"), dict):
            raise InputFileError(
                f"expected in {place} a captured request with its captureData, got something "
                "else; give capture= a file of SageMaker's data capture"
            )
        found = _read_event(event, counts, csv_columns)
    except _FAULTS as error:
        counts.unreadable += 1
        if len(counts.faults) < _MOST_FAULTS:
            counts.faults.append(f"{place}: {type(error).__name__} {error}"[:300])
        return []
    counts.versions.update(str(one.answer.get("model_version", "")) for one in found)
    return found


def _read_event(
    event: Mapping[str, Any], counts: CaptureCounts, csv_columns: Sequence[str]
) -> list[Captured]:
    captured, about = event["captureData"], event.get("eventMetadata", {})
    if "endpointOutput" not in captured:
        counts.without_decisions += 1
        return []
    answers = read_answers(*_body(captured["endpointOutput"]))
    if not any(answer.get("decision") in (*ACTIONS, "error") for answer in answers):
        counts.without_decisions += 1
        return []
    clients, body = read_clients(*_body(captured["endpointInput"]), csv_columns)
    if len(clients) != len(answers):
        raise ValueError(f"{len(clients)} clients with {len(answers)} answers")
    named = _attributes(about.get("customAttributes", ()))
    decided_at = _time(str(about.get("inferenceTime", "")))
    customer = _label("customer", body.get("customer") or named.get("customer", ""))
    list_id = _label("list", body.get("list_id") or named.get("list", ""))
    found = [
        Captured(
            client,
            answer,
            _confidence(answer.get("confidence")),
            decided_at,
            customer,
            list_id,
            str(about.get("eventId", "")),
            place,
        )
        for place, (client, answer) in enumerate(zip(clients, answers, strict=True))
        if client is not None and answer.get("decision") in ACTIONS
    ]
    counts.invalid += len(clients) - len(found)
    return found


def _label(name: str, value: object) -> str:
    text = str(value)
    if len(text) > LONGEST_NAME:
        raise ValueError(f"expected at most {LONGEST_NAME} characters in {name}, got {len(text):,}")
    return text


def _confidence(value: object) -> float:
    """A confidence of JSON or CSV; 0 where there is none."""
    number = float(str(value)) if value not in (None, "") else 0.0
    if not 0 <= number <= 1:
        raise ValueError(f"expected a confidence from 0 to 1, got {number}")
    return number


def _body(captured: Mapping[str, Any]) -> tuple[str, str]:
    """A body as text, and its media type."""
    header = Message()
    header["content-type"] = str(captured.get("observedContentType", ""))
    media = header.get_content_type() if header["content-type"] else ""
    given = captured["data"]
    if not isinstance(given, str):
        # a JSON object that was not written as text
        return json.dumps(given, ensure_ascii=False), media
    if captured.get("encoding") != "BASE64":
        return given, media
    try:
        content = base64.b64decode(given, validate=True)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from None
    charset = str(header.get_param("charset") or "utf-8-sig")
    try:
        return content.decode(charset), media
    except LookupError:
        raise ValueError(f"unknown charset {charset!r}") from None


def _attributes(texts: object) -> dict[str, str]:
    """What the caller's custom attributes say: `customer=acme;list=2026-11`."""
    every = texts if isinstance(texts, list) else [texts] if isinstance(texts, str) else []
    return custom_attributes(",".join(map(str, every)))


def _time(text: str) -> str:
    """A time as the log writes it.

    >>> _time("2026-03-01T18:00:00+09:00")
    '2026-03-01T09:00:00.000Z'
    """
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
