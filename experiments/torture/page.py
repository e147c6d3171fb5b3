"""`page`: the last results as the Markdown that the documentation includes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

TITLES: Final = {
    "kills": "Kills",
    "full_disks": "Full disks",
    "fuzz": "Fuzzed inputs",
    "soak": "Soak",
}


def write_page(results: Path) -> Path:
    """Write `robustness.md` from the result files of a folder.

    Args:
        results: The folder; parts without a result file are left out.
    """
    found = {name: results / f"{name}.json" for name in TITLES}
    parts = [json.loads(path.read_text()) for path in found.values() if path.exists()]
    path = results / "robustness.md"
    path.write_text("\n".join(page(parts)) + "\n", encoding="utf-8")
    return path


def page(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines of the page: a summary, then a table for each part."""
    lines = ["<!-- written by `python -m experiments.torture page` -->", ""]
    lines += _table(
        ("part", "trials", "failed", "minutes", "commit"),
        [
            (
                TITLES[part["part"]],
                f"{sum(part['trials'].values()):,}",
                f"{part['failed']:,}",
                f"{part['seconds'] / 60:.0f}",
                part["commit"],
            )
            for part in parts
        ],
    )
    for part in parts:
        lines += ["", f"## {TITLES[part['part']]}", ""]
        lines += _part(part)
    return lines


def _part(part: Mapping[str, Any]) -> list[str]:
    failed: dict[str, int] = {}
    for failure in part["failures"]:
        failed[failure["case"]] = failed.get(failure["case"], 0) + 1
    slowest = part["figures"].get("slowest input, ms", {})
    header = ("case", "trials", "failed", *(["slowest input"] if slowest else []))
    cases = [*part["trials"], *(name for name in failed if name not in part["trials"])]
    rows = [
        (
            name,
            f"{part['trials'].get(name, 0):,}",
            f"{failed.get(name, 0):,}",
            *([f"{slowest[name]:g} ms" if name in slowest else ""] if slowest else []),
        )
        for name in cases
    ]
    lines = _table(header, rows)
    if "processes" in part["figures"]:
        lines += ["", *_processes(part["figures"]["processes"])]
    if "slowest answer, s" in part["figures"]:
        lines += ["", *_answers(part["figures"])]
    return lines


def _processes(processes: Sequence[Mapping[str, Any]]) -> list[str]:
    return _table(
        ("process", "own memory at first, largest, at last", "descriptors at first, most, at last"),
        [
            (
                one["process"],
                f"{one['first_mb']:.0f}, {one['largest_mb']:.0f}, {one['memory_mb']:.0f} MB",
                f"{one['first_files']}, {one['most_files']}, {one['files']}",
            )
            for one in processes
        ],
    )


def _answers(figures: Mapping[str, Any]) -> list[str]:
    counts = figures["answers by kind and status"]
    return _table(
        ("request", "200", "503", "other", "slowest answer"),
        [
            (
                kind,
                f"{counts.get(f'{kind}: 200', 0):,}",
                f"{counts.get(f'{kind}: 503', 0):,}",
                f"{_others(counts, kind):,}",
                f"{seconds:.1f} s",
            )
            for kind, seconds in figures["slowest answer, s"].items()
        ],
    )


def _others(counts: Mapping[str, int], kind: str) -> int:
    return sum(
        count
        for name, count in counts.items()
        if name.startswith(f"{kind}: ") and not name.endswith((": 200", ": 503"))
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
