"""Folds text of any width, case and shape to one spelling, a batch in one pass.

A batch travels as one *block*: its N texts joined by newlines. Kernels, regular expressions and
`str.replace` then run over the block at C speed, once, instead of once per text.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence, Set
from typing import Final

from linkage_rl.text import _blocks
from linkage_rl.text.characters import (
    EXPANDS,
    EXPANSIONS,
    FOLD,
    FOLD_ALONE,
    IS_KANA,
    KANJI,
    ONE_WIDTH,
)
from linkage_rl.text.code_tables import Shifts, table_of

MAX_CHARS: Final = 500
"""Longer texts are cut: no name or address has more, and a hostile one must not cost seconds."""

_VOICED_KANA: Final = re.compile("(.)([\u3099\u309a])")
_JAPANESE_SPACE: Final = re.compile(" (?:(?![a-z0-9])|(?<![a-z0-9] ))")

_FEW: Final = 64
"""Different characters for which several passes over a text are faster than one."""
_EXPANDED: Final = str.maketrans(EXPANSIONS)

PUNCTUATION: Final = " -.,・'\"()~/!?:;&+*#$%=@_^|\\<>「」『』〈〉《》〃…‥※☆★○●◎□■◇◆△▲▽▼♪→←↑↓"

KANA_SHAPES: Final = dict(
    zip(
        "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶへべぺ",
        "あいうえおつやゆよわアイウエオツヤユヨワカケヘベペ",
        strict=True,
    )
)
"""Small kana as large, and へ, which looks alike in both scripts, as ヘ."""
CORE: Final = table_of(KANJI | KANA_SHAPES | dict.fromkeys(PUNCTUATION.replace("&", ""), ""))
"""Folded text to `core`: no punctuation, old kanji as new, small kana as large, へ as ヘ."""


def join(texts: Iterable[str]) -> str:
    """One block of N lines; a newline inside a text becomes a space, long texts are cut."""
    texts = list(texts)
    block = "\n".join(texts)
    if block.count("\n") != len(texts) - 1 or (
        len(block) > MAX_CHARS and max(map(len, texts)) > MAX_CHARS
    ):
        block = "\n".join([text[:MAX_CHARS].replace("\n", " ") for text in texts])
    return block


def split(block: str, count: int) -> list[str]:
    """The texts of a block of `count` lines; an empty batch has no line."""
    return block.split("\n") if count else []


def apply_table(table: Shifts, block: str) -> str:
    """The block with every character as the table has it; `DROP` drops it."""
    return _blocks.translate(block, table)


def _expanded(block: str, chars: Set[str]) -> str:
    """The block with these characters spelled out, its lines cut as in `join`."""
    if len(chars) > _FEW:
        block = block.translate(_EXPANDED)
    for char in chars if len(chars) <= _FEW else ():
        block = block.replace(char, EXPANSIONS[char])
    lines = block.split("\n")
    if max(map(len, lines)) > MAX_CHARS:
        block = "\n".join([line[:MAX_CHARS] for line in lines])
    return block


def _join_voicing(block: str) -> str:
    """Join kana with the voicing mark after it; other marks are dropped."""
    block = _VOICED_KANA.sub(lambda pair: unicodedata.normalize("NFC", pair[0]), block)
    return block.replace("\u3099", "").replace("\u309a", "")


def fold_block(block: str) -> str:
    """`fold` over a block; the number of lines does not change.

    Clerks type サ－ビス and 1ー2, so a dash after kana is read as a long vowel, and a long-vowel
    mark after anything else as a dash. A real hyphen between kana (イ‐スタイルズ) becomes a long
    vowel, too: 130 of 1.6 million companies have one, and lists spell those in every way.
    """
    folded = _blocks.fold(block, FOLD_ALONE, IS_KANA)
    if folded is not None:
        return folded
    if expanding := _blocks.flagged(block, EXPANDS):
        block = _expanded(block, expanding)
    block = apply_table(FOLD, block)
    if "\u3099" in block or "\u309a" in block:
        block = _join_voicing(block)
    return _blocks.normalise_dashes(block, IS_KANA)


def fold(texts: Sequence[str]) -> list[str]:
    """One spelling for each width, case, accent, dash, dot, bracket and space.

    Full-width Latin becomes ASCII, half-width kana full-width, ㈱ becomes (株), every bracket
    round, every run of spaces one space; control and formatting characters and lone surrogates are
    dropped. Kanji are kept. Folding twice changes nothing.

    >>> fold(["㈱ＡＢＣ　ｻ-ﾋﾞｽ", "Café–１ー２"])
    ['(株)abc サービス', 'cafe-1-2']
    """
    return split(fold_block(join(texts)), len(texts))


def as_written(texts: Sequence[str], without: Sequence[str] = ()) -> list[str]:
    """Texts in one width without spaces, otherwise unchanged.

    Args:
        texts: N texts.
        without: Words that are dropped.

    >>> as_written(["Ｍａｒｖｅｌｏｕｓ　㈱", "シナリオ"], ["(株)"])
    ['Marvelous', 'シナリオ']
    """
    written, unread = _blocks.translated(texts, ONE_WIDTH, MAX_CHARS, tuple(without))
    if unread:
        block = unicodedata.normalize("NFKC", join([texts[row] for row in unread]))
        for word in (" ", *without):
            block = block.replace(word, "")
        for row, text in zip(unread, block.split("\n"), strict=True):
            written[row] = text
    return written


def drop_japanese_spaces(block: str) -> str:
    """A folded block with spaces kept only between Latin letters or digits."""
    return _JAPANESE_SPACE.sub("", block) if " " in block else block


def core_block(block: str) -> str:
    """A folded block without spaces and punctuation, old kanji as new, small kana as large."""
    return apply_table(CORE, block)
