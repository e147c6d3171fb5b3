"""Legal forms of names in Latin script: Inc., Ltd, GmbH; and which texts are in that script."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

_JAPANESE: Final = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u3200-\u33ff\u3400-\u9fff\uf900-\ufaff\uff65-\uff9f]"
)
_TOKEN: Final = re.compile(r"[^\s,]+")
_REMARK: Final = re.compile(r"\s*\([^()]*\)\s*$")
_LONGEST: Final = 6
"""Words of the longest legal form, written with spaces: Sp. z o. o."""

FORMS: Final = (
    ("Inc.", "Inc", "Incorporated"),
    ("Corp.", "Corp", "Corporation"),
    ("Ltd", "Ltd.", "Limited"),
    ("Co., Ltd.", "Co. Ltd.", "Co Ltd", "Co.,Ltd.", "Company Limited"),
    ("Co.", "Co", "Company"),
    ("LLC", "L.L.C.", "Limited Liability Company"),
    ("LLP", "L.L.P.", "Limited Liability Partnership"),
    ("LP", "L.P.", "Limited Partnership"),
    ("PLC", "plc", "P.L.C.", "Public Limited Company"),
    ("Pty Ltd", "Pty. Ltd.", "Pty Limited", "Proprietary Limited"),
    ("Pvt Ltd", "Pvt. Ltd.", "Private Limited"),
    ("Pte Ltd", "Pte. Ltd.", "Pte Limited"),
    ("Sdn Bhd", "Sdn. Bhd.", "Sendirian Berhad"),
    ("Bhd", "Berhad"),
    ("GmbH", "G.m.b.H.", "Gesellschaft mit beschränkter Haftung"),
    ("GmbH & Co. KG", "GmbH & Co KG", "GmbH und Co. KG"),
    ("KG", "K.G.", "Kommanditgesellschaft"),
    ("AG", "A.G.", "Aktiengesellschaft"),
    ("UG", "UG (haftungsbeschränkt)"),
    ("OHG", "oHG"),
    ("e.V.", "eV", "e. V."),
    ("SE", "S.E."),
    ("S.A.", "SA", "S. A.", "Société Anonyme"),
    ("S.A.S.", "SAS"),
    ("SARL", "S.A.R.L.", "S.à r.l."),
    ("S.r.l.", "Srl", "SRL", "S.R.L."),
    ("S.p.A.", "SpA", "SPA"),
    ("S.n.c.", "SNC"),
    ("S.L.", "SL", "S.L"),
    ("S.A. de C.V.", "SA de CV"),
    ("Ltda.", "Ltda", "Limitada"),
    ("B.V.", "BV", "B.V"),
    ("N.V.", "NV"),
    ("Oy", "OY", "Osakeyhtiö"),
    ("Oyj",),
    ("AB", "Aktiebolag"),
    ("A/S", "AS", "A.S."),
    ("ApS", "APS"),
    ("Sp. z o.o.", "Sp. z o. o.", "Sp z oo"),
    ("s.r.o.", "sro", "s. r. o."),
    ("Kft.", "Kft"),
    ("d.o.o.", "doo"),
    ("K.K.", "KK", "Kabushiki Kaisha"),
    ("G.K.", "GK", "Godo Kaisha"),
    ("JSC", "J.S.C."),
    ("OOO", "LLC"),
)
"""Spellings of each legal form, the most usual first."""
ADDED: Final = ("Inc.", "Ltd", "LLC", "Co.", "Corp.", "Limited")
"""Forms that lists add to a name that the table has without one."""


def is_latin(text: str) -> bool:
    """Whether a text has neither kana, kanji nor a Japanese sign such as ㈱; an empty one has none.

    >>> is_latin("Müller GmbH"), is_latin("ACE株式会社"), is_latin("㈱ACE"), is_latin("")
    (True, False, False, True)
    """
    return text.isascii() or _JAPANESE.search(text) is None


@dataclass(frozen=True)
class Parts:
    """A name cut at its legal form."""

    core: str
    form: str
    """As the name spells it, '' for none."""
    remark: str
    """What follows in brackets, with the space before it: ' (UK)'."""
    spellings: tuple[str, ...]
    """Of the form, the most usual first; none without a form."""


def _key(form: str) -> str:
    return re.sub("[., ]", "", form).casefold()


_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {_key(spelling): spellings for spellings in reversed(FORMS) for spelling in spellings}
)


def cut_latin_form(name: str) -> Parts:
    """The parts of a name; the core is never empty where the name is not.

    >>> parts = cut_latin_form("Acme Widgets, Inc. (UK)")
    >>> parts.core, parts.form, parts.remark
    ('Acme Widgets', 'Inc.', ' (UK)')
    """
    found = _REMARK.search(name)
    if found and found.start():
        parts = _cut(name[: found.start()])
        if parts.form:
            return Parts(parts.core, parts.form, found[0].rstrip(), parts.spellings)
    return _cut(name)


def _cut(name: str) -> Parts:
    starts = [token.start() for token in _TOKEN.finditer(name)]
    for count in range(min(_LONGEST, len(starts) - 1), 0, -1):
        form = name[starts[-count] :].strip(" ,")
        spellings = _SPELLINGS.get(_key(form))
        if spellings:
            return Parts(name[: starts[-count]].rstrip(" ,"), form, "", spellings)
    return Parts(name, "", "", ())


def core_of_latin(name: str) -> str:
    """The name without its legal form; the name itself where it has none."""
    return cut_latin_form(name).core


def shorten_latin_form(name: str, rng: np.random.Generator) -> str:
    """The name with its legal form left out or spelled otherwise; unchanged where it has none."""
    parts = cut_latin_form(name)
    if not parts.form:
        return name
    if rng.random() < 0.4:
        return parts.core + parts.remark
    others = [spelling for spelling in parts.spellings if spelling != parts.form]
    # the more usual spellings come first
    form = others[int(rng.random() ** 2 * len(others))] if others else parts.form.replace(".", "")
    return parts.core + _separator(rng) + in_case_of(form, parts.core) + parts.remark


def change_latin_form(name: str, rng: np.random.Generator) -> str:
    """The name with its legal form left out or spelled otherwise, with one where it has none."""
    if cut_latin_form(name).form:
        return shorten_latin_form(name, rng)
    return name + _separator(rng) + in_case_of(ADDED[rng.integers(len(ADDED))], name)


def in_case_of(text: str, model: str) -> str:
    """The text in upper or lower case where the model is; else as it is."""
    return text.upper() if model.isupper() else text.lower() if model.islower() else text


def _separator(rng: np.random.Generator) -> str:
    return ", " if rng.random() < 0.3 else " "
