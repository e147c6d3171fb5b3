"""Forms of a core: equal for spellings of one name, and different for sister companies."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.text import _likeness
from linkage_rl.text.code_tables import codes_of
from linkage_rl.text.kana import SOUNDS, VOICED_SOUNDS
from linkage_rl.text.normalise import MAX_CHARS
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
}
"""Words that clerks confuse; the first is replaced by the second."""
_SILENT: Final = "々ノ之"
"""Characters that clerks leave out: 井之上 is 井上, too."""
_NUMERALS: Final = "〇一二三四五六七八九十"
_MARKS: Final = LOST + "0123456789東西南北上下左右前後新旧"
_CODES: Final = 0x10000
"""Code points with an entry in the tables: no other one is changed."""


def _tables() -> _likeness.Likeness:
    """What kernels need to know of single characters; a bit for each kind, as they name them."""
    sounds = codes_of(SOUNDS)[:_CODES].copy()
    # a newline cannot be in a line of a block
    sounds[ord("\n")] = sounds[ord(" ")]
    kinds = (sounds != np.arange(_CODES)).astype(np.uint8)
    for bit, chars in enumerate(
        (_NUMERALS, [word[0] for word in _HOMOPHONES], _SILENT, _MARKS), start=1
    ):
        for char in chars:
            kinds[ord(char)] |= 1 << bit
    return _likeness.Likeness(
        kinds,
        sounds,
        _codes([(after, *read.ljust(2, "\0")) for after, read in VOICED_SOUNDS.items()]),
        _codes([written + kept for written, kept in _HOMOPHONES.items()]),
        MAX_CHARS,
    )


def _codes(texts: Sequence[Sequence[str]]) -> NDArray[np.uint32]:
    """Code points of texts of one length."""
    return np.array([[ord(char) for char in text] for text in texts], dtype=np.uint32)


LIKENESS: Final = _tables()
"""Tables of this module, as the kernels take them."""


def read_alike(cores: Sequence[str]) -> list[str]:
    """Cores with kana spelled as they sound, homophones as one, kanji numbers in digits.

    >>> read_alike(["アド・ビューロ岩泉", "アドビューロー岩泉", "古野電機", "古野電気"])
    ['アドビユロ岩泉', 'アドビユロ岩泉', '古野電気', '古野電気']
    """
    return _likeness.forms(LIKENESS, cores, "read_alike")


def marks(cores: Sequence[str]) -> list[str]:
    """What distinguishes sister companies: numbers, points of the compass, old and new.

    A lost character is one, too: 山〓製作所 has a character more than 山製作所.

    >>> marks(["西日本電信電話", "東日本電信電話", "アクイジション25", "二十五"])
    ['西', '東', '25', '25']
    """
    return _likeness.forms(LIKENESS, cores, "marks")


def without_marks(cores: Sequence[str]) -> list[str]:
    """Cores without what distinguishes sister companies; equal for 第一山田 and 第二山田.

    >>> without_marks(["第1山田", "第二山田", "西日本山田"])
    ['第山田', '第山田', '日本山田']
    """
    return _likeness.forms(LIKENESS, cores, "without_marks")
