"""`python -m experiments.suite.certification`: how often is an audit wrong, and how many clicks?

Lists of known truth are audited by `linkage_rl.feedback.certification`, and by what many would do
instead: links drawn evenly, and a Wilson interval (1927) looked at after every answer. `--run`
adds the links of real lists. A click is an answer about one draw.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.suite.audited_lists import AuditedList, any_list, real_list, simulated_list
from experiments.tools.records import commit
from linkage_rl.config.command import say
from linkage_rl.evaluation.tables import markdown_table
from linkage_rl.feedback.audit_bets import bets_against, bets_for, holding_part
from linkage_rl.feedback.audit_design import AuditDesign
from linkage_rl.feedback.bets import first_rejection, mixture_wealth

GOAL: Final = 0.95
CONFIDENCE: Final = 0.95
RESULTS: Final = Path(__file__).parent / "results" / "certification.md"
PRECISIONS: Final = (0.96, 0.97, 0.98)
_ALPHA: Final = 1 - CONFIDENCE
_FIRST_LOOK: Final = 30
_EVEN_STAKES: Final = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
"""Best for 0.955 to 0.99, see `bets.mixture_wealth`."""


@dataclass(frozen=True)
class Audit:
    """What was said of one list, at any time until the last click."""

    certified: bool
    refuted: bool
    precise: bool
    """Whether the list is as precise as the goal."""
    wrong_threshold: bool
    """Whether the links from the found confidence on are less precise than the goal."""
    wrong_bound: bool
    """Whether the lower bound of the precision was once above it."""
    wilson_certified: bool
    wilson_refuted: bool

    @property
    def wrong(self) -> bool:
        """Whether what the audit says is wrong."""
        return self.refuted if self.precise else self.certified

    @property
    def wilson_wrong(self) -> bool:
        """The same of the Wilson interval."""
        return self.wilson_refuted if self.precise else self.wilson_certified


def main() -> None:
    """Audit the lists and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, help="finished training run that links the real lists")
    parser.add_argument("--cases", type=Path, default=Path("outputs/clicks/own"))
    parser.add_argument("--lists", type=int, default=500, help="simulated lists of each kind")
    parser.add_argument("--clicks", type=int, default=3_000, help="most clicks of a list")
    parser.add_argument("--audits", type=int, default=300, help="audits for a number of clicks")
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    audits = {
        name: [audit(kind.made(rng), asked.clicks, kind.unsure, rng) for _ in range(asked.lists)]
        for name, kind in KINDS.items()
    }
    known = dict(clicks_lists(asked.run, asked.cases, rng))
    clicks = {name: clicks_of(one, asked.audits, rng) for name, one in known.items()}
    text = page(audits, clicks, asked.clicks)
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(text, encoding="utf-8")
    say(text)


@dataclass(frozen=True)
class Kind:
    """A kind of simulated lists."""

    made: Callable[[np.random.Generator], AuditedList]
    unsure: float
    """Share of the links of which people are unsure."""


KINDS: Final[Mapping[str, Kind]] = {
    "just below the goal, .9495": Kind(lambda rng: any_list(rng, 0.9495), 0.0),
    "at the goal, .95": Kind(lambda rng: any_list(rng, 0.95), 0.0),
    "anything, .90 to .99": Kind(lambda rng: any_list(rng, rng.uniform(0.90, 0.99)), 0.0),
    "anything, 1 % unsure": Kind(lambda rng: any_list(rng, rng.uniform(0.90, 0.99)), 0.01),
}


def audit(one: AuditedList, clicks: int, unsure_share: float, rng: np.random.Generator) -> Audit:
    """Audit a list until the last click."""
    design = AuditDesign.of(GOAL, CONFIDENCE, one.confidence)
    unsure = rng.random(len(one.wrong)) < unsure_share
    drawn = design.draws(one.confidence, clicks, rng)
    confidence = one.confidence[drawn]
    strict = np.where(unsure, 1.0, one.wrong)[drawn]
    lenient = np.where(unsure, 0.0, one.wrong)[drawn]
    difference = design.differences(confidence, strict)
    for_goal = first_rejection(bets_for(design.whole, difference, GOAL).wealth(), _ALPHA)
    against = first_rejection(
        bets_against(design.whole, design.differences(confidence, lenient), GOAL).wealth(), _ALPHA
    )
    part = holding_part(design, confidence, strict)
    from_there = one.wrong[one.confidence >= part.threshold].mean() if part else 0.0
    even = one.wrong[rng.integers(0, len(one.wrong), clicks)]
    wilson_low, wilson_high = _first(*wilson(1 - even))
    return Audit(
        certified=bool(for_goal < against),
        refuted=bool(against < for_goal),
        precise=one.precision >= GOAL,
        wrong_threshold=bool(1 - from_there < GOAL),
        wrong_bound=bets_for(design.whole, difference, one.precision).won(_ALPHA),
        wilson_certified=wilson_low < wilson_high,
        wilson_refuted=wilson_high < wilson_low,
    )


def wilson(right: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One-sided bounds of a share after each answer (Wilson, 1927), each of shape (n,)."""
    z = NormalDist().inv_cdf(CONFIDENCE)
    n = np.arange(1, len(right) + 1)
    share = right.cumsum() / n
    middle = share + z * z / (2 * n)
    half = z * np.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def _first(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[float, float]:
    """Answers after which the bounds first certify and first refute the goal."""
    looks = slice(_FIRST_LOOK - 1, None)
    hits = (low[looks] >= GOAL, high[looks] < GOAL)
    return tuple(float(hit.argmax()) if hit.any() else np.inf for hit in hits)  # type: ignore[return-value]


@dataclass(frozen=True)
class Clicks:
    """Clicks after which a list is certified, of repeated audits; infinite where it is not."""

    even: NDArray[np.float64]
    """Links drawn evenly, shape (audits,)."""
    importance: NDArray[np.float64]
    """As `audit` draws them, shape (audits,)."""


def clicks_lists(
    run: Path | None, folder: Path, rng: np.random.Generator
) -> Iterator[tuple[str, AuditedList]]:
    """Lists of known precision with their names."""
    for spread, words in ((0.15, "confidences that tell much"), (2.0, "confidences of little use")):
        for precision in PRECISIONS:
            yield f"{words}, {precision}", simulated_list(20_000, precision, rng, spread)
    whole = real_list(run, folder) if run else None
    for precision in PRECISIONS:
        surest = whole.surest(precision) if whole else None
        if surest:
            yield f"real lists, {len(surest.wrong):,} surest links, {precision}", surest


def clicks_of(one: AuditedList, audits: int, rng: np.random.Generator) -> Clicks:
    """Audit a list again and again with up to 6,000 clicks."""
    design = AuditDesign.of(GOAL, CONFIDENCE, one.confidence)
    even, importance = [], []
    for _ in range(audits):
        right = 1 - one.wrong[rng.integers(0, len(one.wrong), _MOST)]
        even.append(first_rejection(mixture_wealth(right, GOAL, _EVEN_STAKES), _ALPHA))
        drawn = design.draws(one.confidence, _MOST, rng)
        difference = design.differences(one.confidence[drawn], one.wrong[drawn])
        bets = bets_for(design.whole, difference, GOAL)
        importance.append(first_rejection(bets.wealth(), _ALPHA))
    return Clicks(np.array(even), np.array(importance))


_MOST: Final = 6_000


def page(audits: Mapping[str, Sequence[Audit]], clicks: Mapping[str, Clicks], most: int) -> str:
    """The results as Markdown."""
    rows = [
        [
            *("lists", "number", "certified", "refuted", "wrong", "wrong threshold", "wrong bound"),
            "Wilson wrong",
        ]
    ]
    for name, found in audits.items():
        shares = [
            np.mean([getattr(one, value) for one in found])
            for value in (
                *("certified", "refuted", "wrong", "wrong_threshold", "wrong_bound"),
                "wilson_wrong",
            )
        ]
        rows.append([name, f"{len(found)}", *(f"{share:.1%}" for share in shares)])
    needed = [["list, precision", "even draws", "importance, control variates"]]
    needed += [[name, _words(one.even), _words(one.importance)] for name, one in clicks.items()]
    worst = max(
        np.mean([getattr(one, value) for one in found])
        for found in audits.values()
        for value in ("wrong", "wrong_threshold", "wrong_bound")
    )
    verdict = "holds" if worst <= _ALPHA else "refuted"
    return (
        "# Certification: how often is an audit wrong, and how many clicks does it take?\n\n"
        f"At {commit()}. Goal: {GOAL:.0%} of the links are right, with {CONFIDENCE:.0%} "
        f"confidence, looked at after every of {most:,} clicks. Lists "
        "of 300 to 30,000 links, with confidences of any quality, too sure or too unsure.\n\n"
        f"`audits`\n\n{markdown_table(rows)}\n\n"
        f"What an audit says is wrong in at most {_ALPHA:.0%} of the lists: **{verdict}** "
        f"(at most {worst:.1%}).\n\n"
        "Clicks until certified: median, in brackets the 90th percentile, of lists of 20,000 "
        "links and of real ones.\n\n"
        f"`clicks`\n\n{markdown_table(needed)}\n"
    )


def _words(clicks: NDArray[np.float64]) -> str:
    median, late = np.quantile(clicks, [0.5, 0.9], method="higher")
    return " ".join(
        form.format(f"{one:,.0f}" if np.isfinite(one) else f"> {_MOST:,}")
        for form, one in (("{}", median), ("({})", late))
    )


if __name__ == "__main__":
    main()
