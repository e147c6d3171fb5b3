"""Characters that an encoding or a font lacked: ● ■ □ 〓 ? stand for one character each.

A mark inside a name holds the place of a character; one before the whole name is a bullet.
"""

import re
from collections.abc import Sequence
from typing import Final

LOST: Final = "〓"
"""Stands for a lost character in a core; no company of Japan has it in its name."""

_MARKS: Final = "●■□◆〓\ufffd"
_INSIDE: Final = re.compile(
    f"(?<=[^\\W_])[{_MARKS}](?=[^\\W_])|(?<=\\))[{_MARKS}](?=[^\\W_])|(?<=[^\\W_])[{_MARKS}]$"
    "|(?<=[^\\W\\x00-\x7f])\\?(?=[^\\W\\x00-\x7f])",
    re.MULTILINE,
)


def with_lost_marks(block: str) -> str:
    r"""A folded block with `LOST` for every mark that stands for a character.

    >>> with_lost_marks("山●製作所\n■山田商店\n株式会社■花\n山?製作所\n何でも屋?")
    '山〓製作所\n■山田商店\n株式会社〓花\n山〓製作所\n何でも屋?'
    """
    return _INSIDE.sub(LOST, block) if any(mark in block for mark in f"{_MARKS}?") else block


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
