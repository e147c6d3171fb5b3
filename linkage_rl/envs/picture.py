"""An episode as a picture, for `render_mode="rgb_array"`, always of the same size."""

from bisect import bisect_right
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

from linkage_rl.decision.rewards import Outcome
from linkage_rl.envs.rendering import Scene, ShownBlocker, ShownCandidate

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

SIZE: Final = (1280, 720)
"""Width and height in pixels; both are even, which video encoders ask for."""

_FONTS: Final = (
    *("Noto Sans CJK JP", "Noto Sans JP", "Source Han Sans JP", "IPAexGothic", "IPAGothic"),
    *("TakaoGothic", "VL Gothic", "Hiragino Sans", "Yu Gothic", "Meiryo", "MS Gothic"),
    *("Noto Serif CJK JP", "WenQuanYi Zen Hei", "Droid Sans Fallback"),
)
"""Fonts with Japanese glyphs by preference."""

_PAPER, _INK, _FAINT, _LINE = "#ffffff", "#1c2430", "#8b95a3", "#dfe4ea"
_RAN, _BAR, _RIGHT, _WRONG, _NEUTRAL = "#2563a8", "#bcd6f2", "#1f8a4c", "#c23b34", "#a36a00"
_COLOURS: Final = {
    Outcome.RUNNING: _INK,
    Outcome.CORRECT_LINK: _RIGHT,
    Outcome.CORRECT_REJECT: _RIGHT,
    Outcome.WRONG_LINK: _WRONG,
    Outcome.MISSED_LINK: _WRONG,
    Outcome.REVIEW: _NEUTRAL,
}

_MARGIN: Final = 32
_TABLE_TOP: Final = 208
_ROW_HEIGHT: Final = 21
_ROWS: Final = 20
"""Candidates that fit in; the table says how many more there are."""
_FEATURES_FROM: Final = 616
"""Left edge of the feature columns."""


def draw(scene: Scene) -> NDArray[np.uint8]:
    """The scene as an image, shape (720, 1280, 3).

    Raises:
        DependencyNotInstalled: Pillow or matplotlib, which finds the fonts, is missing.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:  # pragma: no cover - comes with linkage_rl[train]
        raise DependencyNotInstalled(
            "render_mode='rgb_array' needs Pillow; run pip install 'linkage_rl[train]'"
        ) from error
    image = Image.new("RGB", SIZE, _PAPER)
    canvas = ImageDraw.Draw(image)
    _draw_client(canvas, scene)
    _draw_blockers(canvas, scene.blockers)
    _draw_table(canvas, scene)
    _draw_action(canvas, scene)
    return np.array(image, dtype=np.uint8)


@cache
def _font_file() -> str:
    """File of the best installed font; the one that comes with matplotlib if none is Japanese."""
    try:
        from matplotlib import font_manager
    except ImportError as error:  # pragma: no cover - comes with linkage_rl[train]
        raise DependencyNotInstalled(
            "render_mode='rgb_array' needs matplotlib; run pip install 'linkage_rl[train]'"
        ) from error
    regular = {
        entry.name: entry.fname
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal" and entry.weight in (400, "normal", "regular")
    }
    fallback = font_manager.findfont("DejaVu Sans")
    return next((regular[name] for name in _FONTS if name in regular), str(fallback))


@cache
def _font(size: int) -> "FreeTypeFont":
    from PIL import ImageFont

    return ImageFont.truetype(_font_file(), size)


def _text(
    canvas: "ImageDraw",
    place: tuple[float, float],
    text: str,
    size: int = 15,
    colour: str = _INK,
    width: float | None = None,
    anchor: str = "lm",
) -> float:
    """Write one line, cut to a width in pixels; returns the width that it took."""
    font = _font(size)
    if width is not None and font.getlength(text) > width:
        fitting = bisect_right(
            range(len(text)), width, key=lambda size: font.getlength(text[:size] + "…")
        )
        text = text[: max(fitting - 1, 0)] + "…"
    canvas.text(place, text, fill=colour, font=font, anchor=anchor)
    return float(font.getlength(text))


def _draw_client(canvas: "ImageDraw", scene: Scene) -> None:
    """The first part of the client's record, its name where it has one, large; the rest below."""
    name, _, rest = scene.client.partition(" / ")
    width = SIZE[0] - 2 * _MARGIN
    _text(canvas, (_MARGIN, 30), "CLIENT", 12, _FAINT)
    _text(canvas, (_MARGIN, 60), name, 26, width=width)
    _text(canvas, (_MARGIN, 92), rest, 15, width=width)
    _text(canvas, (SIZE[0] - _MARGIN, 30), f"cost so far  {scene.cost:.3f}", 15, anchor="rm")


def _draw_blockers(canvas: "ImageDraw", blockers: tuple[ShownBlocker, ...]) -> None:
    """A box for each blocker, filled once it has run, faint where it does not apply."""
    title = "BLOCKERS AND THEIR COSTS  (filled: has run; grey: does not apply)"
    _text(canvas, (_MARGIN, 122), title, 12, _FAINT)
    gap = 8
    width = (SIZE[0] - 2 * _MARGIN + gap) / max(len(blockers), 1) - gap
    for place, blocker in enumerate(blockers):
        left = _MARGIN + place * (width + gap)
        colour = _RAN if blocker.applies else _LINE
        canvas.rounded_rectangle(
            (left, 134, left + width, 176), 6, fill=colour if blocker.ran else None, outline=colour
        )
        ink = _PAPER if blocker.ran else _INK if blocker.applies else _FAINT
        middle = left + width / 2
        _text(canvas, (middle, 147), blocker.name, 13, ink, width - 8, anchor="mm")
        _text(canvas, (middle, 165), f"{blocker.cost:g}", 12, ink, width - 8, anchor="mm")


def _draw_table(canvas: "ImageDraw", scene: Scene) -> None:
    """A row for each candidate, with its features as bars."""
    more = len(scene.candidates) - _ROWS
    title = "CANDIDATES" if scene.candidates else "CANDIDATES  none visible yet"
    title += f"  ({more} more not shown)" if more > 0 else ""
    _text(canvas, (_MARGIN, _TABLE_TOP - 10), title, 12, _FAINT)
    if not scene.candidates:
        return
    width = (SIZE[0] - _MARGIN - _FEATURES_FROM) / max(len(scene.features), 1)
    for column, name in enumerate(scene.features):
        middle = _FEATURES_FROM + (column + 0.5) * width
        _text(canvas, (middle, _TABLE_TOP - 10), _label(name), 11, _FAINT, width, anchor="mm")
    for slot, candidate in enumerate(scene.candidates[:_ROWS]):
        _draw_candidate(canvas, scene, slot, candidate, width)


def _label(feature: str) -> str:
    """A short heading of a feature: 'core ratio', 'same city'."""
    stem = feature.removesuffix("_equal")
    words = feature if stem == feature else f"same {stem}"
    return words.removesuffix("_score").replace("_", " ")


def _draw_candidate(
    canvas: "ImageDraw", scene: Scene, slot: int, candidate: ShownCandidate, width: float
) -> None:
    top = _TABLE_TOP + slot * _ROW_HEIGHT
    middle = top + _ROW_HEIGHT / 2
    colour = _INK
    if scene.ended and candidate.is_right:
        colour = _RIGHT
    elif slot == scene.linked:
        colour = _WRONG if scene.ended else _INK
    canvas.line((_MARGIN, top, SIZE[0] - _MARGIN, top), fill=_LINE)
    if slot == scene.linked:
        canvas.rectangle((_MARGIN - 12, top + 3, _MARGIN - 6, top + _ROW_HEIGHT - 3), fill=colour)
    _text(canvas, (_MARGIN + 22, middle), str(slot), 13, _FAINT, anchor="rm")
    _text(
        canvas, (_MARGIN + 32, middle), candidate.company, 13, colour, _FEATURES_FROM - _MARGIN - 44
    )
    for column, value in enumerate(candidate.values):
        left = _FEATURES_FROM + column * width + 4
        full = width - 8
        if value:
            bar = (left, top + 4, left + full * value, top + _ROW_HEIGHT - 3)
            canvas.rectangle(bar, fill=_BAR)
        _text(canvas, (left + full / 2, middle), f"{value:.2f}", 12, anchor="mm")


def _draw_action(canvas: "ImageDraw", scene: Scene) -> None:
    """The last action and, at the end, its outcome."""
    line = SIZE[1] - 78
    canvas.line((_MARGIN, line, SIZE[0] - _MARGIN, line), fill=_LINE)
    _text(canvas, (_MARGIN, line + 18), "LAST ACTION", 12, _FAINT)
    used = _text(canvas, (_MARGIN, line + 46), scene.action or "none yet", 22)
    if not scene.ended:
        return
    outcome = scene.outcome.name.lower().replace("_", " ")
    _text(canvas, (_MARGIN + used + 24, line + 46), outcome, 22, _COLOURS[scene.outcome])
    note = "green: a right company" if any(one.is_right for one in scene.candidates) else ""
    _text(canvas, (SIZE[0] - _MARGIN, line + 46), note, 15, _RIGHT, anchor="rm")
