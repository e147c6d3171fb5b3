"""Cases: clients with every candidate that a blocker proposes for them, as memory-mapped arrays."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.growing import checked_offsets
from linkage_rl.candidates.strings import StringColumn
from linkage_rl.errors import ConfigError, SchemaError
from linkage_rl.features.matrix import evidence_columns

PER_PAIR: Final = ("pair_blockers", "retrieval_score", "features", "is_right", "pair_company")
"""Arrays with an entry per pair."""
PER_CASE: Final = ("query", "available", "has_row", "dataset", "keys")
"""Arrays with an entry per case."""

_BY_POSITION = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class CaseSet:
    """N cases over P pairs; the pairs of case i are starts[i]..starts[i + 1].

    A case is a client with its candidates, their features and the truth; a pair is the client with
    one of its candidates. All blockers have been run beforehand, so that an episode needs no table:
    running a blocker only makes the pairs visible that it proposed.
    """

    blockers: tuple[str, ...]
    """Names of the R blockers; bit r of a set of blockers stands for blockers[r]."""
    feature_names: tuple[str, ...]
    """Names of the F pair features."""
    query_names: tuple[str, ...]
    """Names of the Q client features."""
    starts: NDArray[np.int64]
    """Shape (N + 1,)."""
    pair_blockers: NDArray[np.uint16]
    """Blockers that propose the pair, one bit per blocker; shape (P,)."""
    retrieval_score: NDArray[np.float32]
    """How promising the blockers find the pair, in [0, 1]; falling within a case; shape (P,)."""
    features: NDArray[np.float32]
    """Pair features in [0, 1], shape (P, F)."""
    is_right: NDArray[np.bool_]
    """Whether the pair's company is the client's; all false where the truth is unknown."""
    pair_company: NDArray[np.int64]
    """Position of the pair's company in `companies`, shape (P,)."""
    query: NDArray[np.float32]
    """Client features in [0, 1], shape (N, Q)."""
    available: NDArray[np.uint16]
    """Blockers that apply to the client, one bit per blocker; shape (N,)."""
    has_row: NDArray[np.bool_]
    """Whether the table has a row for the client's company, shape (N,)."""
    dataset: NDArray[np.int16]
    """Which of the lists a case comes from, shape (N,); 0 where there is one list."""
    keys: NDArray[np.uint64]
    """Hashes by which clients of one list are compared, see `first_pass.KEYS`; shape (N, 4)."""
    clients: StringColumn
    """Client ids, N of them."""
    client_texts: StringColumn
    """Readable client records, for display only."""
    truth: StringColumn
    """Ids of the right companies of each client, joined by '|', '' for none: a company that no
    blocker proposed for the client may be found through others of the list."""
    companies: StringColumn
    """Company ids, each once, or once per list where lists were joined."""
    company_texts: StringColumn
    """Readable company records, parallel to `companies`, for display only."""

    def __post_init__(self) -> None:
        for names, unit, size in ((PER_PAIR, "pairs", self.pairs), (PER_CASE, "cases", len(self))):
            for name in names:
                if len(getattr(self, name)) != size:
                    raise SchemaError(
                        f"cases need {size} {unit} in {name!r}, got {len(getattr(self, name))}; "
                        "prepare them again"
                    )

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def pairs(self) -> int:
        """Number of pairs P."""
        return int(self.starts[-1])

    @property
    def feature_rows(self) -> NDArray[np.int64]:
        """Empty: pair p has row p of `features`."""
        return _BY_POSITION

    @property
    def candidate_ids(self) -> NDArray[np.int64]:
        """Empty: `Observation.slot_candidates` holds positions of pairs."""
        return _BY_POSITION

    @property
    def evidence(self) -> NDArray[np.int64]:
        """Columns of the features that depend on what the client says."""
        return evidence_columns(self.feature_names)

    @property
    def case_of_pair(self) -> NDArray[np.int64]:
        """Case of each pair, shape (P,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def company_ids(self, pairs: NDArray[np.int64]) -> list[str]:
        """Company ids of these pairs; '' where the pair is -1."""
        ids = np.full(len(pairs), "", dtype=object)
        present = np.flatnonzero(pairs >= 0)
        ids[present] = self.companies.take(self.pair_company[pairs[present]])
        texts: list[str] = ids.tolist()
        return texts

    def is_right_company(
        self, case: NDArray[np.int64], company: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether companies are right for cases, whatever the blockers proposed; shape (M,).

        Args:
            case: Position of M cases, shape (M,).
            company: Position in `companies` for each, -1 for none, shape (M,).
        """
        wanted, place = np.unique(case, return_inverse=True)
        truths = [set(text.split("|")) - {""} for text in self.truth.take(wanted)]
        right = np.zeros(len(case), dtype=np.bool_)
        present = np.flatnonzero((company >= 0) & np.array([bool(ids) for ids in truths])[place])
        known, at = np.unique(company[present], return_inverse=True)
        names = self.companies.take(known)
        right[present] = [
            names[one] in truths[who]
            for one, who in zip(at.tolist(), place[present].tolist(), strict=True)
        ]
        return right

    def take(self, cases: NDArray[np.integer]) -> "CaseSet":
        """These cases in this order, as a new set."""
        sizes = np.diff(self.starts)[cases]
        starts = np.zeros(len(cases) + 1, dtype=np.int64)
        np.cumsum(sizes, out=starts[1:])
        pairs = np.arange(starts[-1]) + np.repeat(self.starts[cases] - starts[:-1], sizes)
        return replace(
            self,
            starts=starts,
            **{name: getattr(self, name)[pairs] for name in PER_PAIR},
            **{name: getattr(self, name)[cases] for name in PER_CASE},
            clients=self.clients.select(cases),
            client_texts=self.client_texts.select(cases),
            truth=self.truth.select(cases),
        )

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write one `.npy` per array and `cases.json` with the names; makes the folder."""
        folder = Path(folder)
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
    def load(cls, folder: str | os.PathLike[str]) -> "CaseSet":
        """Map a saved set into memory; nothing is read until it is used.

        Raises:
            ConfigError: The folder holds no saved cases.
        """
        folder = Path(folder)
        if not (folder / "cases.json").is_file():
            raise ConfigError(f"expected a folder of saved cases with a cases.json, got {folder}")
        names = json.loads((folder / "cases.json").read_text())
        values: dict[str, object] = {name: tuple(value) for name, value in names.items()}
        for field in fields(cls):
            if field.name in values:
                continue
            if field.type in (StringColumn, "StringColumn"):
                offsets, blob = (
                    np.load(folder / f"{field.name}.{part}.npy", mmap_mode="r")
                    for part in ("offsets", "blob")
                )
                if offsets.dtype != np.uint32:
                    # of an older set
                    offsets = checked_offsets(offsets)
                values[field.name] = StringColumn(offsets, blob)
            else:
                values[field.name] = np.load(folder / f"{field.name}.npy", mmap_mode="r")
        return cls(**values)  # type: ignore[arg-type]


def join_cases(parts: Sequence[CaseSet], datasets: Sequence[int]) -> CaseSet:
    """The cases of all parts, one part after the other.

    Args:
        parts: Sets with the same blockers and features; a single part stays memory-mapped.
        datasets: Number written into `CaseSet.dataset` for the cases of each part.

    Raises:
        SchemaError: The parts differ in blockers or features.
    """
    first = parts[0]
    for part in parts[1:]:
        for name in ("blockers", "feature_names", "query_names"):
            if getattr(part, name) != getattr(first, name):
                raise SchemaError(
                    f"cases to join need the same {name}, got {getattr(first, name)} and "
                    f"{getattr(part, name)}; prepare them with the same settings"
                )
    dataset = np.repeat(np.array(datasets, dtype=np.int16), [len(part) for part in parts])
    if len(parts) == 1:
        return replace(first, dataset=dataset)

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    def shifted(name: str, sizes: Sequence[int]) -> list[NDArray[np.int64]]:
        shifts = np.cumsum([0, *sizes[:-1]])
        return [getattr(part, name) + shift for part, shift in zip(parts, shifts, strict=True)]

    starts = shifted("starts", [part.pairs for part in parts])
    companies = shifted("pair_company", [len(part.companies) for part in parts])
    changed: dict[str, Any] = {name: joined(name) for name in (*PER_PAIR, *PER_CASE)}
    changed |= {
        "starts": np.concatenate([starts[0][:1], *(some[1:] for some in starts)]),
        "pair_company": np.concatenate(companies),
        "dataset": dataset,
    }
    changed |= {
        name: StringColumn.concatenate(getattr(part, name) for part in parts)
        for name in ("clients", "client_texts", "truth", "companies", "company_texts")
    }
    return replace(first, **changed)
