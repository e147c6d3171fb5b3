"""How lists write addresses, postal codes and telephone numbers of records in Latin script."""

import re
from typing import Final

import numpy as np

from linkage_rl.tables.latin_noise import without_marks
from linkage_rl.tables.noise_rates import NoiseRates
from linkage_rl.tables.spelling_noise import Fields, one_of

STREET_WORDS: Final = (
    ("street", "st"),
    ("avenue", "ave"),
    ("road", "rd"),
    ("boulevard", "blvd"),
    ("drive", "dr"),
    ("lane", "ln"),
    ("court", "ct"),
    ("place", "pl"),
    ("square", "sq"),
    ("highway", "hwy"),
    ("parkway", "pkwy"),
    ("crescent", "cres"),
    ("terrace", "tce"),
    ("circuit", "cct"),
    ("close", "cl"),
    ("suite", "ste"),
    ("building", "bldg"),
    ("floor", "fl"),
    ("apartment", "apt"),
    ("north", "n"),
    ("south", "s"),
    ("east", "e"),
    ("west", "w"),
)
_OTHER: Final = {word: other for pair in STREET_WORDS for word, other in (pair, pair[::-1])}
_ANY_WORD: Final = "|".join(sorted(_OTHER, key=len, reverse=True))
_STREET_WORD: Final = re.compile(rf"(?<![\w'’])({_ANY_WORD})\b\.?(?!['’])", re.IGNORECASE)
_STRASSE: Final = re.compile(r"(?<=\w)(?:straße|strasse|str\.)(?!\w)", re.IGNORECASE)
_UNIT: Final = re.compile(
    r"[,\s]*(?:(?:\b(?:suite|ste|unit|apt|apartment|floor|fl|level|room|rm|bldg|building|flat)\b\.?"
    r"|#)\s*[\w-]+|\b\d+[a-z]{2}\s+(?:floor|fl\b\.?))(?=[,\s]|$)",
    re.IGNORECASE,
)


def latin_address(true: Fields, rates: NoiseRates, rng: np.random.Generator) -> str:
    """An address in one cell: 12 Main St, Springfield, IL 62701; the state is in `prefecture`."""
    street, city, code = true["street"], true["city"], true["postal_code"]
    dropped = rng.random() < rates.prefecture_dropped and (city or street)
    state = "" if dropped else true["prefecture"]
    if rng.random() < rates.city_only and (city or state):
        return ", ".join(filter(None, (city, state)))
    if rng.random() < rates.building_dropped:
        street = _UNIT.sub("", street).strip(" ,") or street
    if rng.random() < rates.rewritten:
        street = street_rewritten(street, rng)
    inside = street.casefold()
    # an address in one column of the table names its city already
    parts = [street, *(part for part in (city, state) if part.casefold() not in inside)]
    if code and code not in street and rng.random() < 0.4:
        last = parts[-1]
        # Springfield, IL 62701; 80331 München
        in_front = len(parts) == 2 and rng.random() < 0.5
        parts[-1] = (f"{code} {last}" if in_front else f"{last} {code}") if last else ""
    address = ", ".join(filter(None, parts))
    return address.upper() if rng.random() < 0.1 * rates.rewritten else address


def street_rewritten(street: str, rng: np.random.Generator) -> str:
    """The words of a street abbreviated or spelled out, or its signs left out."""
    found = _STRASSE.search(street)
    if found:
        way = one_of(("str.", "strasse", "straße"), rng)
        return street[: found.start()] + way + street[found.end() :]
    changed = _STREET_WORD.sub(_other_word, street)
    if changed != street and rng.random() < 0.8:
        return changed
    bare = street.replace(",", "").replace(".", "")
    return bare if bare != street else without_marks(street, rng)


def _other_word(found: re.Match[str]) -> str:
    word, behind = found[1], found.string[found.end() : found.end() + 2]
    a_name_follows = behind.startswith(" ") and behind[1:].isalpha()
    # St. Mary's Road; Unit N
    if (word.casefold() == "st" and a_name_follows) or (len(word) == 1 and not a_name_follows):
        return found[0]
    other = _OTHER[word.casefold()]
    if word.isupper() and len(word) > 1:
        return other.upper()
    return other.capitalize() if word[0].isupper() else other


def latin_phone(phone: str, wrong: float, rng: np.random.Generator) -> str:
    """A telephone number with other signs between its digits, without its country code, or wrong.

    Args:
        phone: As the table has it, '' where missing.
        wrong: Rate of numbers with one wrong digit.
        rng: Random generator.
    """
    digits = [place for place, sign in enumerate(phone) if sign.isdigit()]
    if digits and rng.random() < wrong:
        place = digits[-int(rng.integers(1, min(4, len(digits)) + 1))]
        phone = phone[:place] + str(rng.integers(10)) + phone[place + 1 :]
    way = rng.integers(5)
    if way == 0:
        return phone
    if way == 1:
        return re.sub(r"[^\d+]", "", phone) or phone
    if way == 2 and phone.startswith("+"):
        rest = re.sub(r"^\+\d{1,3}(?=\D)[\s.-]*", "", phone)
        if rest == phone or not any(map(str.isdigit, rest)):
            return phone
        return rest if phone.startswith("+1") or rest[0] in "0(" else f"0{rest}"
    sign = " .-"[int(way) - 2]
    return re.sub(r"[\s./-]+", sign, phone.replace("(", "").replace(")", " ")).strip(sign) or phone


def latin_postal_code(code: str, rng: np.random.Generator) -> str:
    """A postal code as it is, without space or hyphen, or without the last four of nine digits."""
    ways = (code, code.replace(" ", "").replace("-", ""), re.sub(r"^(\d{5})-\d{4}$", r"\1", code))
    return ways[rng.integers(3)] or code
