"""The deployable folder: policy, calibration, settings, golden clients and, mostly, the index.

Nothing in it is executed: JSON, ONNX and `.npy` arrays, each with a checksum. The manifest holds
the checksums of the parts and one of itself; that of the index holds those of its arrays.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from linkage_rl.candidates.blockers import Blocker, KeyBlocker, NgramBlocker
from linkage_rl.candidates.files import fault_of, file_digest, sealed, unsealed
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.storage import MANIFEST as INDEX_MANIFEST
from linkage_rl.candidates.storage import load_index
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Decider, Thresholds
from linkage_rl.decision.observation import View
from linkage_rl.decision.onnx_policy import OnnxPolicy
from linkage_rl.errors import BundleError, CandidateIndexError, ConfigError, OutputError
from linkage_rl.features.matrix import PAIR_FEATURES, QUERY_FEATURES
from linkage_rl.linker import Linker
from linkage_rl.protocols import CompanySource
from linkage_rl.records import DecisionKind, RecordBatch

FORMAT: Final = 1
"""Version of the folder's layout; another one cannot be read."""
_CONFIDENCE_TOLERANCE: Final = 1e-5
_MANIFEST: Final = "manifest.json"
_INDEX: Final = f"index/{INDEX_MANIFEST}"
_CHECKED: Final = ("policy.onnx", "calibration.json", "golden.jsonl", _INDEX)
_BLOCKER_KINDS: Final[Mapping[str, type[KeyBlocker] | type[NgramBlocker]]] = {
    "key": KeyBlocker,
    "ngram": NgramBlocker,
}


@dataclass(frozen=True)
class Settings:
    """What a bundle needs beside its policy to decide as it was evaluated."""

    blockers: tuple[Blocker, ...]
    limit: int
    """Candidates kept per client and blocker."""
    max_candidates: int
    """Visible candidates K."""
    allow_review: bool
    thresholds: Thresholds | None
    metrics: dict[str, float] = field(default_factory=dict)
    """Figures of the evaluation that the bundle was chosen by."""
    origin: dict[str, str] = field(default_factory=dict)
    """Versions, commit, seed and command."""

    @property
    def view(self) -> View:
        """How the policy was shown its cases."""
        costs = tuple(blocker.cost for blocker in self.blockers)
        return View(self.max_candidates, costs, self.allow_review)


@dataclass(frozen=True)
class Golden:
    """A client with the answer that the bundle gave when it was made."""

    client_id: str
    fields: dict[str, str]
    kind: int
    company_id: str
    confidence: float

    def __str__(self) -> str:
        target = f" to {self.company_id}" if self.company_id else ""
        return f"{DecisionKind(self.kind).name.lower()}{target} at {self.confidence:.6f}"


def write_bundle(
    folder: Path,
    policy: Path,
    calibration: Calibration,
    settings: Settings,
    golden: Sequence[Golden],
    index: Path | None = None,
) -> None:
    """Write a bundle beside its place and move it there whole.

    Args:
        folder: Where the bundle goes; an older one there is replaced.
        policy: The exported ONNX file.
        calibration: The fitted calibration.
        settings: Everything else that decides.
        golden: Clients and answers that a loaded bundle must repeat.
        index: Folder of the candidate index; linked, not copied, where the disk allows it.

    Raises:
        OutputError: The folder cannot be written; what stood there before is untouched.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        shutil.copyfile(policy, partial / "policy.onnx")
        (partial / "calibration.json").write_text(calibration.to_json(), encoding="utf-8")
        lines = (json.dumps(asdict(client), ensure_ascii=False) for client in golden)
        # a lone surrogate becomes its escape, which is what JSON writes for it, too
        (partial / "golden.jsonl").write_text(
            "".join(f"{line}\n" for line in lines), encoding="utf-8", errors="backslashreplace"
        )
        if index is not None:
            shutil.copytree(index, partial / "index", copy_function=_link_or_copy)
        (partial / _MANIFEST).write_text(sealed(_manifest(partial, settings)), encoding="utf-8")
        _swap(partial, folder)
    except OSError as error:
        raise OutputError(
            f"cannot write the bundle to {folder}: {fault_of(error)}; "
            "free space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def load_bundle(
    folder: Path | str,
    index: CompanyIndex | None = None,
    source: CompanySource | None = None,
) -> Linker:
    """A linker that decides as the bundle was evaluated.

    Args:
        folder: The bundle.
        index: Another state of the company table; None takes the bundle's own index, and then
            the golden clients must get their recorded answers.
        source: Where linked companies are read back; None takes the fields in the index.

    Raises:
        BundleError: A part is missing or damaged, or a golden client gets another answer.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    _check_parts(folder, manifest["checksums"], with_index=index is None)
    settings = _settings(manifest)
    decider = Decider(
        OnnxPolicy(folder / "policy.onnx"),
        settings.view,
        Calibration.from_json((folder / "calibration.json").read_text(encoding="utf-8")),
        settings.thresholds,
    )
    own = index is None
    linker = Linker(
        _own_index(folder / "index") if index is None else index,
        settings.blockers,
        decider,
        settings.limit,
        source,
    )
    if own:
        check_golden(linker, read_golden(folder))
    return linker


def read_settings(folder: Path) -> Settings:
    """The settings of a bundle, without loading its policy or index."""
    return _settings(_read_manifest(folder))


def read_golden(folder: Path) -> list[Golden]:
    """The golden clients of a bundle."""
    # names may hold what `splitlines` takes for the end of a line
    lines = (folder / "golden.jsonl").read_text(encoding="utf-8").split("\n")
    return [Golden(**json.loads(line)) for line in lines if line]


def golden_answers(linker: Linker, records: RecordBatch) -> list[Golden]:
    """What the linker answers to these clients now."""
    linked = linker.link(records)
    return [
        Golden(
            records.ids[place],
            {name: texts[place] for name, texts in records.columns.items() if texts[place]},
            int(linked.kind[place]),
            linked.company_ids[place],
            float(linked.confidence[place]),
        )
        for place in range(len(records))
    ]


def check_golden(linker: Linker, golden: Sequence[Golden]) -> None:
    """Refuse a linker that answers a golden client otherwise.

    Raises:
        BundleError: A decision differs, or a confidence by more than 1e-5.
    """
    if not golden:
        return
    names = sorted({name for client in golden for name in client.fields})
    records = RecordBatch(
        [client.client_id for client in golden],
        {name: [client.fields.get(name, "") for client in golden] for name in names},
    )
    without_source = Linker(linker.index, linker.blockers, linker.decider, linker.limit)
    for expected, got in zip(golden, golden_answers(without_source, records), strict=True):
        same = (expected.kind, expected.company_id) == (got.kind, got.company_id)
        if not same or abs(expected.confidence - got.confidence) > _CONFIDENCE_TOLERANCE:
            raise BundleError(
                f"golden client {expected.client_id!r} should get '{expected}', got '{got}'; "
                "the bundle does not fit this library: export it again"
            )


def _check_parts(folder: Path, checksums: Mapping[str, str], with_index: bool) -> None:
    """Compare parts with their checksums; the index is optional where another one is given."""
    for name, digest in checksums.items():
        if name == _INDEX and not with_index:
            continue
        if not (folder / name).is_file() or file_digest(folder / name) != digest:
            raise BundleError(
                f"{folder / name} is missing or damaged (checksum differs); export the run again"
            )
    if with_index and _INDEX not in checksums:
        raise BundleError(f"{folder} was written without an index; give database=URL with it")


def _own_index(folder: Path) -> CompanyIndex:
    try:
        return load_index(folder)
    except CandidateIndexError as error:
        raise BundleError(f"the bundle's index cannot be used: {error}") from error


def _swap(partial: Path, folder: Path) -> None:
    """Put a finished folder in its place; what stood there goes away last."""
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    partial.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def _blocker(blocker: Blocker) -> dict[str, Any]:
    for kind, known in _BLOCKER_KINDS.items():
        if type(blocker) is known:
            return {"kind": kind, **asdict(blocker)}
    raise ConfigError(
        f"a bundle holds blockers of {sorted(_BLOCKER_KINDS)}, got {blocker!r}; leave it out or name its "
        "class in bundle.py"
    )


def _manifest(folder: Path, settings: Settings) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "blockers": [_blocker(blocker) for blocker in settings.blockers],
        "limit": settings.limit,
        "max_candidates": settings.max_candidates,
        "allow_review": settings.allow_review,
        "thresholds": None if settings.thresholds is None else asdict(settings.thresholds),
        "pair_features": PAIR_FEATURES,
        "query_features": QUERY_FEATURES,
        "metrics": settings.metrics,
        "origin": settings.origin,
        "checksums": {
            name: file_digest(folder / name) for name in _CHECKED if (folder / name).exists()
        },
    }


def _settings(manifest: Mapping[str, Any]) -> Settings:
    features = (tuple(manifest["pair_features"]), tuple(manifest["query_features"]))
    if features != (PAIR_FEATURES, QUERY_FEATURES):
        raise BundleError(
            "the bundle's features differ from this library's; export the run again with it"
        )
    thresholds = manifest["thresholds"]
    return Settings(
        blockers=tuple(
            _BLOCKER_KINDS[blocker["kind"]](
                **{name: value for name, value in blocker.items() if name != "kind"}
            )
            for blocker in manifest["blockers"]
        ),
        limit=manifest["limit"],
        max_candidates=manifest["max_candidates"],
        allow_review=manifest["allow_review"],
        thresholds=None if thresholds is None else Thresholds(**thresholds),
        metrics=manifest["metrics"],
        origin=manifest["origin"],
    )


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    try:
        manifest = unsealed(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(
            f"expected a bundle in {folder}, found no manifest.json; "
            "give the bundle folder that a run or `python -m linkage_rl.export` wrote"
        ) from error
    except (ValueError, OSError) as error:
        raise BundleError(f"{path} cannot be read: {error}; export the run again") from error
    if manifest.get("format") != FORMAT:
        raise BundleError(
            f"expected a bundle of format {FORMAT} in {folder}, got {manifest.get('format')}; "
            "export the run again"
        )
    return manifest


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
