"""What a request gets: one result per client in its order, and which model gave it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from linkage_rl.linker import Candidate, LinkedBatch
from linkage_rl.records import FIELDS, DecisionKind
from serving.requests import Inquiry

DECISIONS: Final = {int(kind): kind.name.lower() for kind in DecisionKind}
ERROR: Final = "error"
"""Stands in the place of a decision where a client could not be read."""


@dataclass(frozen=True)
class Answer:
    """Results, and what they share."""

    model: Mapping[str, str]
    """`name` and `version`."""
    results: list[dict[str, Any]] = field(default_factory=list)
    stale: bool = False
    """Whether companies are shown as they were indexed, since the database did not answer."""
    warnings: Sequence[str] = ()
    info: Mapping[str, Any] | None = None
    """Instead of results: what the model and the table are."""

    def shared(self) -> dict[str, Any]:
        """What holds for all results."""
        return {"model": dict(self.model), "stale": self.stale}

    def content(self) -> dict[str, Any]:
        """The whole as one object."""
        content = self.shared()
        if self.warnings:
            content["warnings"] = list(self.warnings)
        if self.info is not None:
            return content | {"info": dict(self.info)}
        return content | {"results": self.results}


def link_results(
    asked: Inquiry, linked: LinkedBatch, blockers: tuple[str, ...]
) -> list[dict[str, Any]]:
    """One result per client; `linked` holds those of the sound ones."""
    companies = _companies(linked.companies.columns, linked.company_ids)
    sound = [
        {
            "client_id": client_id,
            "decision": DECISIONS[kind],
            "company_id": company_id or None,
            "confidence": round(confidence, 6),
            "reason": reason,
            "blockers": _ran(bits, blockers),
            "company": company,
        }
        for client_id, kind, company_id, confidence, reason, bits, company in zip(
            linked.client_ids,
            linked.kind.tolist(),
            linked.company_ids,
            linked.confidence.tolist(),
            linked.reasons,
            linked.ran.tolist(),
            companies,
            strict=True,
        )
    ]
    return _in_order(asked, sound)


def candidate_results(asked: Inquiry, found: Sequence[Sequence[Candidate]]) -> list[dict[str, Any]]:
    """One result per client with its candidates, best first."""
    sound = [
        {
            "client_id": client_id,
            "decision": "candidates",
            "candidates": [
                {
                    "company_id": one.company_id,
                    "share": round(one.share, 6),
                    "reason": one.reason,
                    "company": dict(one.company),
                }
                for one in mine
            ],
        }
        for client_id, mine in zip(asked.records.ids, found, strict=True)
    ]
    return _in_order(asked, sound)


def table_of(answer: Answer) -> tuple[list[str], Iterable[list[Any]]]:
    """An answer as header and rows; candidates get a row each."""
    fields = [f"company_{name}" for name in FIELDS]
    tail = ["model", "model_version", "stale"]
    shared = [answer.model["name"], answer.model["version"], str(answer.stale).lower()]
    if answer.info is not None:
        return [*answer.info, *tail], [[*answer.info.values(), *shared]]
    if any("candidates" in result for result in answer.results):
        header = ["client_id", "rank", "company_id", "share", *fields, "reason", *tail]
        return header, _candidate_rows(answer.results, shared)
    header = ["client_id", "decision", "company_id", "confidence", *fields, "reason", *tail]
    return header, _link_rows(answer.results, shared)


def _link_rows(results: Sequence[dict[str, Any]], shared: list[str]) -> Iterable[list[Any]]:
    for result in results:
        company = result.get("company") or {}
        yield [
            result["client_id"],
            result["decision"],
            result.get("company_id") or "",
            result.get("confidence", ""),
            *(company.get(name, "") for name in FIELDS),
            result.get("reason", result.get("error", "")),
            *shared,
        ]


def _candidate_rows(results: Sequence[dict[str, Any]], shared: list[str]) -> Iterable[list[Any]]:
    for result in results:
        if "error" in result:
            yield [result["client_id"], *[""] * (len(FIELDS) + 3), result["error"], *shared]
        for rank, one in enumerate(result.get("candidates", ())):
            texts = (one["company"].get(name, "") for name in FIELDS)
            head = [result["client_id"], rank, one["company_id"], one["share"]]
            yield [*head, *texts, one["reason"], *shared]


def _in_order(asked: Inquiry, sound: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not asked.faults:
        return sound
    results: list[dict[str, Any]] = [{}] * len(asked)
    for place, result in zip(asked.places, sound, strict=True):
        results[place] = result
    for place, reason in asked.faults.items():
        results[place] = {"client_id": asked.ids[place], "decision": ERROR, "error": reason}
    return results


def _companies(
    columns: Mapping[str, Sequence[str]], company_ids: Sequence[str]
) -> list[dict[str, str] | None]:
    names = tuple(columns)
    rows = zip(*columns.values(), strict=True) if names else ([()] * len(company_ids))
    return [
        dict(zip(names, row, strict=True)) if company_id else None
        for company_id, row in zip(company_ids, rows, strict=True)
    ]


@lru_cache(maxsize=4096)
def _ran(bits: int, blockers: tuple[str, ...]) -> list[str]:
    return [name for place, name in enumerate(blockers) if bits >> place & 1]
