"""The response to a request: one result per client in their order, and the model behind them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from linkage_rl.linked_batch import Candidate, LinkedBatch
from linkage_rl.records import FIELDS, DecisionKind
from serving.requests import LinkageRequest

DECISIONS: Final = {int(kind): kind.name.lower() for kind in DecisionKind}
ERROR: Final = "error"
"""Takes the place of a decision where a client is invalid."""


@dataclass(frozen=True)
class LinkageResponse:
    """Results, and what applies to all of them."""

    model: Mapping[str, str]
    """`name` and `version`."""
    results: list[dict[str, Any]] = field(default_factory=list)
    stale: bool = False
    """Whether companies are shown as they were indexed, since the database did not answer."""
    warnings: Sequence[str] = ()
    info: Mapping[str, Any] | None = None
    """Takes the place of results: data on the model and the company table."""
    csv_ids: bool = False
    """Whether CSV has a column of decision ids, too."""

    def shared(self) -> dict[str, Any]:
        """What applies to all results."""
        return {"model": dict(self.model), "stale": self.stale}

    def content(self) -> dict[str, Any]:
        """The response as one JSON object."""
        content = self.shared()
        if self.warnings:
            content["warnings"] = list(self.warnings)
        if self.info is not None:
            return content | {"info": dict(self.info)}
        return content | {"results": self.results}


def link_results(
    request: LinkageRequest,
    linked: LinkedBatch,
    blockers: tuple[str, ...],
    decision_ids: Sequence[str],
) -> list[dict[str, Any]]:
    """One result per client.

    Args:
        request: The request.
        linked: Decisions on its valid clients.
        blockers: Names of the model's blockers, in the order of the bits of `linked.ran`.
        decision_ids: Ids of the decisions, by which a decision log knows them.
    """
    companies = _companies(linked.companies.columns, linked.company_ids)
    results = [
        {
            "client_id": client_id,
            "decision": DECISIONS[kind],
            "company_id": company_id or None,
            "confidence": round(confidence, 6),
            "reason": reason,
            "blockers": blockers_run(bits, blockers),
            "company": company,
            "decision_id": decision_id,
        }
        for client_id, kind, company_id, confidence, reason, bits, company, decision_id in zip(
            linked.client_ids,
            linked.kind.tolist(),
            linked.company_ids,
            linked.confidence.tolist(),
            linked.reasons,
            linked.ran.tolist(),
            companies,
            decision_ids,
            strict=True,
        )
    ]
    return _with_errors(request, results)


def candidate_results(
    request: LinkageRequest, candidates: Sequence[Sequence[Candidate]]
) -> list[dict[str, Any]]:
    """One result per client with its candidates, best first.

    Args:
        request: The request.
        candidates: Candidates of each of its valid clients.
    """
    results = [
        {
            "client_id": client_id,
            "decision": "candidates",
            "candidates": [
                {
                    "company_id": candidate.company_id,
                    "share": round(candidate.share, 6),
                    "reason": candidate.reason,
                    "company": dict(candidate.company),
                }
                for candidate in of_client
            ],
        }
        for client_id, of_client in zip(request.records.ids, candidates, strict=True)
    ]
    return _with_errors(request, results)


def as_table(response: LinkageResponse) -> tuple[list[str], Iterable[list[Any]]]:
    """A response as header and rows; each candidate gets a row of its own.

    A client without candidates gets one row, too.
    """
    fields = [f"company_{name}" for name in FIELDS]
    tail = ["model", "model_version", "stale"]
    shared = [response.model["name"], response.model["version"], str(response.stale).lower()]
    if response.info is not None:
        return [*response.info, *tail], [[*response.info.values(), *shared]]
    if any("candidates" in result for result in response.results):
        header = ["client_id", "rank", "company_id", "share", *fields, "reason", *tail]
        return header, _candidate_rows(response.results, shared)
    header = ["client_id", "decision", "company_id", "confidence", *fields, "reason", *tail]
    rows = _link_rows(response.results, shared)
    if response.csv_ids:
        header.append("decision_id")
        rows = _with_ids(rows, response.results)
    return header, rows


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


def _with_ids(rows: Iterable[list[Any]], results: Sequence[dict[str, Any]]) -> Iterable[list[Any]]:
    for row, result in zip(rows, results, strict=True):
        yield [*row, result.get("decision_id", "")]


def _candidate_rows(results: Sequence[dict[str, Any]], shared: list[str]) -> Iterable[list[Any]]:
    for result in results:
        if "error" in result:
            yield [result["client_id"], *[""] * (len(FIELDS) + 3), result["error"], *shared]
        elif not result["candidates"]:
            yield [result["client_id"], *[""] * (len(FIELDS) + 4), *shared]
        for rank, candidate in enumerate(result.get("candidates", ())):
            texts = (candidate["company"].get(name, "") for name in FIELDS)
            head = [result["client_id"], rank, candidate["company_id"], candidate["share"]]
            yield [*head, *texts, candidate["reason"], *shared]


def _with_errors(request: LinkageRequest, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results of the valid clients, with those of the invalid ones in between."""
    if not request.errors:
        return results
    merged: list[dict[str, Any]] = [{}] * len(request)
    for position, result in zip(request.positions, results, strict=True):
        merged[position] = result
    for position, reason in request.errors.items():
        client_id = request.client_ids[position]
        merged[position] = {"client_id": client_id, "decision": ERROR, "error": reason}
    return merged


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
def blockers_run(bits: int, blockers: tuple[str, ...]) -> list[str]:
    """Names of the blockers whose bits are set."""
    return [name for bit, name in enumerate(blockers) if bits >> bit & 1]
