"""Character tables: what one character folds to, by code point; see `code_tables`.

A batch of texts is one array of code points, so folding 100,000 names is a single gather. The few
characters that fold to several (㈱ to '(株)') are kept apart in `EXPANSIONS`.
"""

import unicodedata
from importlib import resources
from typing import Final

import numpy as np

from linkage_rl.text.code_tables import (
    DROP,
    SIZE,
    Codes,
    Flags,
    Shifts,
    codes_of,
    flags_between,
    flags_of,
    shifts_of,
)

UNSURE: Final = DROP + 1
"""Code of a character that cannot be read without its neighbours, or becomes several."""
VOICED: Final = 0x3099
SEMI_VOICED: Final = 0x309A

# Look-alikes fold to the key; NFKC keeps them apart.
_LOOK_ALIKES: Final = {
    "-": "‐‑‒–—―−⁃─━﹘﹣－˗⁻₋",
    "'": "’‘‛`´′＇ʼ",
    '"': "“”‟″＂〝〞〟",
    "・": "·•‧∙⋅･◦・",
    ".": "。｡．",
    ",": "、，､",
    "(": "（〔［【｛〖〘[{❨﹙",
    ")": "）〕］】｝〗〙]}❩﹚",
    "~": "〜～∼∿〰",
    "/": "／∕⁄",
    "ー": "ｰ",
    "ヶ": "ヵ",
    "々": "〻",
    "ハ": "ㇵ",
}

# NFKC keeps a stroke through a letter, makes letters of a trademark sign and a bare kanji of a
# circled one.
_SPELLED = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "ħ": "h",
    "ı": "i",
    "ŧ": "t",
    "ŋ": "n",
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
}
_SPELLED |= dict.fromkeys("®™©℠℗", "")
_SPELLED |= {
    circled: f"({form})"
    for circled, form in zip("㊑㊒㊓㊔㊕㊖㊩㊪㊫", "株有社名特財医宗学", strict=True)
}

# Kanji and hangul syllables fold to themselves: leaving them out keeps the import fast. The last
# three are mathematical letters, enclosed letters and kanji, and compatibility kanji.
_SCANNED: Final = (
    (0, 0x3400),
    (0xA640, 0xA800),
    (0xF900, 0x10000),
    (0x1D400, 0x1D800),
    (0x1F100, 0x1F300),
    (0x2F800, 0x2FA20),
)


def _one_step(char: str) -> str:
    """NFKC and casefold, without accents, controls and formatting characters."""
    category = unicodedata.category(char)
    if char in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85" or category.startswith("Z"):
        return " "
    if char in "\u309b\uff9e":
        return chr(VOICED)
    if char in "\u309c\uff9f":
        return chr(SEMI_VOICED)
    if ord(char) in (VOICED, SEMI_VOICED):
        return char
    if category in ("Cc", "Cf", "Cs", "Mn", "Me"):
        return ""
    text = unicodedata.normalize("NFKC", char).casefold()
    if len(text) == 1 and ord(text) < 0x2000:
        text = unicodedata.normalize("NFKD", text)
    return text


def _fold_character(char: str) -> str:
    """The text that a character folds to; folding it again changes nothing."""
    for _ in range(8):
        parts = [_KNOWN[part] if part in _KNOWN else _one_step(part) for part in char]
        folded = "".join(parts)
        if folded == char:
            break
        char = folded
    return char


_KNOWN: Final = _SPELLED | {other: key for key, others in _LOOK_ALIKES.items() for other in others}


def _build() -> tuple[Shifts, dict[str, str]]:
    """The fold table and the characters that fold to more than one."""
    table = np.arange(SIZE, dtype=np.uint32)
    expansions = {}
    for start, stop in _SCANNED:
        for code in range(start, stop):
            folded = _fold_character(chr(code))
            if len(folded) == 1:
                table[code] = ord(folded)
            elif not folded:
                table[code] = DROP
            else:
                expansions[chr(code)] = folded
    table[0xD800:0xE000] = DROP
    table[0xE0000:0xE1000] = DROP
    table[ord("\n")] = ord("\n")
    return shifts_of(table), expansions


FOLD, EXPANSIONS = _build()
"""The code point that each folds to, `DROP` for none. Newline, the separator of texts in a batch,
is kept."""


_JAMO: Final = range(0x1100, 0x1200)
_NO_FORMS: Final = ((0x30000, 0xE0000), (0xE1000, DROP))
"""Rare kanji, planes without characters and those for private use: they are normal as they are."""


def _combines(char: str) -> bool:
    """Whether a character may join the one before it in a normalisation form."""
    return unicodedata.category(char)[0] == "M" or ord(char) in _JAMO


def _one_width() -> Codes:
    """The NFKC form of each character on its own, spaces and newlines dropped.

    Characters of which none combines with the one before it are normalised one by one (Unicode
    Standard Annex 15, section 9: what is neither a combining mark nor may compose with the
    character before it is a boundary).
    """
    table = np.full(SIZE, UNSURE, dtype=np.uint32)
    for start, stop in ((0x3400, 0xA000), (0xAC00, 0xD7A4), *_NO_FORMS):
        table[start:stop] = np.arange(start, stop)
    for start, stop in _SCANNED:
        for code in range(start, stop):
            char = chr(code)
            normal = unicodedata.normalize("NFKC", char)
            if len(normal) == 1 and not _combines(unicodedata.normalize("NFKD", char)[0]):
                table[code] = DROP if normal == " " else ord(normal)
    table[ord("\n")] = DROP
    return table


ONE_WIDTH: Final = shifts_of(_one_width())
"""The code point that each is in its usual width, `DROP` for a space, `UNSURE` where the text must
be normalised as a whole."""

EXPANDS: Final[Flags] = flags_of("".join(EXPANSIONS))
"""The code points that fold to several characters."""


def _fold_alone() -> Codes:
    table = codes_of(FOLD)
    table[EXPANDS > 0] = UNSURE
    table[(table == VOICED) | (table == SEMI_VOICED)] = UNSURE
    return table


FOLD_ALONE: Final = shifts_of(_fold_alone())
"""`FOLD` with `UNSURE` for characters that expand, and for marks that join the kana before them."""


IS_KANA: Final = flags_between(
    (0x3041, 0x3097), (0x30A1, 0x30FB), (0x30FC, 0x30FE), (0x31F0, 0x3200)
)
"""Hiragana, katakana and the long-vowel mark."""
IS_KANJI: Final = flags_between(
    (0x3400, 0xA000), (0xF900, 0xFB00), (0x20000, 0x32000), (0x3005, 0x3008)
)


def read_kanji_variants() -> dict[str, str]:
    """Old or rare kanji to the standard one: {'髙': '高', '濵': '浜'}.

    Three sources, joined and closed so that no standard form is itself a variant: the old forms
    of the 常用漢字表 (Agency for Cultural Affairs, 2010); variants common in names, nearly all of
    which ja-itaiji lists as one family; the JIS縮退マップ of the National Tax Agency (CC BY 4.0,
    read from jntajis), with which its corporate-number search folds what users type. Only pairs
    that are one character in two shapes are in: 斉/齊 and 斎/齋 fold, but 斉 and 斎 are two names,
    as are 阪/坂 and 総/惣. 島/嶋, 富/冨 and 館/舘 do fold: clerks write one for the other, and the
    place tells their companies apart.
    """
    text = resources.files(__package__).joinpath("kanji_variants.txt").read_text(encoding="utf-8")
    pairs = (line.split(" ") for line in text.splitlines())
    return {variant: standard for standard, variants in pairs for variant in variants}


KANJI: Final = read_kanji_variants()
