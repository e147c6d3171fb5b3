"""Names of the usual kind: one company form at one edge, and nothing beside the name.

Three of four names are. They are read in one pass over their characters; `names` reads all others,
and reads these alike.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linkage_rl.text import _names
from linkage_rl.text.characters import (
    EXPANSIONS,
    FOLD_ALONE,
    IS_KANA,
    UNSURE,
)
from linkage_rl.text.code_tables import (
    SIZE,
    Flags,
    Shifts,
    codes_of,
    flags_of,
    shifts_of,
    sparse,
)
from linkage_rl.text.legal_forms import LEADING_EDGES, USUAL_FORMS, spell_out
from linkage_rl.text.normalise import CORE
from linkage_rl.text.numbers import NUMERAL_FLAGS
from linkage_rl.text.remarks import FIRST_FLAGS, LOST_FLAGS, REMARK_FLAGS
from linkage_rl.text.stems import HINT, HINT_FLAGS, LTD, TRADE_WORD

_CIRCLED: Final = "".join(map(chr, (*range(0x2460, 0x2474), *range(0x3251, 0x32C0))))
_ESCAPES: Final = ";_\\<"
"""Every escape of `remarks.without_escapes` has one of them."""
_LEFT_TO_NAMES: Final = "\n會療"
"""Folded characters of which `names` knows more: 會社, 医療法人."""
_OPEN, _CLOSE, _SPELLED = UNSURE + 1, UNSURE + 2, UNSURE + 3
_HARD, _FIRST, _HINT, _BESIDE, _TITLE = 1, 2, 4, 8, 16
_BESIDE_FLAGS: Final = flags_of("・")
"""Behind a leading form and a space, these may set a trade name apart: 株式会社 ブランド・丸山."""
_TITLE_FLAGS: Final = flags_of("代理取社会支所院学校組総園館部セ担")
"""First characters of the titles that `stems` knows behind a space: 株式会社 社長."""
_BESIDE_LATIN: Final = re.compile(
    rf"{TRADE_WORD.pattern}|(?:{'|'.join(map(re.escape, LTD))})$|[・,+&](?:株式|有限|合同)会社$"
)
"""What makes the stem of a usual name differ from its core where the name has a Latin space."""


def _table() -> Shifts:
    """Raw character to what it folds to, or to a code above all characters."""
    table = codes_of(FOLD_ALONE)
    spelled = [form for form, *_ in USUAL_FORMS]
    for char, text in EXPANSIONS.items():
        if (form := spell_out(text)) in spelled:
            table[ord(char)] = _SPELLED + spelled.index(form)
    table[[ord(char) for char in (*_CIRCLED, *_ESCAPES)]] = UNSURE
    for char in _LEFT_TO_NAMES:
        table[table == ord(char)] = UNSURE
    table[table == ord("(")] = _OPEN
    table[table == ord(")")] = _CLOSE
    return shifts_of(table)


def _kinds() -> Flags:
    """Kinds of folded characters, a bit each."""
    hard = REMARK_FLAGS | LOST_FLAGS | NUMERAL_FLAGS
    hint = HINT_FLAGS.copy()
    hint[ord(" ")] = 0
    kinds = ((hard, _HARD), (FIRST_FLAGS, _FIRST), (hint, _HINT), (_BESIDE_FLAGS, _BESIDE))
    flags = np.zeros(SIZE, dtype=np.uint8)
    for some, bit in (*kinds, (_TITLE_FLAGS, _TITLE)):
        flags |= some * np.uint8(bit)
    return sparse(flags)


_TABLE: Final = _table()
_KINDS: Final = _kinds()
_FORMS: Final = _names.Forms(USUAL_FORMS, LEADING_EDGES)


class UsualNames(NamedTuple):
    """N names; those that are not usual are ''."""

    name: list[str]
    core: list[str]
    legal_form: NDArray[np.int8]
    legal_side: NDArray[np.int8]
    hinted: list[int]
    """Positions of names whose stem may differ from their core."""
    others: list[int]
    """Positions of names that are not usual."""


def read_usual_names(names: Sequence[str]) -> UsualNames:
    """What `canonical_names` gives for the usual names of these, and which the others are.

    >>> usual = read_usual_names(["㈱ヤマダ", "山田商会"])
    >>> usual.name, usual.core, usual.others
    (['株式会社ヤマダ', ''], ['ヤマダ', ''], [1])
    """
    name, core, form, side, hinted, spaced, others = _names.read_usual(
        names, _TABLE, _KINDS, IS_KANA, CORE, _FORMS
    )
    hinted = [row for row in hinted if HINT.search(name[row])]
    hinted += [row for row in spaced if _BESIDE_LATIN.search(name[row])]
    return UsualNames(name, core, form, side, hinted, others)
