"""Cases: clients with all that the routes propose for them, as ragged memory-mapped arrays."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.strings import StringColumn
from linkage_rl.errors import SchemaError


@dataclass(frozen=True)
class CaseSet:
    """N cases over P pairs; the pairs of case i are starts[i]..starts[i + 1]."""

    routes: tuple[str, ...]
    """Names of the R routes; bit r of a route set stands for routes[r]."""
    feature_names: tuple[str, ...]
    query_names: tuple[str, ...]
    starts: NDArray[np.int64]
    """Shape (N + 1,)."""
    pair_routes: NDArray[np.uint16]
    """Routes that propose the pair, one bit per route; shape (P,)."""
    affinity: NDArray[np.float32]
    """How promising the pair is, in [0, 1]; falling within a case; shape (P,)."""
    features: NDArray[np.float32]
    """Pair features in [0, 1], shape (P, F)."""
    is_right: NDArray[np.bool_]
    """Whether the pair's company is the client's; all false where the truth is unknown."""
    pair_company: NDArray[np.int64]
    """Position of the pair's company in `companies`, shape (P,)."""
    query: NDArray[np.float32]
    """Client features in [0, 1], shape (N, Q)."""
    available: NDArray[np.uint16]
    """Routes that the client can ask, one bit per route; shape (N,)."""
    has_row: NDArray[np.bool_]
    """Whether the client's company stands in the table, shape (N,)."""
    family: NDArray[np.int16]
    """Which of the lists a case comes from, shape (N,); 0 where there is one list."""
    clients: StringColumn
    """Client ids, N of them."""
    client_texts: StringColumn
    """Readable client records, for display only."""
    companies: StringColumn
    """Company ids, each once."""
    company_texts: StringColumn
    """Readable company records, parallel to `companies`, for display only."""

    def __post_init__(self) -> None:
        pairs = int(self.starts[-1])
        for name in ("pair_routes", "affinity", "features", "is_right", "pair_company"):
            if len(getattr(self, name)) != pairs:
                raise SchemaError(
                    f"cases need {pairs} pairs in {name!r}, got {len(getattr(self, name))}"
                )

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def pairs(self) -> int:
        """Number of pairs P."""
        return int(self.starts[-1])

    @property
    def case_of_pair(self) -> NDArray[np.int64]:
        """Case of each pair, shape (P,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def company_ids(self, pairs: NDArray[np.int64]) -> list[str]:
        """Company ids of these pairs; '' where the pair is -1."""
        ids = self.companies.take(self.pair_company[np.maximum(pairs, 0)] if self.pairs else pairs)
        return [text if pair >= 0 else "" for text, pair in zip(ids, pairs, strict=True)]

    def take(self, cases: NDArray[np.integer]) -> "CaseSet":
        """These cases in this order, as a set of their own."""
        sizes = np.diff(self.starts)[cases]
        starts = np.zeros(len(cases) + 1, dtype=np.int64)
        np.cumsum(sizes, out=starts[1:])
        pairs = np.arange(starts[-1]) + np.repeat(self.starts[cases] - starts[:-1], sizes)
        return CaseSet(
            self.routes,
            self.feature_names,
            self.query_names,
            starts,
            *(
                getattr(self, name)[pairs]
                for name in ("pair_routes", "affinity", "features", "is_right", "pair_company")
            ),
            *(getattr(self, name)[cases] for name in ("query", "available", "has_row", "family")),
            self.clients.select(np.asarray(cases)),
            self.client_texts.select(np.asarray(cases)),
            self.companies,
            self.company_texts,
        )

    def save(self, folder: Path) -> None:
        """Write one `.npy` per array and `cases.json` with the names."""
        folder.mkdir(parents=True, exist_ok=True)
        names = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, StringColumn):
                np.save(folder / f"{field.name}.offsets.npy", value.offsets)
                np.save(folder / f"{field.name}.blob.npy", value.blob)
            elif isinstance(value, tuple):
                names[field.name] = value
            else:
                np.save(folder / f"{field.name}.npy", value)
        (folder / "cases.json").write_text(json.dumps(names, ensure_ascii=False))

    @classmethod
    def load(cls, folder: Path) -> "CaseSet":
        """Map a saved set into memory; nothing is read until it is used."""
        names = json.loads((folder / "cases.json").read_text())
        values: dict[str, object] = {name: tuple(value) for name, value in names.items()}
        for field in fields(cls):
            if field.name in values:
                continue
            if field.type in (StringColumn, "StringColumn"):
                values[field.name] = StringColumn(
                    *(
                        np.load(folder / f"{field.name}.{part}.npy", mmap_mode="r")
                        for part in ("offsets", "blob")
                    )
                )
            else:
                values[field.name] = np.load(folder / f"{field.name}.npy", mmap_mode="r")
        return cls(**values)  # type: ignore[arg-type]


def join_cases(parts: Sequence[CaseSet], families: Sequence[int]) -> CaseSet:
    """The cases of all parts, one part after the other.

    Args:
        parts: Sets with the same routes and features; one part alone stays memory-mapped.
        families: Number written into `CaseSet.family` for the cases of each part.
    """
    family = np.repeat(np.array(families, dtype=np.int16), [len(part) for part in parts])
    if len(parts) == 1:
        return replace(parts[0], family=family)
    pair_starts = np.cumsum([0, *(part.pairs for part in parts)])
    company_starts = np.cumsum([0, *(len(part.companies) for part in parts)])

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    def texts(name: str) -> StringColumn:
        return StringColumn.concatenate(getattr(part, name) for part in parts)

    return CaseSet(
        parts[0].routes,
        parts[0].feature_names,
        parts[0].query_names,
        np.concatenate(
            [
                np.zeros(1, dtype=np.int64),
                *(part.starts[1:] + start for part, start in zip(parts, pair_starts, strict=False)),
            ]
        ),
        *(joined(name) for name in ("pair_routes", "affinity", "features", "is_right")),
        np.concatenate(
            [part.pair_company + start for part, start in zip(parts, company_starts, strict=False)]
        ),
        *(joined(name) for name in ("query", "available", "has_row")),
        family,
        *(texts(name) for name in ("clients", "client_texts", "companies", "company_texts")),
    )
