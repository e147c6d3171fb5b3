"""Folds text of any width, case and shape to one writing, a whole batch in one pass.

A batch travels as one *block*: its N texts joined by newlines. Gathers, regular expressions and
`str.replace` then run over the block at C speed, once, instead of once per text.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from linkage_rl.text.characters import (
    DROP,
    EXPANDS,
    EXPANSIONS,
    FOLD,
    IS_ASCII_WORD,
    IS_KANA,
    KANJI,
    SEMI_VOICED,
    VOICED,
    Codes,
    table_of,
)

MAX_CHARS: Final = 500
"""Longer texts are cut: no name or address has more, and a hostile one must not cost seconds."""

NEWLINE: Final = ord("\n")
SPACE: Final = ord(" ")
HYPHEN: Final = ord("-")
LONG_VOWEL: Final = ord("ー")
_VOICED_KANA: Final = re.compile("(.)([\u3099\u309a])")

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
    if block.count("\n") != len(texts) - 1 or max(map(len, texts), default=0) > MAX_CHARS:
        block = "\n".join([text[:MAX_CHARS].replace("\n", " ") for text in texts])
    return block


def split(block: str, count: int) -> list[str]:
    """The texts of a block of `count` lines; a batch of none is no line at all."""
    return block.split("\n") if count else []


def encode(block: str) -> Codes:
    """Code points of a block, shape (characters,)."""
    return np.frombuffer(block.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def decode(codes: Codes) -> str:
    """The block of these code points; those that are `DROP` vanish."""
    return str(codes[codes != DROP].tobytes(), "utf-32-le", "surrogatepass")


def apply_table(table: Codes, block: str) -> str:
    """The block with every character replaced by its entry in the table."""
    return decode(table[encode(block)])


def previous(codes: Codes) -> Codes:
    """The code before each position, newline before the first."""
    return np.concatenate((_NEWLINE, codes[:-1]))


def following(codes: Codes) -> Codes:
    """The code after each position, newline after the last."""
    return np.concatenate((codes[1:], _NEWLINE))


_NEWLINE: Final = np.array([NEWLINE], dtype=np.uint32)


def _expand(block: str, codes: Codes) -> str:
    for code in np.unique(codes[EXPANDS[codes]]).tolist():
        block = block.replace(chr(code), EXPANSIONS[chr(code)])
    return block


def _join_voicing(codes: Codes) -> Codes:
    """Kana and a voicing mark after it become one character; other marks vanish."""
    marks = (codes == VOICED) | (codes == SEMI_VOICED)
    if not marks.any():
        return codes
    block = _VOICED_KANA.sub(lambda pair: unicodedata.normalize("NFC", pair[0]), decode(codes))
    codes = encode(block)
    whole: Codes = codes[(codes != VOICED) & (codes != SEMI_VOICED)]
    return whole


def _settle_dashes(codes: Codes) -> Codes:
    """A dash after kana is a long vowel, a long-vowel mark after anything else is a dash.

    Clerks type サ－ビス and 1ー2. A real hyphen between kana (イ‐スタイルズ) becomes a long vowel,
    too: 130 of 1.6 million companies have one, and clerks write those in every way.
    """
    dashes = (codes == HYPHEN) | (codes == LONG_VOWEL)
    if not dashes.any():
        return codes
    # The character before a run of dashes decides for all of it.
    before = np.maximum.accumulate(np.where(dashes, -1, np.arange(len(codes))))[dashes]
    after_kana = (before >= 0) & IS_KANA[codes[before]]
    codes = codes.copy()
    codes[dashes] = np.where(after_kana, LONG_VOWEL, HYPHEN)
    return codes


def _squeeze_spaces(codes: Codes) -> Codes:
    """Single spaces inside, none at the edges."""
    spaces = codes == SPACE
    if not spaces.any():
        return codes
    before = previous(codes)
    codes = codes[~(spaces & ((before == SPACE) | (before == NEWLINE)))]
    squeezed: Codes = codes[~((codes == SPACE) & (following(codes) == NEWLINE))]
    return squeezed


def fold_block(block: str) -> str:
    """`fold` over a block; the number of lines stays."""
    codes = encode(block)
    if EXPANDS[codes].any():
        block = _expand(block, codes)
        codes = encode(block)
    codes = FOLD[codes]
    codes = _join_voicing(codes[codes != DROP])
    return decode(_squeeze_spaces(_settle_dashes(codes)))


def fold(texts: Sequence[str]) -> list[str]:
    """Width, case, accents, dashes, dots, brackets and spaces to one writing each.

    Full-width Latin becomes plain, half-width kana whole, ㈱ becomes (株), every bracket round,
    every run of spaces one space; control and formatting characters and lone surrogates vanish.
    Kanji stay as they are. Folding twice changes nothing.

    >>> fold(["㈱ＡＢＣ　ｻ-ﾋﾞｽ", "Café–１ー２"])
    ['(株)abc サービス', 'cafe-1-2']
    """
    return split(fold_block(join(texts)), len(texts))


def as_written(texts: Sequence[str], without: Sequence[str] = ()) -> list[str]:
    """Texts in one width without spaces, all else as it was written.

    Args:
        texts: N texts.
        without: Words that vanish.

    >>> as_written(["Ｍａｒｖｅｌｏｕｓ　㈱", "シナリオ"], ["(株)"])
    ['Marvelous', 'シナリオ']
    """
    block = unicodedata.normalize("NFKC", join(texts))
    for word in (" ", *without):
        block = block.replace(word, "")
    return split(block, len(texts))


def drop_japanese_spaces(block: str) -> str:
    """A folded block with spaces kept only between Latin letters or digits."""
    codes = encode(block)
    spaces = codes == SPACE
    if not spaces.any():
        return block
    inner = IS_ASCII_WORD[previous(codes)] & IS_ASCII_WORD[following(codes)]
    return decode(codes[~spaces | inner])


def core_block(block: str) -> str:
    """A folded block without spaces and punctuation, old kanji as new, small kana as large."""
    return apply_table(CORE, block)
