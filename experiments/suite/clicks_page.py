"""The results of the suite `clicks`: tables, claims and the figure, from trials of all seeds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from experiments.suite.click_customer import CustomerTrial
from experiments.suite.click_gate import CLICKS, GateTrial
from experiments.suite.click_trials import BOTH, Trial, Way
from experiments.suite.pictures import COLOURS
from linkage_rl.evaluation import plots
from linkage_rl.evaluation.tables import markdown_table

_NOTES: Final = """\
A reviewer who knows the truth answers about clients of a stream of 20,000 train clients of both
lists; figures are F1 on the valid lists, the mean over the seeds; *spread* is the largest distance
between two seeds of a line. The threshold is that of the highest expected F1 on 2,000 clients of
the stream about which nobody was asked, by what the policy says of them: no label takes part.
*full*: the reviewer picks one of the five shown companies or says that none is right; *accept /
reject*: only whether the best one is right. LightGBM has the candidates and features of our
policies and the same reviewer; dedupe chooses pairs by its own active learning and scores the pairs
that our blockers propose, since its own blocking does not finish on this table."""
OWN_LINE: Final[Way] = ("own", "full", "stratified")
GOALS: Final = {300: 0.885, 1_000: 0.889}
"""Clicks to the F1 on both lists that the own start is to reach."""
CUSTOMER_GAIN: Final = (30, 0.15)
"""Clicks, and what they are to bring a customer with another convention in F1."""
GATE_GAIN: Final = 0.025
"""Gain in reward that the gate is to promote within `GATE_CLICKS` in `GATE_SHARE` of the runs."""
GATE_CLICKS: Final = 300
GATE_SHARE: Final = 0.95
GATE_WORSE: Final = 0.05
"""Share of runs in which a policy that is not better may be promoted."""


@dataclass(frozen=True)
class Results:
    """All trials of the suite."""

    trials: Sequence[Trial]
    gates: Sequence[GateTrial] = ()
    customers: Sequence[CustomerTrial] = ()
    commit: str = ""


@dataclass(frozen=True)
class Line:
    """One system with one habit and one way of asking, on one list, over its seeds."""

    way: Way
    list_name: str
    f1: dict[int, list[float]] = field(default_factory=dict)
    """By number of clicks, a value per seed."""

    def mean(self, clicks: int) -> float:
        """Mean over the seeds; nan where there is none."""
        return float(np.mean(self.f1[clicks])) if clicks in self.f1 else float("nan")

    @property
    def seeds(self) -> int:
        """Seeds of every number of clicks."""
        return min(len(values) for values in self.f1.values())

    @property
    def spread(self) -> float:
        """Largest distance between two seeds."""
        return max(max(values) - min(values) for values in self.f1.values())


def lines_of(trials: Sequence[Trial]) -> list[Line]:
    """The lines of all lists, in the order in which they first occur."""
    lines: dict[tuple[Way, str], Line] = {}
    for trial in sorted(trials, key=lambda one: (one.seed, one.clicks)):
        line = lines.setdefault((trial.way, trial.list_name), Line(trial.way, trial.list_name))
        line.f1.setdefault(trial.clicks, []).append(trial.f1)
    return list(lines.values())


def page(results: Results) -> str:
    """Markdown: a table per list, gate, customer, claims."""
    lines = lines_of(results.trials)
    parts = ["# What the answers of people teach", f"At commit {results.commit}.", _NOTES]
    for name in dict.fromkeys(line.list_name for line in lines):
        own = [line for line in lines if line.list_name == name]
        parts += [f"`{name}`", _table(own)]
    if results.gates:
        parts += ["## The gate", _gate_table(results.gates)]
    if results.customers:
        parts += ["## A customer for whom moved companies are others", _customers(results)]
    parts += ["## Claims", markdown_table([("claim", "measured", "verdict"), *claims(results)])]
    return "\n\n".join(parts) + "\n"


def quoted_table(results: Results) -> str:
    """The table of `docs/results.md`: both lists, right answers, with the mark of its origin."""
    lines = [
        line
        for line in lines_of(results.trials)
        if line.list_name == BOTH and line.way[1] in ("full", "pairs")
    ]
    return f"<!-- from experiments/suite/results/clicks.md `{BOTH}` -->\n{_table(lines)}"


def as_json(results: Results) -> dict[str, Any]:
    """The same as numbers, seeds apart."""
    return {
        "commit": results.commit,
        "lines": [asdict(line) for line in lines_of(results.trials)],
        "gate": [asdict(trial) for trial in results.gates],
        "customer": [asdict(trial) for trial in results.customers],
        "claims": [list(claim) for claim in claims(results)],
    }


def _table(lines: Sequence[Line]) -> str:
    counts = sorted({count for line in lines for count in line.f1})
    heading = ("start, reviewer, whom it asks", "seeds", *(f"{c:,}" for c in counts), "spread")
    rows = [
        (
            "; ".join(line.way),
            f"{line.seeds}",
            *(f"{line.mean(count):.4f}" if count in line.f1 else "-" for count in counts),
            f"{line.spread:.4f}",
        )
        for line in lines
    ]
    return markdown_table([heading, *rows])


def _gate_table(gates: Sequence[GateTrial]) -> str:
    heading = (
        *("old", "new", "seeds", "gain in reward", "differ"),
        *(f"promoted by {count:,}" for count in CLICKS),
        "median clicks",
    )
    pairs: dict[tuple[str, str], list[GateTrial]] = {}
    for trial in gates:
        pairs.setdefault((trial.old, trial.new), []).append(trial)
    rows = []
    for (old, new), own in pairs.items():
        medians = [trial.median_clicks for trial in own if trial.median_clicks]
        rows.append(
            (
                *(old, new, f"{len(own)}"),
                f"{np.mean([trial.gain for trial in own]):+.4f}",
                f"{np.mean([trial.differ for trial in own]):.1%}",
                *(f"{share:.1%}" for share in np.mean([trial.promoted for trial in own], axis=0)),
                f"{np.median(medians):.0f}" if medians else "-",
            )
        )
    return markdown_table([heading, *rows])


def _customers(results: Results) -> str:
    heading = ("clicks", "seeds", "their list", "lists of others", "shared policy on those")
    by_clicks: dict[int, list[CustomerTrial]] = {}
    for trial in results.customers:
        by_clicks.setdefault(trial.clicks, []).append(trial)
    rows = [
        (
            f"{clicks:,}",
            f"{len(own)}",
            *(
                f"{np.mean([getattr(trial, name) for trial in own]):.4f}"
                for name in ("theirs", "others", "shared")
            ),
        )
        for clicks, own in sorted(by_clicks.items())
    ]
    return markdown_table([heading, *rows])


Claim = tuple[str, str, str]
"""What is claimed, what was measured, and whether it holds."""


def claims(results: Results) -> list[Claim]:
    """Everything that the suite is to show, for which there are trials."""
    both = {line.way: line for line in lines_of(results.trials) if line.list_name == BOTH}
    found: list[Claim] = []
    own = both.get(OWN_LINE)
    if own is not None:
        found += [
            _claim(f"own start >= {goal} with {clicks:,} clicks", own.mean(clicks), goal)
            for clicks, goal in GOALS.items()
            if clicks in own.f1
        ]
        found += [
            _claim(
                f"own start > {' '.join((way[0], way[2]))} with {clicks:,} clicks",
                own.mean(clicks) - other.mean(clicks),
                0.0,
                "+.4f",
            )
            for way, other in both.items()
            if way[0] in ("LightGBM", "dedupe") and way[1] in ("full", "pairs")
            for clicks in GOALS
            if clicks in other.f1 and clicks in own.f1
        ]
    return [*found, *_customer_claim(results.customers), *_gate_claims(results.gates)]


def _claim(text: str, measured: float, goal: float, how: str = ".4f") -> Claim:
    return text, format(measured, how), "holds" if measured >= goal else "refuted"


def _customer_claim(trials: Sequence[CustomerTrial]) -> list[Claim]:
    clicks, goal = CUSTOMER_GAIN
    by_seed = {(trial.seed, trial.clicks): trial.theirs for trial in trials}
    gains = [
        value - by_seed[seed, 0]
        for (seed, count), value in by_seed.items()
        if count == clicks and (seed, 0) in by_seed
    ]
    if not gains:
        return []
    text = f"a customer with another convention gains {goal} F1 with {clicks} clicks"
    return [_claim(text, float(np.mean(gains)), goal, "+.4f")]


def _gate_claims(gates: Sequence[GateTrial]) -> list[Claim]:
    found = []
    if better := [one for one in gates if one.gain >= GATE_GAIN]:
        share = float(np.mean([one.promoted[CLICKS.index(GATE_CLICKS)] for one in better]))
        text = f"a gain of {GATE_GAIN} or more is promoted within {GATE_CLICKS} clicks"
        found.append(_claim(f"{text} in {GATE_SHARE:.0%} of runs", share, GATE_SHARE, ".1%"))
    if worse := [one for one in gates if one.gain <= 0]:
        highest = max(one.promoted[-1] for one in worse)
        text = f"a policy that is no better is promoted in at most {GATE_WORSE:.0%} of runs"
        found.append((text, f"{highest:.1%}", "holds" if highest <= GATE_WORSE else "refuted"))
    return found


def figure(results: Results) -> Figure:
    """F1 on both lists against the number of clicks, with the range of the seeds."""
    lines = [line for line in lines_of(results.trials) if line.list_name == BOTH]
    with plots.style():
        drawn = Figure(figsize=(7.2, 4.2), layout="constrained")
        axes = drawn.subplots()
        shown = [line for line in lines if line.way[1] in ("full", "pairs")]
        for line, colour in zip(shown, COLOURS, strict=False):
            counts = [count for count in sorted(line.f1) if count]
            lows, highs = ([end(line.f1[count]) for count in counts] for end in (min, max))
            means = [line.mean(count) for count in counts]
            label = f"{line.way[0]}, {line.way[2]}"
            axes.plot(counts, means, color=colour, marker="o", label=label)
            axes.fill_between(counts, lows, highs, color=colour, alpha=0.15, linewidth=0)
        axes.set(xscale="log", xlabel="clicks", ylabel="F1, both lists, one threshold")
        ticks = sorted({count for line in shown for count in line.f1 if count})
        axes.set_xticks(ticks, [f"{count:,}" for count in ticks])
        axes.minorticks_off()
        if shown:
            axes.legend(fontsize="small")
    return drawn
