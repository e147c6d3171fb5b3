"""Parcels of decisions as bytes, as the workers hand them to the process of the log.

Texts are JSON, numbers are arrays of fixed types one after the other: data only, no pickle.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision_log.linked import Facts
from linkage_rl.decision_log.privacy import Privacy
from linkage_rl.linked_batch import Evidence, LinkedBatch
from linkage_rl.records import RecordBatch
from serving.log_rows import LoggedDecisions

_DECISIONS: Final = {"kind": "i1", "confidence": "<f4", "ran": "<u2", "kept": "?"}
_EVIDENCE: Final = {
    "counts": "<i8",
    "shares": "<f4",
    "no_match": "<f4",
    "raw_confidence": "<f4",
}
_FEATURES: Final = {"candidates": "u1", "ties": "u1", "query": "u1", "state": "u1"}
"""Arrays that only decisions whose features are kept have."""
_LENGTH: Final = 8

Arrays = dict[str, NDArray[Any]]


def encode(parcel: LoggedDecisions) -> bytes:
    """The bytes of a parcel; features that are not kept are left out."""
    linked, evidence = parcel.linked, parcel.linked.evidence
    arrays: Arrays = {"kind": linked.kind, "confidence": linked.confidence, "ran": linked.ran}
    arrays["kept"] = parcel.kept
    content: dict[str, Any] = {
        "decision_ids": parcel.decision_ids,
        "decided_at": parcel.decided_at,
        "customers": parcel.customers,
        "list_ids": parcel.list_ids,
        "ids": parcel.records.ids,
        "columns": dict(parcel.records.columns),
        "company_ids": linked.company_ids,
        "reasons": linked.reasons,
        "facts": {key: value for key, value in asdict(parcel.facts).items() if key != "privacy"},
        "shown": None,
    }
    if evidence is not None:
        content["shown"] = evidence.shown
        kept = evidence if parcel.kept.all() else evidence.take(np.flatnonzero(parcel.kept))
        arrays |= {name: getattr(evidence, name) for name in _EVIDENCE}
        arrays |= {name: getattr(kept, name) for name in _FEATURES}
    content["shapes"] = {name: array.shape for name, array in arrays.items()}
    header = json.dumps(content, default=list).encode()
    parts = [_as_type(array, _type_of(name)).tobytes() for name, array in arrays.items()]
    return b"".join([len(header).to_bytes(_LENGTH, "little"), header, *parts])


def decode(sent: bytes) -> LoggedDecisions:
    """The parcel of which `encode` made these bytes; features that are not kept are 0.

    Raises:
        ValueError: The bytes are no parcel.
    """
    end = _LENGTH + int.from_bytes(sent[:_LENGTH], "little")
    content = json.loads(sent[_LENGTH:end])
    arrays = dict(_arrays(sent, end, content["shapes"]))
    evidence = None
    if content["shown"] is not None:
        evidence = Evidence(
            **{name: arrays[name] for name in _EVIDENCE},
            **_features(arrays),
            shown=content["shown"],
        )
    linked = LinkedBatch(
        content["ids"],
        arrays["kind"],
        content["company_ids"],
        arrays["confidence"],
        RecordBatch([], {}),
        content["reasons"],
        arrays["ran"],
        evidence=evidence,
    )
    return LoggedDecisions(
        content["decision_ids"],
        content["decided_at"],
        content["customers"],
        content["list_ids"],
        RecordBatch(content["ids"], content["columns"]),
        linked,
        arrays["kept"],
        Facts(**content["facts"], privacy=Privacy()),
    )


def _type_of(name: str) -> str:
    return (_DECISIONS | _EVIDENCE | _FEATURES)[name]


def _as_type(array: NDArray[Any], kind: str) -> NDArray[Any]:
    return np.ascontiguousarray(array, dtype=kind)


def _arrays(
    sent: bytes, begin: int, shapes: Mapping[str, list[int]]
) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, shape in shapes.items():
        kind = np.dtype(_type_of(name))
        count = int(np.prod(shape, dtype=np.int64))
        yield name, np.frombuffer(sent, kind, count, begin).reshape(shape)
        begin += count * kind.itemsize


def _features(arrays: Arrays) -> Arrays:
    """The features of all clients."""
    kept = arrays["kept"]
    if kept.all():
        return {name: arrays[name] for name in _FEATURES}
    pairs = np.repeat(kept, arrays["counts"])
    found = {}
    for name in _FEATURES:
        where, some = (kept if name in ("query", "state") else pairs), arrays[name]
        found[name] = np.zeros((len(where), *some.shape[1:]), dtype=np.uint8)
        found[name][where] = some
    return found
