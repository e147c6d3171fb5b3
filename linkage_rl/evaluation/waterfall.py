"""The waterfall of one decision as SVG text: a page has a dozen of them, each in microseconds."""

from collections.abc import Sequence
from html import escape
from itertools import accumulate
from typing import Final

FOR, AGAINST, NEITHER = "#0b6e99", "#c2541b", "#999999"

_ROW: Final = 19
"""Height of a bar with the gap below it; unit of this and the others: pixels."""
_BAR: Final = 13
_LEFT, _WIDTH, _RIGHT = 110, 170, 50
"""Room for names, for bars, and for the weight beside the longest bar."""


def waterfall_figure(log_odds: float, weights: Sequence[tuple[str, float]]) -> str:
    """How the fields of a client add up to the log-odds of its candidate, the heaviest last.

    Args:
        log_odds: Of the candidate; the waterfall ends there.
        weights: Field and its weight, positive where it speaks for the candidate.
    """
    steps = sorted(weights, key=lambda step: abs(step[1]))
    base = log_odds - sum(size for _, size in steps)
    ends = list(accumulate((size for _, size in steps), initial=base))
    low, high = min(0.0, *ends), max(0.0, *ends)
    scale = _WIDTH / max(high - low, 1e-9)

    def place(value: float) -> float:
        return _LEFT + (value - low) * scale

    parts = [("without fields", 0.0, base, NEITHER)]
    parts += [
        (name, begin, begin + size, FOR if size >= 0 else AGAINST)
        for (name, size), begin in zip(steps, ends, strict=False)
    ]
    drawn = []
    for row, (name, begin, end, colour) in enumerate(parts):
        left, right = sorted((place(begin), place(end)))
        top, middle = row * _ROW + 3, row * _ROW + _BAR
        drawn.append(
            f'<text x="{_LEFT - 6}" y="{middle}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{left:.1f}" y="{top}" width="{right - left:.1f}" height="{_BAR}" '
            f'fill="{colour}"/>'
            f'<text x="{right + 4:.1f}" y="{middle}">{end - begin:+.2f}</text>'
        )
    width, bottom, end = _LEFT + _WIDTH + _RIGHT, len(parts) * _ROW + 3, place(log_odds)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 20}" '
        f'width="{width}" font-size="11" font-family="sans-serif">{"".join(drawn)}'
        f'<line x1="{end:.1f}" x2="{end:.1f}" y1="0" y2="{bottom}" stroke="#555555" '
        'stroke-dasharray="4 3"/>'
        f'<text x="{width / 2:.0f}" y="{bottom + 14}" text-anchor="middle">'
        f"log-odds of the candidate: {log_odds:+.2f}</text></svg>"
    )
