"""Marks the characters in which two texts differ, and makes invisible characters visible."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import Indel

LONGEST: Final = 300
"""Characters of a text that are compared and shown; the rest is counted."""
_INVISIBLE: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of characters that are shown by their numbers."""


@dataclass(frozen=True)
class Piece:
    """A part of a text."""

    text: str
    differs: bool = False
    """Whether the other text lacks it."""
    code: bool = False
    """Whether `text` is the number of an invisible character, such as U+202E."""


@dataclass(frozen=True)
class Marked:
    """A text in pieces, as it is shown."""

    pieces: tuple[Piece, ...]
    left_out: int = 0
    """Characters after the ones that are shown."""

    def __bool__(self) -> bool:
        return bool(self.pieces)


def marked(text: str, other: str) -> Marked:
    """The text, with the characters marked that another lacks; none where the other is empty.

    Width and case do not count as differences: 'ＡＢＣ' and 'abc' are alike.

    >>> [(piece.text, piece.differs) for piece in marked("青空商会", "青空商事").pieces]
    [('青空商', False), ('会', True)]
    """
    shown, begin = text[:LONGEST], 0
    pieces: list[Piece] = []
    if not other.strip():
        pieces.extend(_visible(shown, differs=False))
    else:
        own, theirs = _folded(shown), _folded(other[:LONGEST])
        for step in Indel.opcodes(own, theirs):
            if step.src_end > step.src_start:
                part = shown[step.src_start : step.src_end]
                pieces.extend(_visible(part, differs=step.tag != "equal"))
                begin = step.src_end
        pieces.extend(_visible(shown[begin:], differs=True))
    return Marked(tuple(pieces), max(len(text) - LONGEST, 0))


def plain(text: str, longest: int = LONGEST) -> str:
    """A short text with its invisible characters as their numbers, for where nothing is compared.

    >>> plain("a" + chr(0x202E) + "bc", 3)
    'aU+202Eb…'
    """
    shown = "".join(piece.text for piece in _visible(text[:longest], differs=False))
    return f"{shown}…" if len(text) > longest else shown


def _folded(text: str) -> list[str]:
    """Each character in one width and case, blanks alike; as many as the text has."""
    return [" " if one.isspace() else unicodedata.normalize("NFKC", one).casefold() for one in text]


def _visible(text: str, differs: bool) -> Iterator[Piece]:
    """The text in pieces, its invisible characters as their numbers."""
    begin = 0
    for place, one in enumerate(text):
        if unicodedata.category(one) in _INVISIBLE:
            if place > begin:
                yield Piece(text[begin:place], differs)
            yield Piece(f"U+{ord(one):04X}", differs, code=True)
            begin = place + 1
    if begin < len(text):
        yield Piece(text[begin:], differs)
