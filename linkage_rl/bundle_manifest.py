"""What a bundle says of itself: the manifest and the golden clients, every value checked."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from linkage_rl.bundle_files import REMEDY, read_text
from linkage_rl.candidates.blockers import Blocker
from linkage_rl.candidates.files import unsealed
from linkage_rl.candidates.registry import check_registered, describe, restore
from linkage_rl.decision.decide import Thresholds
from linkage_rl.decision.observation import MAX_SLOTS, View
from linkage_rl.errors import BundleError, ConfigError
from linkage_rl.features.matrix import PAIR_FEATURES, QUERY_FEATURES
from linkage_rl.records import FIELDS, DecisionKind

FORMAT: Final = 3
"""Version of layout and manifest keys; a bundle of another one is refused."""
MANIFEST: Final = "manifest.json"
GOLDEN: Final = "golden.jsonl"

_MAX_MANIFEST: Final = 4 << 20
_MAX_GOLDEN: Final = 64 << 20
_MAX_CLIENTS: Final = 10_000
_DIGEST: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Settings:
    """What a bundle needs besides its policy to decide as it was evaluated."""

    blockers: tuple[Blocker, ...]
    limit: int
    """Candidates kept per client and blocker."""
    max_candidates: int
    """Visible candidates K."""
    allow_review: bool
    thresholds: Thresholds | None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    """Figures of the evaluation by which the bundle was chosen; None for one that is not finite, as
    JSON cannot write it."""
    origin: dict[str, str] = field(default_factory=dict)
    """Versions, commit, seed and command."""

    @property
    def view(self) -> View:
        """How the policy observes candidates."""
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


@dataclass(frozen=True)
class Manifest:
    """A manifest with every value of the type and range that it must have."""

    settings: Settings
    list_thresholds: Thresholds | None
    """Of the list stage; None in bundles without one."""
    checksums: dict[str, str]
    """Each part that the manifest names, with its checksum."""


def content_of(manifest: Manifest) -> dict[str, Any]:
    """What the file of a manifest holds, before it is sealed."""
    settings, thresholds = manifest.settings, manifest.list_thresholds
    return {
        "format": FORMAT,
        "blockers": [describe(blocker) for blocker in settings.blockers],
        "limit": settings.limit,
        "max_candidates": settings.max_candidates,
        "allow_review": settings.allow_review,
        "thresholds": None if settings.thresholds is None else asdict(settings.thresholds),
        "list_thresholds": None if thresholds is None else asdict(thresholds),
        "pair_features": PAIR_FEATURES,
        "query_features": QUERY_FEATURES,
        "metrics": {
            name: value if value is not None and math.isfinite(value) else None
            for name, value in settings.metrics.items()
        },
        "origin": settings.origin,
        "checksums": manifest.checksums,
    }


def read_manifest(folder: Path, parts: Mapping[str, bool]) -> Manifest:
    """The manifest of a bundle.

    Args:
        folder: The bundle.
        parts: Name of each part that a manifest may name, and whether it must.

    Raises:
        BundleError: There is none, or it is damaged, of another format or library, or holds a value
            that it must not.
    """
    path = folder / MANIFEST
    content = _content(path, folder)
    if not _are_features(content):
        raise BundleError(f"the bundle's features differ from this library's; {REMEDY} with it")
    try:
        return _manifest_of(content, parts)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BundleError(f"{path} cannot be read: {_reason(error)}; {REMEDY}") from error
    except ConfigError as error:
        raise BundleError(f"the bundle cannot be used: {error}") from error


def _content(path: Path, folder: Path) -> dict[str, Any]:
    try:
        content = unsealed(read_text(path, _MAX_MANIFEST))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(
            f"expected a bundle in {folder}, found no manifest.json; "
            "give the bundle folder that a run or `python -m linkage_rl.export` wrote"
        ) from error
    except (ValueError, OSError, RecursionError) as error:
        raise BundleError(f"{path} cannot be read: {error}; {REMEDY}") from error
    found = content.get("format")
    if type(found) is not int or found != FORMAT:
        writer = "an earlier" if isinstance(found, int) and found < FORMAT else "another"
        raise BundleError(
            f"expected a bundle of format {FORMAT} in {folder}, got format {str(found)[:40]}, "
            f"which {writer} version of linkage_rl wrote; export again with "
            "`linkage-rl export run=RUN`, or train again where the run is as old"
        )
    return content


def read_golden(folder: Path) -> list[Golden]:
    """The golden clients of a bundle.

    Raises:
        BundleError: A line is no golden client.
    """
    path = folder / GOLDEN
    try:
        # names may contain characters that `splitlines` takes for the end of a line
        lines = [line for line in read_text(path, _MAX_GOLDEN).split("\n") if line]
        if len(lines) > _MAX_CLIENTS:
            raise ValueError(f"expected at most {_MAX_CLIENTS} golden clients, got {len(lines)}")
        return [_golden_of(json.loads(line)) for line in lines]
    except (OSError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BundleError(f"{path} cannot be read: {_reason(error)}; {REMEDY}") from error


def _golden_of(content: dict[str, Any]) -> Golden:
    client = Golden(**content)
    _is_text("client_id", client.client_id)
    _is_text("company_id", client.company_id)
    for name, text in _is_object("fields", client.fields).items():
        if name not in (*FIELDS, "address"):
            raise ValueError(f"got the field {name[:40]!r} of a golden client")
        _is_text(name, text)
    DecisionKind(_is_whole("kind", client.kind, -(2**31), 2**31))
    _is_number("confidence", client.confidence, 0, 1)
    return client


def _manifest_of(content: Mapping[str, Any], parts: Mapping[str, bool]) -> Manifest:
    described = content["blockers"]
    if not isinstance(described, list) or not described:
        raise ValueError("expected a list of blockers")
    blockers = tuple(restore(_is_object("a blocker", one)) for one in described)
    check_registered(blockers)
    settings = Settings(
        blockers=blockers,
        limit=_is_whole("limit", content["limit"], 1, 128),
        max_candidates=_is_whole("max_candidates", content["max_candidates"], 1, MAX_SLOTS),
        allow_review=_is_flag("allow_review", content["allow_review"]),
        thresholds=_thresholds(content["thresholds"]),
        metrics=_mapping("metrics", content["metrics"], _figure),
        origin=_mapping("origin", content["origin"], _is_text),
    )
    checksums = _mapping("checksums", content["checksums"], _is_digest)
    if extra := sorted(checksums.keys() - parts.keys()):
        raise ValueError(f"it names {extra[0][:80]!r}, which is no part of a bundle")
    if missing := [name for name, needed in parts.items() if needed and name not in checksums]:
        raise ValueError(f"it names no {missing[0]}")
    return Manifest(settings, _thresholds(content["list_thresholds"]), checksums)


def _are_features(content: Mapping[str, Any]) -> bool:
    expected = (list(PAIR_FEATURES), list(QUERY_FEATURES))
    return (content.get("pair_features"), content.get("query_features")) == expected


def _thresholds(content: Any) -> Thresholds | None:
    if content is None:
        return None
    found = Thresholds(**_is_object("thresholds", content))
    # a threshold above 1 is never reached
    _is_number("link", found.link, 0, 2)
    _is_number("review", found.review, 0, 2)
    return found


def _mapping(name: str, content: Any, check: Callable[[str, Any], Any]) -> dict[str, Any]:
    return {key: check(key, value) for key, value in _is_object(name, content).items()}


def _is_object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object, got {str(value)[:40]!r}")
    return value


def _is_text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name[:40]} must be a text, got {str(value)[:40]!r}")
    return value


def _is_digest(name: str, value: Any) -> str:
    if not _DIGEST.fullmatch(_is_text(name, value)):
        raise ValueError(f"the checksum of {name[:40]!r} is none")
    return str(value)


def _is_flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, got {str(value)[:40]!r}")
    return value


def _is_whole(name: str, value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number in {low}..{high}, got {str(value)[:40]!r}")
    return value


def _figure(name: str, value: Any) -> float | None:
    """A number that JSON can write; bundles of earlier versions may hold NaN."""
    if value is None or not math.isfinite(_is_figure(name, value)):
        return None
    return float(value)


def _is_figure(name: str, value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"{name[:40]} must be a number, got {str(value)[:40]!r}")
    number: float = value
    return number


def _is_number(name: str, value: Any, low: float, high: float) -> float:
    if not (math.isfinite(_is_figure(name, value)) and low <= value <= high):
        raise ValueError(f"{name} must lie in [{low}, {high}], got {str(value)[:40]!r}")
    number: float = value
    return number


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it lacks {str(error)[:80]}"
    return str(error)[:300]
