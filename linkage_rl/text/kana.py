"""Katakana readings: one spelling for what sounds the same."""

import re
from collections.abc import Sequence
from typing import Final

from linkage_rl.text import _blocks
from linkage_rl.text.characters import FOLD_ALONE, UNSURE
from linkage_rl.text.code_tables import DROP, Shifts, codes_of, shifts_of, table_of
from linkage_rl.text.legal_forms import cut_kana
from linkage_rl.text.normalise import MAX_CHARS, PUNCTUATION, apply_table, fold_block, join

_HIRAGANA: Final = {chr(code): chr(code + 0x60) for code in range(0x3041, 0x3097)}
_SMALL: Final = "ァィゥェォッャュョヮヵヶ"
_LARGE: Final = "アイウエオツヤユヨワカケ"
_TO_LARGE: Final = dict(zip(_SMALL, _LARGE, strict=True))


def _enlarged(kana: str) -> str:
    return kana.translate(str.maketrans(_SMALL, _LARGE))


_SOUNDS_LIKE: Final = {"ヂ": "ジ", "ヅ": "ズ", "ヲ": "オ", "ヰ": "イ", "ヱ": "エ", "ヴ": "ブ"}
_TO_KATAKANA: Final = table_of(_HIRAGANA)
_READING: Final = table_of(dict.fromkeys(PUNCTUATION + "ーヽヾゝゞ", "") | _TO_LARGE | _SOUNDS_LIKE)
_V_SMALL: Final = {"ヴァ": "バ", "ヴィ": "ビ", "ヴェ": "ベ", "ヴォ": "ボ", "ヴュ": "ビュ"}
_V_ROW: Final = _V_SMALL | {_enlarged(written): read for written, read in _V_SMALL.items()}
"""The same for cores, which hold large kana only: ヴイ for ヴィ."""
SOUNDS: Final = shifts_of(codes_of(_READING)[codes_of(_TO_KATAKANA)])
"""What `normalise_kana_block` makes of each code point but ヴ before a vowel; `DROP` drops it."""
VOICED_SOUNDS: Final = {written[1]: _enlarged(read) for written, read in _V_ROW.items()}
"""What ヴ and a katakana after it become."""
ONLY_KANA: Final = re.compile("[ぁ-ゖァ-ヺー]+")

_READ_OUT: Final = (
    "エ ビ シ デ イ エフ ジ エイチ アイ ジエイ ケ エル エム エヌ オ ピ キユ アル エス"
    " テイ ユ ブイ ダブリユ エツクス ワイ ゼツト アンド"
)
_LETTERS: Final = str.maketrans(
    dict(
        zip(
            "abcdefghijklmnopqrstuvwxyz&",
            _READ_OUT.split(),
            strict=True,
        )
    )
)
_TRANSFER: Final = (
    "カ|ユ|メ|シ|ド|イ|ザイ|シ[ヤャ]|シ[ユュ]ウ|ガク|フク|トクヒ|ドク"
    "|ベン|ゼイ|ギ[ヨョ]|シホウ|ロウム|ノウ"
)
_TRANSFER_EDGE: Final = re.compile(
    rf"^\(?(?:{_TRANSFER})\)(?=.)|(?<=.)\((?:{_TRANSFER})\)?$", re.MULTILINE
)
"""Legal forms as bank transfers write them: カ)ヤマダ, ヤマダ(カ."""
_ACRONYM: Final = re.compile("[a-z&]{2,5}")


def normalise_kana_block(block: str) -> str:
    r"""A block of cores with kana spelled as they sound; kanji and Latin letters are kept.

    >>> normalise_kana_block("ゔぃーなす工業")
    'ビナス工業'
    """
    block = apply_table(_TO_KATAKANA, block)
    if "ヴ" in block:
        for written, read in _V_ROW.items():
            block = block.replace(written, read)
    return apply_table(_READING, block)


def read_kana_block(block: str) -> str:
    r"""A folded block of kana as readings: katakana, large, without long vowels, ヴ as ブ.

    Spaces, punctuation and the legal form at the edges are dropped; ヂ/ジ, ヅ/ズ and ヲ/オ are one.

    >>> read_kana_block("ゔぃーなす・サーヴィス\nカ)ヤマダ")
    'ビナスサビス\nヤマダ'
    """
    block = apply_table(_TO_KATAKANA, block)
    if "(" in block or ")" in block:
        block = _TRANSFER_EDGE.sub("", block)
    return cut_kana(normalise_kana_block(block))


def _one_by_one() -> Shifts:
    """The reading of each raw character on its own, `UNSURE` where its neighbours count."""
    folded = codes_of(FOLD_ALONE)
    for char in "()ヴゔ":
        folded[folded == ord(char)] = UNSURE
    known = folded < DROP
    folded[known] = codes_of(SOUNDS)[folded[known]]
    folded[ord("\n")] = DROP
    return shifts_of(folded)


_ONE_BY_ONE: Final = _one_by_one()


def read_kana(readings: Sequence[str]) -> list[str]:
    """N readings as `read_kana_block` spells them.

    >>> read_kana(["ｶ)ヤマダ", "まるやま・サービス"])
    ['ヤマダ', 'マルヤマサビス']
    """
    texts, unread = _blocks.translated(readings, _ONE_BY_ONE, MAX_CHARS)
    unread += [
        row for row, text in enumerate(texts) if text and ("イシヤ" in text or "ホウジン" in text)
    ]
    if unread:
        read = read_kana_block(fold_block(join([readings[row] for row in unread])))
        for row, text in zip(unread, read.split("\n"), strict=True):
            texts[row] = text
    return texts


def read_acronym(core: str) -> str:
    """The reading of two to five Latin letters that are spelled out; '' for any other core.

    >>> read_acronym("jfe")
    'ジエイエフイ'
    """
    return core.translate(_LETTERS) if _ACRONYM.fullmatch(core) else ""
