"""Hostile texts: manifests, golden clients and calibrations with values that they must not have."""

import json
from typing import Any, Final

from tests.hostile.making import (
    Bundle,
    Case,
    file_case,
    index_manifest_case,
    lacks,
    manifest_case,
    says,
    with_checksum,
    without_checksum,
)

DEEP: Final = b"[" * 200_000 + b"]" * 200_000
_GOLDEN: Final[dict[str, Any]] = {
    "client_id": "g",
    "fields": {"name": "青空"},
    "kind": 0,
    "company_id": "",
    "confidence": 0.0,
}


def _key(**changes: Any) -> dict[str, Any]:
    return {"kind": "key", "name": "core", "cost": 0.01, "max_rows": 100, **changes}


def _ngram(**changes: Any) -> dict[str, Any]:
    sizes = {"budget": 500, "documents": 48, "rows_per_document": 256}
    return {"kind": "ngram", "name": "ngram", "cost": 0.05, **sizes, **changes}


_BLOCKERS: Final[dict[str, Any]] = {
    "none": [],
    "an object": {"kind": "key"},
    "texts": ["key"],
    "one twice": [_key(), _key()],
    "seventeen": [_key(name="core")] * 17,
    "of an unknown kind": [_key(kind="os.system")],
    "of a kind that is a list": [_key(kind=["key"])],
    "of an unknown key": [_key(name="../../etc/passwd")],
    "whose name is a list": [_key(name=["core"])],
    "whose name is an object": [_key(name={})],
    "of a negative cost": [_key(cost=-1)],
    "of a cost that is NaN": [_key(cost=float("nan"))],
    "of a cost that is infinite": [_key(cost=float("inf"))],
    "of a cost that is text": [_key(cost="0.1")],
    "of no rows": [_key(max_rows=0)],
    "of rows that are text": [_key(max_rows="all")],
    "of more rows than there can be": [_key(max_rows=10**30)],
    "with a field more": [_key(run="rm -rf /")],
    "of a budget of gigabytes": [_key(), _ngram(budget=2**31 - 1)],
    "of a budget below 0": [_key(), _ngram(budget=-1)],
    "of a budget with a fraction": [_key(), _ngram(budget=4.5)],
    "of too many documents": [_key(), _ngram(documents=129)],
    "of rows per document that are true": [_key(), _ngram(rows_per_document=True)],
}
_VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "format": ("3", 3.5, True, [3], None, 10**40),
    "limit": (0, -1, 129, 10**30, 1.5, "20", True, None, [7]),
    "max_candidates": (0, 128, 10**9, "3", False, None),
    "allow_review": ("yes", 1, None, {}),
    "thresholds": (
        *({}, [0.5], "0.5", 0.5, {"link": "0.5"}, {"link": None}, {"link": float("nan")}),
        *({"link": float("inf")}, {"link": -0.1}, {"link": 1e300}, {"link": True}),
        *({"link": 0.5, "review": float("nan")}, {"link": 0.5, "other": 1}),
    ),
    "list_thresholds": ({"link": 0.5}, {"link": float("nan")}, "0.5"),
    "pair_features": ([], "core_ratio", None, {}, 7),
    "query_features": (["x"] * 23, None),
    "metrics": ([], {"f1": "high"}, {"f1": 10**400}, {"f1": [1]}, "f1"),
    "origin": ([], {"seed": 1}, {"seed": {"a": 1}}, None),
    "checksums": ([], None, {}, {"policy.onnx": 7}),
}
"""Key of the manifest to values that it must not have."""
_PATHS: Final = ("../../../etc/passwd", "/etc/passwd", "index/../../x", "policy.onnx\0", "")


def _manifests() -> dict[str, Case]:
    cases: dict[str, Case] = {
        f"blockers: {what}": manifest_case(says("blockers", value))
        for what, value in _BLOCKERS.items()
    }
    for key, values in _VALUES.items():
        for place, value in enumerate(values):
            cases[f"{key}: {place} {str(value)[:20]}"] = manifest_case(says(key, value))
        cases[f"without {key}"] = manifest_case(lacks(key))
    for path in _PATHS:
        cases[f"a checksum of {path!r}"] = manifest_case(with_checksum(path))
    for part in ("policy.onnx", "calibration.json", "golden.jsonl", "index/manifest.json"):
        cases[f"no checksum of {part}"] = manifest_case(without_checksum(part))
    for what, content in _TEXTS.items():
        cases[f"a manifest that {what}"] = _unsealed("manifest.json", content)
        cases[f"a manifest of the index that {what}"] = _unsealed("index/manifest.json", content)
    return cases


_TEXTS: Final = {
    "is empty": b"",
    "is a list": b"[]",
    "is a number": b"7",
    "is nested without end": DEEP,
    "is no UTF-8": b'{"format": "\xff"}',
    "is a long number": b'{"format": 1' + b"0" * 100_000 + b"}",
    "has megabytes": b'{"format": "' + b"x" * (17 << 20) + b'"}',
    "is zeros": bytes(5000),
}


def _unsealed(name: str, content: bytes) -> Case:
    def case(bundle: Bundle) -> None:
        bundle.write(name, content)
        if name.startswith("index/"):
            bundle.seal(with_index=False)

    return case


def _golden(**changes: Any) -> bytes:
    return json.dumps({**_GOLDEN, **changes}).encode() + b"\n"


_GOLDEN_LINES: Final = {
    "no JSON": b"{\n",
    "a list": b"[]\n",
    "null": b"null\n",
    "nested without end": DEEP,
    "no UTF-8": b'{"client_id": "\xff"}\n',
    "without fields": b'{"client_id": "g"}\n',
    "of a field more": _golden(code="1"),
    "of a kind that there is not": _golden(kind=7),
    "of a kind that is text": _golden(kind="link"),
    "of a huge kind": _golden(kind=10**30),
    "of a confidence that is NaN": _golden(confidence=float("nan")),
    "of a confidence above 1": _golden(confidence=2.0),
    "of a confidence that is text": _golden(confidence="high"),
    "of an id that is a number": _golden(client_id=7),
    "of a company that is a list": _golden(company_id=[]),
    "of fields that are a list": _golden(fields=["name"]),
    "of a name that is a number": _golden(fields={"name": 7}),
    "of a name that is an object": _golden(fields={"name": {"a": 1}}),
    "of an unknown field": _golden(fields={"__class__": "x"}),
    "with another answer": _golden(fields={"name": "株式会社五洋建設"}, kind=1, company_id="acme"),
    "by the thousands": _golden() * 10_001,
    "of megabytes": b" " * (65 << 20),
}
_CALIBRATIONS: Final[dict[str, bytes]] = {
    "no JSON": b"{",
    "nested without end": b'{"scores": ' + DEEP + b"}",
    "without knots": b'{"scores": [], "probabilities": []}',
    "of NaN": b'{"scores": [NaN, 1], "probabilities": [0, 1]}',
    "of probabilities that are NaN": b'{"scores": [0, 1], "probabilities": [NaN, 1]}',
    "of infinities": b'{"scores": [0, Infinity], "probabilities": [0, 1]}',
    "above 1": b'{"scores": [0, 1], "probabilities": [0, 7]}',
    "that falls": b'{"scores": [1, 0], "probabilities": [0, 1]}',
    "of texts": b'{"scores": ["a", "b"], "probabilities": [0, 1]}',
    "of objects": b'{"scores": {}, "probabilities": {}}',
    "of several dimensions": b'{"scores": [[0, 1]], "probabilities": [[0, 1]]}',
    "of ragged lists": b'{"scores": [[0], 1], "probabilities": [0, 1]}',
    "a list": b"[]",
    "no UTF-8": b"\xff",
}
_INDEX_VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "format": ("6", 5, 99, True, [6], None),
    "base": ("../base-0000000000000000.arrays", "/etc/passwd", 7, None, ""),
    "state": ("state-1/../../x", "base", []),
    "latest_stamp": (7, [], {}),
    "hashing": (7, [], None),
    "versions": ({}, [], None, {"encoding": 7}),
    "checksums": ({}, [], None, {"../../../etc/passwd": "0" * 32}, {"x": 7}),
}


def _texts() -> dict[str, Case]:
    cases = {
        f"a golden client {what}": file_case("golden.jsonl", content)
        for what, content in _GOLDEN_LINES.items()
    }
    cases |= {
        f"a calibration {what}": file_case("calibration.json", content)
        for what, content in _CALIBRATIONS.items()
    }
    for key, values in _INDEX_VALUES.items():
        for place, value in enumerate(values):
            cases[f"index {key}: {place} {str(value)[:20]}"] = index_manifest_case(says(key, value))
    return cases


TEXT_CASES: Final = _manifests() | _texts()
