"""How a client spells a name in Latin script: forms, case, spaces, branches, typos, other words."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from string import capwords
from types import MappingProxyType
from typing import Final

import numpy as np

from linkage_rl.tables.latin_forms import (
    change_latin_form,
    cut_latin_form,
    in_case_of,
    is_latin,
)
from linkage_rl.tables.spelling_noise import Fields, one_of

Rewrite = Callable[[str, np.random.Generator], str]
"""A text written another way; the text itself where there is none."""

SHORT_WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "international": ("Intl", "Int'l", "Intl."),
        "manufacturing": ("Mfg", "Mfg."),
        "services": ("Svcs", "Svc", "Serv."),
        "service": ("Svc",),
        "brothers": ("Bros", "Bros."),
        "associates": ("Assoc", "Assoc.", "Assocs"),
        "association": ("Assn", "Assoc."),
        "technologies": ("Tech", "Techs"),
        "technology": ("Tech",),
        "engineering": ("Eng", "Engrg", "Eng."),
        "construction": ("Constr.", "Const"),
        "management": ("Mgmt", "Mgt"),
        "distribution": ("Dist", "Distr."),
        "development": ("Dev", "Devt"),
        "enterprises": ("Ent", "Enterprise"),
        "industries": ("Ind", "Inds."),
        "industrial": ("Indl", "Ind."),
        "university": ("Univ", "Univ."),
        "department": ("Dept", "Dept."),
        "national": ("Natl", "Nat'l"),
        "american": ("Amer", "Am."),
        "european": ("Eur.", "Euro"),
        "insurance": ("Ins", "Ins."),
        "financial": ("Fin", "Finl"),
        "electric": ("Elec", "Elec."),
        "electronics": ("Elec", "Electr."),
        "equipment": ("Equip", "Eqpt"),
        "solutions": ("Soln", "Solns"),
        "systems": ("Sys", "Syst."),
        "products": ("Prods", "Prod."),
        "laboratories": ("Labs", "Lab."),
        "pharmaceuticals": ("Pharma", "Pharm."),
        "communications": ("Comms", "Comm."),
        "transportation": ("Transp", "Trans."),
        "transport": ("Transp.",),
        "properties": ("Props", "Prop."),
        "partners": ("Ptnrs", "Partner"),
        "holdings": ("Hldgs", "Hldg", "Holding"),
        "holding": ("Hldg", "Holdings"),
        "group": ("Grp", "Gp"),
        "center": ("Ctr", "Centre"),
        "centre": ("Ctr", "Center"),
        "saint": ("St", "St."),
        "north": ("N",),
        "south": ("S",),
        "restaurant": ("Rest.", "Rest"),
        "hospital": ("Hosp", "Hosp."),
        "medical": ("Med", "Med."),
        "consulting": ("Cons", "Consultants"),
        "logistics": ("Log", "Logistic"),
        "and": ("&", "+"),
        "und": ("&", "u."),
        "et": ("&",),
    }
)
"""Words to what is written for them; lower case."""
LONG_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        re.sub("[.']", "", short).casefold(): word
        for word, ways in reversed(tuple(SHORT_WORDS.items()))
        for short in ways
        if short not in ("+",)
    }
    | {"&": "and", "+": "and"}
)
"""Abbreviations, without dots and in lower case, to the first word that has them."""

KEYBOARD: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
NEIGHBOURS: Final[Mapping[str, str]] = MappingProxyType(
    {
        letter: row[max(place - 1, 0) : place] + row[place + 1 : place + 2]
        for row in KEYBOARD
        for place, letter in enumerate(row)
    }
)
"""Character to those beside it on a keyboard."""
_PAIRS: Final = ("äae", "öoe", "üue", "ßss", "øoe", "åaa", "æae", "œoe", "łl", "đd", "þth")
SPELLED_OUT: Final[Mapping[str, str]] = MappingProxyType({pair[0]: pair[1:] for pair in _PAIRS})
"""Letters to what is typed where a keyboard lacks them."""

JOINING: Final = frozenset(("&", "and", "+", "und", "et", "y", "e"))
LOOSE: Final = JOINING | {"of", "for", "the", "de", "di", "-", ",", "/", "in", "with", "von"}
"""Words that no name ends with."""

CITIES: Final = (
    *("London", "New York", "Chicago", "Houston", "Boston", "Dallas", "Paris", "Berlin"),
    *("Munich", "Hamburg", "Madrid", "Milan", "Vienna", "Zurich", "Dublin", "Sydney"),
    *("Toronto", "Singapore", "Leeds", "Bristol", "Lyon", "Stockholm", "Prague", "Denver"),
)
COUNTRIES: Final = ("UK", "USA", "US", "Europe", "Canada", "Germany", "Asia", "EMEA", "France")
UNITS: Final = (
    *("Head Office", "HQ", "Branch", "Accounts Payable", "Accounts Dept", "Sales Department"),
    *("Purchasing", "Division", "Group", "Warehouse", "Regional Office", "Finance Department"),
    *("Customer Service", "Services", "Holdings", "Plant 2", "Store 12", "Unit 3"),
)


def mistyped(text: str, rng: np.random.Generator) -> str:
    """One typo: a key beside the right one, a letter lost, doubled, swapped, or without its marks.

    Numbers and the first letter are seldom hit; a text of one letter is doubled.
    """
    marked = [place for place, letter in enumerate(text) if letter > "\x7f" and letter.isalpha()]
    if marked and rng.random() < 0.5:
        place = marked[rng.integers(len(marked))]
        return text[:place] + without_marks(text[place], rng) + text[place + 1 :]
    letters = [place for place, letter in enumerate(text) if place and letter.isalpha()]
    letters = letters or [place for place, letter in enumerate(text) if place and letter.isalnum()]
    if not letters:
        return text + text[-1:]
    place = letters[rng.integers(len(letters))]
    letter, way = text[place], rng.integers(5)
    if way == 0:
        return text[:place] + text[place + 1 :]
    if way == 1:
        return text[:place] + letter + text[place:]
    if way == 2 and text[place - 1] != letter:
        return text[: place - 1] + letter + text[place - 1] + text[place + 1 :]
    # a letter of another alphabet is doubled
    key = one_of(NEIGHBOURS.get(letter.casefold(), letter), rng)
    key = key.upper() if letter.isupper() else key
    # a key hit in place of the right one, or besides it
    return text[:place] + key + text[place + (way != 3 and key != letter) :]


def without_marks(text: str, rng: np.random.Generator) -> str:
    """The text without diacritics, or with what is written for them: ö as o or oe."""
    if rng.random() < 0.5:
        spelled = "".join(SPELLED_OUT.get(letter, letter) for letter in text)
        if spelled != text:
            return spelled
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return "".join(SPELLED_OUT.get(letter, letter) for letter in bare) or text


def in_other_case(text: str, rng: np.random.Generator) -> str:
    """UPPER, Title or lower case, whichever the text is not."""
    ways = [way for way in (text.upper(), capwords(text), text.lower()) if way != text]
    return one_of(ways, rng) if ways else text


def spaced_otherwise(text: str, rng: np.random.Generator) -> str:
    """A space or hyphen lost, changed or added, or the punctuation lost."""
    gaps = [place for place, letter in enumerate(text) if letter in " -/"]
    signs = re.sub(r"(?<=\w)['’.](?=\w|\s|$)|,", "", text)
    if signs != text and signs and rng.random() < 0.4:
        return signs
    if gaps:
        place = gaps[rng.integers(len(gaps))]
        ways = [way for way in ("", "-", " ", "  ") if way != text[place]]
        return text[:place] + one_of(ways, rng) + text[place + 1 :]
    inner = [
        place
        for place in range(1, len(text))
        if text[place].isupper() and text[place - 1].islower()
    ]
    if inner:
        place = inner[rng.integers(len(inner))]
        return text[:place] + one_of((" ", "-"), rng) + text[place:]
    if len(text) < 6:
        return text
    place = int(rng.integers(3, len(text) - 2))
    return text[:place] + " " + text[place:]


def abbreviated(text: str, rng: np.random.Generator) -> str:
    """One word abbreviated or spelled out: Intl for International, and for &."""
    words = text.split()
    known = {}
    for place, word in enumerate(words):
        bare = word.strip(".,").casefold().replace("'", "")
        other: Sequence[str] = SHORT_WORDS.get(bare) or ()
        if not other and place and bare in LONG_WORDS:
            other = (LONG_WORDS[bare].title() if bare not in "&+" else LONG_WORDS[bare],)
        if other:
            known[place] = other
    if not known:
        return text
    places = list(known)
    place = places[int(rng.integers(len(places)))]
    words[place] = in_case_of(one_of(known[place], rng), text)
    return " ".join(words)


def initialed(text: str, rng: np.random.Generator) -> str:
    """One word cut to its first letters, or, not the last one, to the first: J. Smith."""
    words = text.split()
    long = [place for place, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    if len(words) < 2 or not long:
        return text
    place = long[int(rng.integers(len(long)))]
    to_one = place < len(words) - 1 and rng.random() < 0.5
    words[place] = words[place][: 1 if to_one else int(rng.integers(3, len(words[place])))]
    words[place] += one_of(("", "."), rng)
    return " ".join(words)


def reordered(text: str, rng: np.random.Generator) -> str:
    """Words in another order: Smith, John; Widget Company, The; Sons & Smith."""
    words = text.split()
    if len(words) < 2:
        return text
    if words[0].casefold() == "the":
        rest = " ".join(words[1:])
        return one_of((rest, f"{rest}, {words[0]}"), rng)
    joining = [place for place in range(1, len(words) - 1) if words[place].casefold() in JOINING]
    if joining:
        place = joining[0]
        words[place - 1], words[place + 1] = words[place + 1], words[place - 1]
        return " ".join(words)
    if rng.random() < 0.5 or len(words) == 2:
        return one_of((", ", " "), rng).join((words[-1], " ".join(words[:-1])))
    place = int(rng.integers(len(words) - 1))
    words[place], words[place + 1] = words[place + 1], words[place]
    return " ".join(words)


def word_dropped(text: str, rng: np.random.Generator, first: float = 0.15) -> str:
    """The text without one of its words.

    Args:
        text: A text of one word stays.
        rng: Random generator.
        first: Rate at which it is the first word, in [0, 1].
    """
    words = text.split()
    if len(words) < 2:
        return text
    place = 0 if rng.random() < first else int(rng.integers(1, len(words)))
    left = words[:place] + words[place + 1 :]
    while len(left) > 1 and left[-1].casefold() in LOOSE:
        left.pop()
    while len(left) > 1 and left[0].casefold() in JOINING:
        left.pop(0)
    return " ".join(left)


def first_changed(ways: Sequence[Rewrite], text: str, rng: np.random.Generator) -> str:
    """The text after the first of these ways, in random order, that changes it."""
    for place in rng.permutation(len(ways)).tolist():
        changed: str = ways[place](text, rng)
        if changed != text:
            return changed
    return text


def _of_core(name: str, change: Rewrite, rng: np.random.Generator) -> str:
    """The name after a change of what is not its legal form."""
    core = cut_latin_form(name).core
    return change(core, rng) + name[len(core) :]


def _respaced(true: Fields, rng: np.random.Generator) -> str:
    name = true["name"]
    if rng.random() < 0.3:
        return in_other_case(name, rng)
    changed = _of_core(name, spaced_otherwise, rng)
    return changed if changed != name else in_other_case(name, rng)


def _extended(true: Fields, rng: np.random.Generator) -> str:
    name, city = true["name"], true.get("city", "")
    if not (city and is_latin(city) and rng.random() < 0.6):
        city = one_of(CITIES, rng)
    unit, country = one_of(UNITS, rng), one_of(COUNTRIES, rng)
    ways = (
        *(f"{name} ({country})", f"{name} {country}", f"{name} - {city}", f"{name} {city}"),
        *(f"{name} ({city})", f"{name}, {city} Branch", f"{name} {unit}", f"{name} - {unit}"),
        *(f"{name}, {unit}", f"{name} ({unit})", f"{name} c/o {unit}", f"{name} {city} {unit}"),
    )
    return in_case_of(one_of(ways, rng), name)


def _mistyped(true: Fields, rng: np.random.Generator) -> str:
    return _of_core(true["name"], mistyped, rng)


def _other_words(core: str, rng: np.random.Generator) -> str:
    return first_changed((reordered, word_dropped, word_dropped, initialed), core, rng)


def _reworded(true: Fields, rng: np.random.Generator) -> str:
    name = true["name"]
    if rng.random() < 0.5:
        changed = _of_core(name, abbreviated, rng)
        if changed != name:
            return changed
    changed = _of_core(name, _other_words, rng)
    # a name of one word has nothing to reword
    return changed if changed != name else change_latin_form(name, rng)


def _in_english(true: Fields, rng: np.random.Generator) -> str:
    english: str = true["name_en"]
    return english if english not in ("", true["name"]) else _reworded(true, rng)


def _form_changed(true: Fields, rng: np.random.Generator) -> str:
    return change_latin_form(true["name"], rng)


LATIN_CHANGES: Final[Mapping[str, Callable[[Fields, np.random.Generator], str]]] = MappingProxyType(
    {
        "legal_form": _form_changed,
        "width_space": _respaced,
        "extra_text": _extended,
        "typo": _mistyped,
        "english": _in_english,
        "wording": _reworded,
    }
)
"""Kind of noise to what it does to a name in Latin script; the other kinds do not change it."""
