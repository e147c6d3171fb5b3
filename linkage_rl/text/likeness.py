"""Two forms of a core: equal for spellings of one name, and different for sister companies."""

import re
from collections.abc import Sequence
from typing import Final

from linkage_rl.text.kana import normalise_kana_block
from linkage_rl.text.normalise import join, split

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

_MARKS: Final = re.compile("[^0-9一二三四五六七八九十東西南北上下左右前後新旧\n]+")


def read_alike(cores: Sequence[str]) -> list[str]:
    """Cores with kana spelled as they sound and homophones as one: ビューロ is ビューロー.

    >>> read_alike(["アド・ビューロ岩泉", "アドビューロー岩泉", "古野電機", "古野電気"])
    ['アドビユロ岩泉', 'アドビユロ岩泉', '古野電気', '古野電気']
    """
    block = normalise_kana_block(join(cores))
    for written, kept in _HOMOPHONES.items():
        block = block.replace(written, kept)
    return split(block, len(cores))


def marks(cores: Sequence[str]) -> list[str]:
    """What distinguishes sister companies: numbers, points of the compass, old and new.

    >>> marks(["西日本電信電話", "東日本電信電話", "アクイジション25"])
    ['西', '東', '25']
    """
    return split(_MARKS.sub("", join(cores)), len(cores))
