"""The manifest of an index: its files with their checksums, and what it was made by."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from linkage_rl.candidates.files import unsealed
from linkage_rl.candidates.mapping import REBUILD, reading
from linkage_rl.candidates.versions import Versions
from linkage_rl.errors import CandidateIndexError

FORMAT: Final = 6
"""Version of the folder's layout; an index of any other one is built again."""
MANIFEST: Final = "manifest.json"
ARRAYS: Final = ".arrays"
"""Extension of the files of arrays; before version 5 folders without one."""
OWN: Final = re.compile(
    rf"(base-[0-9a-f]{{16}}|state-[0-9]{{1,18}})({re.escape(ARRAYS)})?(\.partial)?"
)
"""Names of the files of an index; before version 5 folders."""
_MAX_BYTES: Final = 16 << 20
"""Size of a manifest; that of 1.6 million companies has 10 KB."""
_DIGEST: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class IndexManifest:
    """What a manifest says, checked."""

    format: int
    base: str
    """Name of the file of the base segment."""
    state: str
    """Name of that of everything else."""
    checksums: dict[str, str]
    """Both files with their checksums."""
    versions: Versions
    hashing: str
    latest_stamp: str


def read_manifest(folder: Path) -> IndexManifest:
    """The manifest of an index.

    Raises:
        CandidateIndexError: There is none, or it is damaged or of another format.
        ResourceLimitError: The system has no descriptor left.
    """
    content = manifest_content(folder)
    if content is None:
        raise CandidateIndexError(
            f"expected a candidate index in {folder}, found no {MANIFEST}; "
            "build one with `python -m linkage_rl.companies`"
        )
    if content.get("format") != FORMAT:
        raise CandidateIndexError(
            f"expected an index of format {FORMAT} in {folder}, got {content.get('format')}; "
            f"{REBUILD}"
        )
    try:
        return _checked(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CandidateIndexError(
            f"{folder / MANIFEST} is not the manifest of an index: {error!r}; {REBUILD}"
        ) from error


def manifest_content(folder: Path) -> dict[str, Any] | None:
    """What the manifest says, unchecked but for its seal; None where there is none.

    Raises:
        CandidateIndexError: It is damaged, or cannot be read.
        ResourceLimitError: The system has no descriptor left.
    """
    path = folder / MANIFEST
    try:
        with reading(path):
            return unsealed(_text_of(path))
    except (ValueError, RecursionError) as error:
        raise CandidateIndexError(f"{path} cannot be read: {error}; {REBUILD}") from error
    except CandidateIndexError as error:
        if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            return None
        raise


def _text_of(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(f"it has more than {_MAX_BYTES >> 20} MB")
    return content.decode("utf-8")


def _checked(content: dict[str, Any]) -> IndexManifest:
    """The manifest; one of the errors of `read_manifest` where a value is of another kind."""
    versions = content["versions"]
    texts = [content["base"], content["state"], content.get("hashing", "")]
    texts += [content.get("latest_stamp", ""), versions["encoding"], versions["code"]]
    texts += [*versions["counted"], *versions["keys"], *versions["keys"].values()]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a text of it is none")
    found = IndexManifest(
        content["format"],
        content["base"],
        content["state"],
        dict(content["checksums"]),
        Versions.of(versions),
        content.get("hashing", ""),
        content.get("latest_stamp", ""),
    )
    for name in (found.base, found.state):
        if not (OWN.fullmatch(name) and name.endswith(ARRAYS) and name in found.checksums):
            raise ValueError(f"{name!r} is no part of an index")
    for file, digest in found.checksums.items():
        if file not in (found.base, found.state) or not _DIGEST.fullmatch(digest):
            raise ValueError(f"{file!r} belongs to no part of it, or its checksum is none")
    return found
