"""Rows and verdicts as text for the terminal, Markdown for a README, and JSON for programs."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from experiments.suite.coverage import KindRecall, recall_rows
from experiments.suite.summary import Row, Verdict
from linkage_rl.evaluation.tables import markdown_table, text_table

COLUMNS: Final = {
    "linkage_rate": "linked",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "expected_reward": "reward",
    "coverage_at_95%": "cover@95",
    "coverage_at_98%": "cover@98",
    "coverage_at_99%": "cover@99",
    "aurc": "AURC",
    "ece": "ECE",
    "blockers_per_client": "blockers",
    "cpu_us": "CPU us",
    "fit_cpu_s": "train CPU s",
    "peak_mb": "MB",
}
"""Figure to its heading, in the order of the table."""
_PERCENT: Final = ("linkage_rate", "precision", "recall")
_VERDICT: Final = ("claim", "list", "metric", "ours", "theirs", "gap [95 %]", "wins", "verdict")


def shown(name: str, value: float | None) -> str:
    """A figure as the tables show it; '-' where there is none.

    >>> shown("f1", 0.94456), shown("linkage_rate", 0.5), shown("cpu_us", None)
    ('0.9446', '50.0 %', '-')
    """
    if value is None or math.isnan(value):
        return "-"
    if name in _PERCENT or name.startswith("coverage"):
        return f"{100 * value:.1f} %"
    if name in ("cpu_us", "wall_us", "peak_mb"):
        return f"{value:,.0f}"
    if name == "blockers_per_client":
        return f"{value:.2f}"
    return f"{value:.1f}" if name.endswith("_s") else f"{value:.4f}"


def interval(low_high: tuple[float, float] | None) -> str:
    """'[0.912, 0.934]', or '' where there is none."""
    return "" if low_high is None else f"[{low_high[0]:.4f}, {low_high[1]:.4f}]"


def leaderboard(rows: Sequence[Row]) -> str:
    """One aligned table per list, best F1 first; failed systems last, with their error."""
    tables = []
    for name in dict.fromkeys(row.list_name for row in rows):
        own = ordered([row for row in rows if row.list_name == name])
        finished = [row for row in own if not row.error]
        lines = [("system", "seeds", *COLUMNS.values(), "F1 by seed", "F1 by client")]
        for row in finished:
            cells = [shown(column, row.figures.get(column)) for column in COLUMNS]
            ends = [interval(row.by_seed.get("f1")), interval(row.by_client.get("f1"))]
            lines.append((row.title, str(len(row.seeds)), *cells, *ends))
        failed = [f"{row.title}: failed, {row.error}" for row in own if row.error]
        tables.append("\n".join([name, text_table(lines), *failed]))
    return "\n\n".join(tables)


def verdicts(some: Sequence[Verdict]) -> str:
    """Every claim on one line, with its gap and its outcome."""
    return text_table([_VERDICT, *map(verdict_cells, some)], left=(0, 1, 2)) if some else ""


def verdict_cells(verdict: Verdict) -> tuple[str, ...]:
    """The cells of a claim under the headings of `verdicts`."""
    gap = verdict.difference
    return (
        f"{verdict.ours} > {verdict.theirs}",
        verdict.list_name,
        gap.metric,
        f"{gap.ours:.4f}",
        f"{gap.theirs:.4f}",
        f"{gap.gap:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]",
        f"{gap.wins:.3f}",
        verdict.sentence,
    )


def markdown(
    rows: Sequence[Row], some: Sequence[Verdict], command: str, recalls: Sequence[KindRecall] = ()
) -> str:
    """Leaderboard, claims and candidate recalls as Markdown, under the command that made them."""
    heading = ("system", "seeds", *COLUMNS.values(), "commit")
    parts = [f"```bash\n{command}\n```"]
    for name in dict.fromkeys(row.list_name for row in rows):
        own = ordered([row for row in rows if row.list_name == name])
        parts += [f"`{name}`", markdown_table([heading, *map(_cells, own)])]
    if some:
        parts.append(markdown_table([_VERDICT, *map(verdict_cells, some)]))
    if recalls:
        parts += ["Candidate recall within the visible slots, every blocker run:"]
        parts.append(markdown_table(recall_rows(recalls)))
    return "\n\n".join(parts) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    if row.error:
        nothing = [""] * (len(COLUMNS) - 1)
        return (row.title, str(len(row.seeds)), f"failed: {row.error}", *nothing, row.commit)
    cells = {column: shown(column, row.figures.get(column)) for column in COLUMNS}
    for name in ("f1", "expected_reward"):
        cells[name] = f"{cells[name]} {interval(row.by_seed.get(name))}".strip()
    return (row.title, str(len(row.seeds)), *cells.values(), row.commit)


def ordered(rows: Sequence[Row]) -> list[Row]:
    """Best F1 first, what failed last."""
    return sorted(rows, key=lambda row: -row.figures.get("f1", -1.0))


def write_results(
    path: Path,
    about: Mapping[str, Any],
    rows: Sequence[Row],
    some: Sequence[Verdict],
    recalls: Sequence[KindRecall] = (),
) -> None:
    """Everything that tables and page show, as JSON; nan becomes null."""
    content = {
        "about": about,
        "rows": [asdict(row) for row in rows],
        "verdicts": [
            asdict(verdict) | {"verdict": verdict.sentence, "gap": verdict.difference.gap}
            for verdict in some
        ],
        "candidate_recall": [asdict(recall) for recall in recalls],
    }
    path.write_text(json.dumps(_plain(content), indent=1, ensure_ascii=False) + "\n", "utf-8")


def _plain(value: Any) -> Any:
    """The same with None for nan, which JSON lacks."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
