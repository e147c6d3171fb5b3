"""The deployable folder: policy, calibration, settings, golden clients and usually the index.

Golden clients are kept with the answers that the bundle gave when it was written; a loaded bundle
must give them again. Nothing in the folder is executed: it holds JSON, ONNX and `.npy` arrays, each
with a checksum. The manifest has the checksums of the parts and one of itself; the manifest of the
index has those of its arrays.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from linkage_rl.bundle_files import (
    INDEX_FOLDER,
    REMEDY,
    bundle_key,
    check_files,
    check_signature,
    copy_files,
    read_text,
    sign,
    swap,
)
from linkage_rl.bundle_manifest import (
    FORMAT,
    GOLDEN,
    MANIFEST,
    Golden,
    Manifest,
    Settings,
    content_of,
    read_golden,
    read_manifest,
)
from linkage_rl.candidates.blockers import Blocker, KeyBlocker, NgramBlocker
from linkage_rl.candidates.compared import COMPARED
from linkage_rl.candidates.files import fault_of, file_digest, sealed
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.manifest import MANIFEST as INDEX_MANIFEST
from linkage_rl.candidates.mapping import Opener, open_verified
from linkage_rl.candidates.storage import load_index
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Decider, Thresholds
from linkage_rl.decision.list_stage import ListStage
from linkage_rl.decision.onnx_list_scorer import OnnxListScorer
from linkage_rl.decision.onnx_policy import OnnxPolicy
from linkage_rl.decision.trial import check_list_scorer, check_policy
from linkage_rl.errors import (
    BundleError,
    CandidateIndexError,
    LinkageError,
    OutputError,
    ResourceLimitError,
)
from linkage_rl.golden import check_golden, golden_answers
from linkage_rl.linker import Linker
from linkage_rl.protocols import CompanySource

__all__ = [
    "FORMAT",
    "LIST_CALIBRATION",
    "LIST_POLICY",
    "SIGNED",
    "WEIGHTS",
    "Golden",
    "ListStageFiles",
    "Settings",
    "check_golden",
    "checked_part",
    "golden_answers",
    "load_bundle",
    "read_golden",
    "read_list_thresholds",
    "read_settings",
    "write_bundle",
]

_MAX_CALIBRATION: Final = 4 << 20
_MAX_PART: Final = 64 << 20
"""Size of a graph or of the golden clients; the other parts are smaller."""
_INDEX: Final = f"{INDEX_FOLDER}/{INDEX_MANIFEST}"
LIST_POLICY: Final = "list_policy.onnx"
"""The graph of the list stage, in bundles that have one."""
LIST_CALIBRATION: Final = "list_calibration.json"
WEIGHTS: Final = "weights.npz"
"""What learning from verdicts needs, in bundles that can; linking does not read it."""
_PARTS: Final = {
    "policy.onnx": True,
    "calibration.json": True,
    GOLDEN: True,
    _INDEX: False,
    LIST_POLICY: False,
    LIST_CALIBRATION: False,
    WEIGHTS: False,
}
"""Files whose checksums the manifest has, and whether every bundle has them."""
SIGNED: Final = (MANIFEST, *_PARTS, INDEX_FOLDER)
"""What is read of a bundle, and so must be signed where signatures are asked for."""


@dataclass(frozen=True)
class ListStageFiles:
    """The list stage of a bundle, which decides lists as a whole."""

    graph: Path
    """The exported ONNX file."""
    calibration: Calibration
    """Fitted on lists that were decided as a whole."""
    thresholds: Thresholds
    """Chosen on them."""


def write_bundle(
    folder: Path,
    policy: Path,
    calibration: Calibration,
    settings: Settings,
    golden: Sequence[Golden],
    index: Path | None = None,
    list_stage: ListStageFiles | None = None,
    weights: Path | None = None,
) -> None:
    """Write a bundle, which replaces an older one only when it is complete.

    Args:
        folder: Where the bundle goes.
        policy: The exported ONNX file.
        calibration: The fitted calibration.
        settings: Everything else that decisions depend on.
        golden: Clients and the answers that a loaded bundle must give them.
        index: Folder of the candidate index; hard-linked, not copied, where the disk allows it.
        list_stage: What decides lists as a whole; None decides every client by itself.
        weights: What `agents.policy_weights` wrote; None for a policy that cannot learn further.

    Raises:
        OutputError: The folder cannot be written; an older bundle there is untouched.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        shutil.copyfile(policy, partial / "policy.onnx")
        (partial / "calibration.json").write_text(calibration.to_json(), encoding="utf-8")
        lines = (json.dumps(asdict(client), ensure_ascii=False) for client in golden)
        # a lone surrogate becomes its escape, as JSON would write it
        (partial / GOLDEN).write_text(
            "".join(f"{line}\n" for line in lines), encoding="utf-8", errors="backslashreplace"
        )
        if index is not None:
            copy_files(index, partial / INDEX_FOLDER, link=True, skip=COMPARED)
        if list_stage is not None:
            shutil.copyfile(list_stage.graph, partial / LIST_POLICY)
            (partial / LIST_CALIBRATION).write_text(
                list_stage.calibration.to_json(), encoding="utf-8"
            )
        if weights is not None:
            shutil.copyfile(weights, partial / WEIGHTS)
        made = [name for name in _PARTS if (partial / name).exists()]
        thresholds = None if list_stage is None else list_stage.thresholds
        checksums = {name: file_digest(partial / name) for name in made}
        manifest = Manifest(settings, thresholds, checksums)
        (partial / MANIFEST).write_text(sealed(content_of(manifest)), encoding="utf-8")
        if key := bundle_key():
            sign(partial, key)
        swap(partial, folder)
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
    open_file: Opener = open_verified,
) -> Linker:
    """A linker that decides as the bundle did when it was evaluated.

    Args:
        folder: The bundle.
        index: Another state of the company table; None takes the bundle's own index, and then
            the golden clients must get their recorded answers.
        source: Where the current fields of linked companies come from; None takes those in the
            index.
        open_file: Maps the files of the bundle's own index.

    Raises:
        BundleError: A part is missing, damaged, or not what it must be; the bundle is not signed
            although `LINKAGE_BUNDLE_KEY` is set; or a golden client gets another answer.
        ConfigError: `LINKAGE_BUNDLE_KEY` is too short.
        ResourceLimitError: The system has no descriptor or no memory left.
    """
    folder, key = Path(folder), bundle_key()
    with _refusing(folder):
        manifest = _checked_manifest(folder, key, with_index=index is None)
        return _load(folder, manifest, index, source, open_file)


def _load(
    folder: Path,
    manifest: Manifest,
    index: CompanyIndex | None,
    source: CompanySource | None,
    open_file: Opener,
) -> Linker:
    settings = manifest.settings
    policy = OnnxPolicy(
        folder / "policy.onnx", check=lambda policy: check_policy(policy, settings.view)
    )
    calibration = _calibration(folder / "calibration.json")
    own = index is None
    linker = Linker(
        _own_index(folder / INDEX_FOLDER, settings.blockers, open_file) if index is None else index,
        settings.blockers,
        Decider(policy, settings.view, calibration, settings.thresholds),
        settings.limit,
        source,
        _list_stage(folder, manifest),
    )
    if own:
        check_golden(linker, read_golden(folder))
    return linker


@contextmanager
def _refusing(folder: Path) -> Iterator[None]:
    """Turn whatever a bundle makes the libraries raise into one sentence about the bundle."""
    try:
        yield
    except (BundleError, ResourceLimitError):
        raise
    except MemoryError as error:
        raise ResourceLimitError(
            f"the bundle {folder} needs more memory than there is; unload another one"
        ) from error
    except LinkageError as error:
        raise BundleError(f"the bundle {folder} cannot be used: {error}") from error
    except Exception as error:
        # its content decides what fails where, so any class may come
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise BundleError(
            f"the bundle {folder} cannot be used: {reason}; export the run again"
        ) from error


def _checked_manifest(folder: Path, key: bytes, with_index: bool) -> Manifest:
    """The manifest of a bundle whose files are plain, signed if they must be, and undamaged."""
    check_files(folder)
    if key:
        check_signature(folder, key, SIGNED if with_index else SIGNED[:-1])
    manifest = read_manifest(folder, _PARTS)
    _check_parts(folder, manifest.checksums, with_index)
    return manifest


def _list_stage(folder: Path, manifest: Manifest) -> ListStage | None:
    """The list stage of a bundle, None where it has none."""
    if manifest.list_thresholds is None:
        return None
    if missing := {LIST_POLICY, LIST_CALIBRATION} - manifest.checksums.keys():
        raise BundleError(f"{folder} lacks {min(missing)}; export the run again")
    calibration = _calibration(folder / LIST_CALIBRATION)
    scorer = OnnxListScorer(folder / LIST_POLICY, check_list_scorer)
    return ListStage(scorer, calibration, manifest.list_thresholds)


def _calibration(path: Path) -> Calibration:
    try:
        return Calibration.from_json(read_text(path, _MAX_CALIBRATION))
    except ValueError as error:
        raise BundleError(f"{path} cannot be read: {error}; {REMEDY}") from error


def read_settings(folder: Path) -> Settings:
    """The settings of a bundle, without loading its policy or index.

    Raises:
        BundleError: There is no manifest, or it holds a value that it must not.
    """
    with _refusing(folder):
        check_files(folder)
        return read_manifest(folder, _PARTS).settings


def read_list_thresholds(folder: Path) -> Thresholds | None:
    """The thresholds of a bundle's list stage, None where it has none.

    Raises:
        BundleError: As of `read_settings`.
    """
    with _refusing(folder):
        check_files(folder)
        return read_manifest(folder, _PARTS).list_thresholds


def checked_part(folder: Path, name: str) -> bytes | None:
    """The content of a part, None where the bundle has none of this name.

    Raises:
        BundleError: The bundle is damaged, or not signed although it must be.
    """
    with _refusing(folder):
        manifest = _checked_manifest(folder, bundle_key(), with_index=False)
        return (folder / name).read_bytes() if name in manifest.checksums else None


def _check_parts(folder: Path, checksums: Mapping[str, str], with_index: bool) -> None:
    """Compare parts with their checksums; the index is optional where another one is given."""
    for name, digest in checksums.items():
        if name == _INDEX and not with_index:
            continue
        path = folder / name
        # a file of terabytes takes hours to read, and may take no room on the disk
        if path.is_file() and path.stat().st_size > _MAX_PART:
            raise BundleError(f"{path} has more than {_MAX_PART >> 20} MB; {REMEDY}")
        if not path.is_file() or file_digest(path) != digest:
            raise BundleError(
                f"{path} is missing or damaged (checksum differs); export the run again"
            )
    if with_index and _INDEX not in checksums:
        raise BundleError(f"{folder} was written without an index; give database=URL with it")


def _own_index(folder: Path, blockers: Sequence[Blocker], open_file: Opener) -> CompanyIndex:
    """The bundle's index, which must hold the keys that its blockers look up."""
    library_only = all(isinstance(blocker, KeyBlocker | NgramBlocker) for blocker in blockers)
    keys = [blocker.name for blocker in blockers if isinstance(blocker, KeyBlocker)]
    try:
        return load_index(folder, keys=keys if library_only else None, open_file=open_file)
    except CandidateIndexError as error:
        raise BundleError(
            f"the bundle's own index cannot be used: {error}; for a bundle, export the run again "
            "(train again if that changes nothing), or give database=URL"
        ) from error
