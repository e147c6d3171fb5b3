"""How a client spells the name of a company: forms, spaces, typos, readings, other languages."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from linkage_rl.tables.latin_forms import core_of_latin, is_latin, shorten_latin_form
from linkage_rl.tables.vocabulary import vocabulary

Fields = dict[str, str]
"""Fields of one record by name, '' where missing; a client's address is in `street`."""
Change = Callable[[Fields, np.random.Generator], Fields]
"""Returns the fields that it changes, with their new texts; none where it does not apply."""

ABBREVIATIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "株式会社": ("（株）", "(株)", "㈱"),
        "有限会社": ("（有）", "(有)", "㈲"),
        "合同会社": ("（同）", "(同)", "合同会社"),
        "合資会社": ("（資）", "(資)"),
        "合名会社": ("（名）", "(名)"),
        "一般社団法人": ("（一社）", "(一社)"),
        "特定非営利活動法人": ("ＮＰＯ法人", "NPO法人", "（特非）"),
        "社会福祉法人": ("（福）", "(福)", "（社福）"),
        "一般財団法人": ("（一財）", "(一財)"),
        "公益社団法人": ("（公社）", "(公社)"),
        "公益財団法人": ("（公財）", "(公財)"),
        "医療法人社団": ("（医）", "医療法人", "(医社)"),
        "医療法人": ("（医）", "(医)"),
        "協同組合": ("（協）", "(協)"),
        "農事組合法人": ("（農）", "(農)"),
        "税理士法人": ("（税）", "税理士法人"),
        "弁護士法人": ("（弁）", "弁護士法人"),
    }
)
"""Legal form to its abbreviations; a form comes before any shorter form that it contains."""


def shorten_form(name: str, rng: np.random.Generator) -> str:
    """The name with its legal form left out or abbreviated; unchanged where it has none."""
    form = next((form for form in ABBREVIATIONS if form in name), None)
    if form is None:
        return shorten_latin_form(name, rng) if is_latin(name) else name
    ways = ("", *ABBREVIATIONS[form])
    return name.replace(form, ways[rng.integers(len(ways))], 1) or name


def _form_changed(true: Fields, rng: np.random.Generator) -> str:
    return shorten_form(true["name"], rng)


def _respaced(true: Fields, rng: np.random.Generator) -> str:
    core = core_of(true["name"])
    space = ("　", " ", "\n", "")[rng.integers(4)]
    spaced = true["name"].replace(core, f"{space}{core}{space}", 1).strip()
    return unicodedata.normalize("NFKC", spaced) if rng.random() < 0.5 else spaced


def _extended(true: Fields, rng: np.random.Generator) -> str:
    branches = vocabulary()["branch"].texts
    space = ("", "　", " ")[rng.integers(3)]
    return f"{true['name']}{space}{branches[rng.integers(len(branches))]}"


def _mistyped(true: Fields, rng: np.random.Generator) -> str:
    core = core_of(true["name"])
    return true["name"].replace(core, misspell(core, rng), 1)


def _read_aloud(true: Fields, rng: np.random.Generator) -> str:
    if not true["name_kana"]:
        return true["name"]
    kana = true["name_kana"]
    head = "カ）" if true["name"].startswith("株式会社") else ""
    tail = "（カ" if true["name"].endswith("株式会社") else ""
    return half_width(f"{head}{kana}{tail}") if rng.random() < 0.6 else kana


def _in_english(true: Fields, rng: np.random.Generator) -> str:
    return true["name_en"] or shorten_form(true["name"], rng)


NAME_CHANGES: Final[Mapping[str, Callable[[Fields, np.random.Generator], str]]] = MappingProxyType(
    {
        "legal_form": _form_changed,
        "width_space": _respaced,
        "extra_text": _extended,
        "typo": _mistyped,
        "reading": _read_aloud,
        "english": _in_english,
    }
)
"""Kind of noise to what it does to the name; the other kinds do not change it."""


def core_of(name: str) -> str:
    """The name without the first legal form in it; the name itself where it has none."""
    form = next((form for form in ABBREVIATIONS if form in name), "")
    if not form and is_latin(name):
        return core_of_latin(name)
    return name.replace(form, "", 1) or name


def misspell(text: str, rng: np.random.Generator) -> str:
    """One typo: a similar character, or a character dropped, doubled or swapped with the next."""
    similar = [
        (place, twins)
        for place, character in enumerate(text)
        for twins in vocabulary()["similar"].texts
        if character in twins
    ]
    if similar and rng.random() < 0.5:
        place, twins = similar[rng.integers(len(similar))]
        other = twins.replace(text[place], "")
        return text[:place] + other[rng.integers(len(other))] + text[place + 1 :]
    if len(text) < 3:
        return text + text[-1:]
    place = int(rng.integers(1, len(text)))
    before, here, after = text[: place - 1], text[place - 1 : place + 1], text[place + 1 :]
    return before + (here[0], here[::-1], here + here[1])[rng.integers(3)] + after


def half_width(text: str) -> str:
    """Katakana, letters and digits in half width, as bank files hold them.

    >>> half_width("カ）ヤマダ")
    'ｶ)ﾔﾏﾀﾞ'
    """
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(HALF_WIDTH.get(character, character) for character in decomposed)


HALF_WIDTH: Final[Mapping[str, str]] = MappingProxyType(
    {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF65, 0xFF9E)}
    | {"\u3099": "ﾞ", "\u309a": "ﾟ"}
)
"""Full-width katakana and voicing marks to half-width ones."""


def one_of(texts: Sequence[str], rng: np.random.Generator) -> str:
    """One of these texts, each equally likely."""
    return texts[int(rng.integers(len(texts)))]


def changed_by_one(
    kinds: Mapping[str, Change], fields: Fields, rng: np.random.Generator, attempts: int = 4
) -> Fields:
    """The fields after one random change of a kind that applies; as they are where none did.

    Args:
        kinds: Kind to what it does.
        fields: Of the record; not changed.
        rng: Random generator.
        attempts: Kinds that are tried.
    """
    ways = list(kinds.values())
    for way in rng.integers(len(ways), size=attempts).tolist():
        changed: Fields = ways[way](fields, rng)
        if changed:
            return fields | changed
    return fields
