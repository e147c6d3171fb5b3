"""Two forms of a core: equal for spellings of one name, and different for sister companies."""

import re
from collections.abc import Sequence
from typing import Final

from linkage_rl.text.kana import normalise_kana_block
from linkage_rl.text.normalise import join, split
from linkage_rl.text.numbers import kanji_to_digits
from linkage_rl.text.remarks import LOST

_HOMOPHONES: Final = {
    "電機": "電気",
    "電器": "電気",
    "綜合": "総合",
    "車輌": "車両",
    "鈑金": "板金",
    "塗裝": "塗装",
    "聯合": "連合",
    "商會": "商会",
    "々": "",
    "ノ": "",
    "之": "",
}
"""Words that clerks confuse; the first is replaced by the second."""

_NUMERALS: Final = re.compile("[〇一二三四五六七八九十]+")
_MARK: Final = re.compile(f"[{LOST}0-9東西南北上下左右前後新旧]+")
_MARKS: Final = re.compile(f"[^{LOST}0-9東西南北上下左右前後新旧\n]+")


def read_alike(cores: Sequence[str]) -> list[str]:
    """Cores with kana spelled as they sound, homophones as one, kanji numbers in digits.

    >>> read_alike(["アド・ビューロ岩泉", "アドビューロー岩泉", "古野電機", "古野電気"])
    ['アドビユロ岩泉', 'アドビユロ岩泉', '古野電気', '古野電気']
    """
    block = _in_digits(normalise_kana_block(join(cores)))
    for written, kept in _HOMOPHONES.items():
        block = block.replace(written, kept)
    return split(block, len(cores))


def marks(cores: Sequence[str]) -> list[str]:
    """What distinguishes sister companies: numbers, points of the compass, old and new.

    A lost character is one, too: 山〓製作所 has a character more than 山製作所.

    >>> marks(["西日本電信電話", "東日本電信電話", "アクイジション25", "二十五"])
    ['西', '東', '25', '25']
    """
    return split(_MARKS.sub("", _in_digits(join(cores))), len(cores))


def without_marks(cores: Sequence[str]) -> list[str]:
    """Cores without what distinguishes sister companies; equal for 第一山田 and 第二山田.

    >>> without_marks(["第1山田", "第二山田", "西日本山田"])
    ['第山田', '第山田', '日本山田']
    """
    return split(_MARK.sub("", _in_digits(join(cores))), len(cores))


def _in_digits(block: str) -> str:
    """The block with kanji numbers in digits: 第一 and 第1, 二十四 and 24 become equal."""
    return _NUMERALS.sub(lambda found: kanji_to_digits(found[0]), block)


def complete_lost(cores: Sequence[str], others: Sequence[str]) -> list[str]:
    """Each core, or the other text of its pair where that has a character for every lost one.

    >>> complete_lost(["山〓製作所", "〓花", "青空"], ["山田製作所", "花", "青空"])
    ['山田製作所', '〓花', '青空']
    """
    return [
        other
        if LOST in core
        and len(core) == len(other)
        and all(mine in (LOST, its) for mine, its in zip(core, other, strict=True))
        else core
        for core, other in zip(cores, others, strict=True)
    ]
