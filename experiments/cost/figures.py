"""The lines of the benchmark: our figure beside the rival's, as a table and as JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from linkage_rl.candidates.coverage import Coverage
from linkage_rl.errors import OutputError
from linkage_rl.evaluation.tables import text_table


@dataclass(frozen=True)
class Figure:
    """One line: something that was measured, and the same of a rival in the same run."""

    what: str
    unit: str
    ours: float
    rival: float | None = None
    """None where there is no rival."""
    against: str = ""
    """Who the rival is."""
    note: str = ""
    less_is_better: bool = False

    @property
    def times_better(self) -> float | None:
        """How many times better ours is than the rival's; below 1 the rival is better."""
        if self.rival is None:
            return None
        better, worse = (self.rival, self.ours) if self.less_is_better else (self.ours, self.rival)
        return better / worse if worse else None


def figures_table(figures: Iterable[Figure]) -> str:
    """The figures as aligned columns."""
    header = ("what", "unit", "ours", "rival", "ratio", "against", "note")
    return text_table(
        [
            header,
            *(
                (
                    figure.what,
                    figure.unit,
                    rounded(figure.ours),
                    "-" if figure.rival is None else rounded(figure.rival),
                    "-" if figure.times_better is None else f"{rounded(figure.times_better)}x",
                    figure.against or "-",
                    figure.note,
                )
                for figure in figures
            ),
        ],
        left=(0, 1, 5, 6),
    )


def coverage_table(reports: Sequence[Coverage]) -> str:
    """Recall@k per blocker as aligned columns; `applies` is the share of clients with its key."""
    at = list(reports[0].recall)
    rows = [("blocker", "applies", "candidates", *(f"recall@{k}" for k in at))]
    rows += [
        (
            report.blocker,
            f"{report.applicable:.3f}",
            f"{report.per_client:.1f}",
            *(f"{report.recall[k]:.4f}" for k in at),
        )
        for report in reports
    ]
    return text_table(rows)


def rounded(value: float) -> str:
    """Three significant digits, or all digits before the point.

    >>> [rounded(value) for value in (0.01234, 5.6789, 123456.7)]
    ['0.0123', '5.68', '123,457']
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def write_json(
    path: Path,
    conditions: dict[str, Any],
    figures: Iterable[Figure],
    coverage: Sequence[Coverage],
) -> None:
    """Write everything that the tables show, unrounded.

    Raises:
        OutputError: The file cannot be written.
    """
    content = {
        **conditions,
        "figures": [asdict(figure) | {"times_better": figure.times_better} for figure in figures],
        "coverage": [asdict(report) for report in coverage],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}; choose another file") from error
