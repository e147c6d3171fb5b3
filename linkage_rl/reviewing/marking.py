"""Marks the characters in which two texts differ, and makes invisible characters visible."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from rapidfuzz.distance import Indel

from linkage_rl.text.characters import EXPANSIONS, FOLD, SEMI_VOICED, VOICED
from linkage_rl.text.code_tables import DROP, code_of
from linkage_rl.text.legal_forms import cut, spell_out

LONGEST: Final = 300
"""Characters of a text that are compared and shown; the rest is counted."""
LONG: Final = 120
"""Characters from which on a text scrolls, which leaves room for the other fields."""
LEAST_SHARED: Final = 0.5
"""Share of the shorter text that the other has, from which on single characters are marked."""
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

    @property
    def is_long(self) -> bool:
        """Whether it is longer than the fields of companies are."""
        return sum(len(piece.text) for piece in self.pieces) > LONG


@dataclass(frozen=True)
class _Part:
    """A character as it is compared, and where the text has it."""

    folded: str
    begin: int
    end: int


def marked(text: str, other: str, is_name: bool = False) -> Marked:
    """The text, with the characters marked that another lacks; none where the other is empty.

    Width, case, blanks and kinds of dashes and brackets do not count as differences, nor does the
    legal form of a name, which is a field of its own.

    >>> [(piece.text, piece.differs) for piece in marked("青空商会", "青空商事").pieces]
    [('青空商', False), ('会', True)]
    >>> found = marked("株式会社武石電機", "(株)白石電機", is_name=True)
    >>> [piece.text for piece in found.pieces if piece.differs]
    ['武']
    """
    shown = text[:LONGEST]
    differs = [False] * len(shown)
    if other.strip():
        for part in _differing(_compared(shown, is_name), _compared(other[:LONGEST], is_name)):
            differs[part.begin : part.end] = [True] * (part.end - part.begin)
    pieces: list[Piece] = []
    begin = 0
    for differing, run in groupby(differs):
        end = begin + len(list(run))
        pieces.extend(_visible(shown[begin:end], differing))
        begin = end
    return Marked(tuple(pieces), max(len(text) - LONGEST, 0))


def plain(text: str, longest: int = LONGEST) -> str:
    """A short text with its invisible characters as their numbers, for where nothing is compared.

    >>> plain("a" + chr(0x202E) + "bc", 3)
    'aU+202Eb…'
    """
    shown = "".join(piece.text for piece in _visible(text[:longest], differs=False))
    return f"{shown}…" if len(text) > longest else shown


def _differing(own: list[_Part], theirs: list[_Part]) -> list[_Part]:
    """The parts that the other text lacks: all of them where the two share few characters.

    Characters that two phones or addresses share by chance would be read as agreement.
    """
    steps = Indel.opcodes([part.folded for part in own], [part.folded for part in theirs])
    shared = sum(step.src_end - step.src_start for step in steps if step.tag == "equal")
    if shared < LEAST_SHARED * min(len(own), len(theirs)):
        return own
    return [
        part for step in steps if step.tag != "equal" for part in own[step.src_start : step.src_end]
    ]


def _compared(text: str, is_name: bool) -> list[_Part]:
    """The characters of a text that are compared."""
    parts = _folded(text)
    if is_name:
        parts = _without_form(parts)
    return [part for part in parts if part.folded != " "]


def _without_form(parts: list[_Part]) -> list[_Part]:
    """The characters of a name without those of its legal form."""
    folded = "".join(part.folded for part in parts)
    found = cut(spell_out(folded))
    before, after = found.before, found.after
    if not (found.form and folded.startswith(before) and folded.endswith(after)):
        return parts
    return [*parts[: len(before)], *parts[len(parts) - len(after) :]]


def _folded(text: str) -> list[_Part]:
    """The text in one width and case; a letter of several characters, such as ㈱, is several."""
    parts: list[_Part] = []
    for place, one in enumerate(text):
        code = code_of(one, FOLD)
        if code in (VOICED, SEMI_VOICED) and parts:
            joined = unicodedata.normalize("NFC", parts[-1].folded + chr(code))
            if len(joined) == 1:
                parts[-1] = _Part(joined, parts[-1].begin, place + 1)
                continue
        folded = EXPANSIONS.get(one, "" if code == DROP else chr(code))
        parts.extend(_Part(each, place, place + 1) for each in folded)
    return parts


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
