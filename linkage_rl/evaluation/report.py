"""The side-by-side comparison of systems: a table for the terminal, a page for the browser."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import jinja2
import numpy as np

from linkage_rl.errors import OutputError
from linkage_rl.evaluation import plots
from linkage_rl.evaluation.answers import ThresholdedAnswers
from linkage_rl.evaluation.curves import (
    PRECISIONS,
    Reliability,
    RiskCoverage,
    area_under_risk_coverage,
    coverage_at_precision,
    expected_calibration_error,
)
from linkage_rl.evaluation.metrics import Metrics, bootstrap_intervals
from linkage_rl.evaluation.tables import text_table
from linkage_rl.evaluation.waterfall import waterfall_figure

COLUMNS: Final = {
    "linkage_rate": "linkage rate",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "false_link_rate": "false links",
    "review_rate": "review",
    "expected_reward": "reward",
    "blockers_per_client": "blockers/client",
    "microseconds_per_client": "µs/client",
}
"""Metric to its heading, in the order of the table."""

_MISSING: Final = "-"


@dataclass(frozen=True, eq=False)
class SystemResult:
    """Figures of one system on one client list; all but name and metrics are optional."""

    name: str
    metrics: Metrics
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Metric name to its (low, high)."""
    curve: RiskCoverage | None = None
    reliability: Reliability | None = None

    @classmethod
    def of(cls, name: str, answers: ThresholdedAnswers, rng: np.random.Generator) -> Self:
        """Everything that a report shows of a system; `rng` draws the bootstrap intervals."""
        intervals = bootstrap_intervals(answers.judgement, rng)
        return cls(name, answers.metrics, intervals, answers.curve, answers.reliability)


@dataclass(frozen=True)
class Example:
    """One client in the error browser, in words."""

    client_id: str
    client: str
    decision: str
    """As in the output of `link`: 'link', 'no_match' or 'review'."""
    company: str
    """The best candidate, linked or not; '' where there was none."""
    truth: str
    """The right company; '' where the table lacks it."""
    confidence: float
    outcome: str
    """Kind of error: 'wrong link', 'missed link' or 'link without a row'."""
    reason: str = ""
    weights: tuple[tuple[str, float], ...] = ()
    """Field and its weight in the log-odds of the best candidate, see `explanation.field_weights`;
    () where they were not asked for."""
    log_odds: float = 0.0
    """Log-odds of the best candidate, where there are weights."""


@dataclass(frozen=True, eq=False)
class Report:
    """A comparison of systems on one client list."""

    title: str
    systems: tuple[SystemResult, ...]
    """At least one; the examples are of the last one."""
    command: str = ""
    """The command line of the comparison."""
    notes: tuple[str, ...] = ()
    """Sentences above the table, such as where the threshold was chosen."""
    plans: tuple[tuple[str, float, float], ...] = ()
    """Static plans: (name, blockers per client, F1)."""
    examples: tuple[Example, ...] = ()


def side_by_side(systems: Mapping[str, Metrics]) -> str:
    """An aligned table of at most 120 columns, one line per system, rates in percent.

    Args:
        systems: Name of each system, cut to 22 characters, and its metrics.
    """
    rows = [["system", *COLUMNS.values()]]
    for name, metrics in systems.items():
        rows.append([name[:22], *(format_metric(metrics, column) for column in COLUMNS)])
    return text_table(rows, rule=True)


def format_metric(metrics: Metrics, name: str) -> str:
    """One metric as the tables show it; '-' where it is undefined or was not measured.

    Rates are percentages, the reward has its sign.
    """
    value = getattr(metrics, name)
    return _MISSING if value is None else _format(float(value), name)


def render_html(report: Report) -> str:
    """The comparison as one self-contained page: table, figures, errors."""
    return template(Path(__file__).with_name("report.html.jinja")).render(
        report=report,
        columns=COLUMNS,
        precisions=PRECISIONS,
        figures=_figures(report),
        show=format_metric,
        interval=_interval,
        coverage=coverage_at_precision,
        area=area_under_risk_coverage,
        calibration_error=expected_calibration_error,
        waterfall=waterfall_figure,
        outcomes=sorted({example.outcome for example in report.examples}),
    )


def write_report(report: Report, path: Path) -> None:
    """Write the page; see `write_html`."""
    write_html(render_html(report), path)


def template(path: Path) -> jinja2.Template:
    """A template that escapes its values, and refuses to render names without a value."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(path.name)


def write_html(html: str, path: Path) -> None:
    """Write a page; if that fails, an older one is left untouched.

    Raises:
        OutputError: The folder is missing, not writable, or the disk is full.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(html, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(
            f"cannot write the report {path}: {error.strerror}; free space or choose another folder"
        ) from error


def _figures(report: Report) -> list[tuple[str, str]]:
    """Heading and SVG of every figure for which there is something to draw."""
    curves = [(one.name, one.curve) for one in report.systems if one.curve is not None]
    bins = [(one.name, one.reliability) for one in report.systems if one.reliability is not None]
    points = [
        (one.name, one.metrics.blockers_per_client, one.metrics.f1)
        for one in report.systems
        if not math.isnan(one.metrics.f1)
    ]
    drawn = []
    if curves:
        drawn.append(("Risk and coverage", plots.risk_coverage_figure(curves)))
    if points:
        drawn.append(("F1 and blockers run", plots.frontier_figure(points, report.plans)))
    if bins:
        drawn.append(("Reliability of the confidence", plots.reliability_figure(bins)))
    return drawn


def _interval(system: SystemResult, name: str) -> str:
    """'61.0 to 63.2' for the interval of a metric, '' where there is none."""
    low, high = system.intervals.get(name, (math.nan, math.nan))
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"{_format(low, name).removesuffix(' %')} to {_format(high, name).removesuffix(' %')}"


def _format(value: float, name: str) -> str:
    if math.isnan(value):
        return _MISSING
    if name == "expected_reward":
        return f"{value:+.3f}"
    if name == "blockers_per_client":
        return f"{value:.2f}"
    if name == "microseconds_per_client":
        return f"{value:,.1f}"
    return f"{100 * value:.1f} %"
