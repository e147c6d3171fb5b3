"""What lists write beside a name in Latin script, and into the cells of such a record.

Each kind is a function of a record and a random generator; it returns the fields that it changes,
none where it does not apply.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from linkage_rl.tables.beside_name import escape
from linkage_rl.tables.cell_noise import (
    as_float,
    exponent,
    filling,
    formula,
    leading_zeros_lost,
    thousands,
)
from linkage_rl.tables.latin_forms import core_of_latin, cut_latin_form
from linkage_rl.tables.latin_noise import CITIES, UNITS
from linkage_rl.tables.spelling_noise import Change, Fields, one_of

PEOPLE: Final = ("John Smith", "Mary Jones", "A. Brown", "Peter Miller", "Anna Weber", "J. Garcia")
SHOPS: Final = ("Blue Door", "Corner House", "Green Leaf", "The Workshop", "Sunrise", "Northgate")
TRADES: Final = ("Cafe", "Studio", "Motors", "Supplies", "Trading", "Interiors")


def list_number(record: Fields, rng: np.random.Generator) -> Fields:
    """A number in the list or a code before the name: 12 X, 0012: X, No. 5 X."""
    name, number = record["name"], int(rng.integers(1, 500))
    ways = (f"{number} {name}", f"{number:04}: {name}", f"No. {number} {name}", f"{number}. {name}")
    more = (f"#{number} {name}", f"{number:03}_{name}", f"({number}) {name}", f"{name} [{number}]")
    return {"name": one_of((*ways, *more), rng)}


def trade_name(record: Fields, rng: np.random.Generator) -> Fields:
    """A trade name beside the name: X t/a Y, Y (X)."""
    name, shop = record["name"], f"{one_of(SHOPS, rng)} {one_of(TRADES, rng)}"
    ways = (f"{name} t/a {shop}", f"{name} dba {shop}", f"{shop} ({name})", f"{name} ({shop})")
    return {"name": one_of((*ways, f"{shop} / {name}", f"{name} trading as {shop}"), rng)}


def person(record: Fields, rng: np.random.Generator) -> Fields:
    """A person beside the name: X, Attn: John Smith."""
    name, who = record["name"], one_of(PEOPLE, rng)
    ways = (f"{name}, Attn: {who}", f"{name} attn {who}", f"{name} c/o {who}", f"{name} ({who})")
    return {"name": one_of((*ways, f"{who}, {name}", f"{name} - {who}"), rng)}


def department(record: Fields, rng: np.random.Generator) -> Fields:
    """A department or office beside the name: X Accounts Payable."""
    name, unit = record["name"], one_of(UNITS, rng)
    return {"name": one_of((f"{name} {unit}", f"{name} - {unit}", f"{unit}, {name}"), rng)}


def site(record: Fields, rng: np.random.Generator) -> Fields:
    """A shop, works or building site beside the name: X - Warehouse Leeds."""
    name, place = record["name"], one_of(("Warehouse", "Store", "Plant", "Site"), rng)
    return {"name": one_of((f"{name} - {place}", f"{name} {place} {one_of(CITIES, rng)}"), rng)}


def former_name(record: Fields, rng: np.random.Generator) -> Fields:
    """The former name beside the name: X (formerly Y); a made-up one where none is known."""
    known = record.get("former_names", "").split("|")[0]
    old = known or f"{one_of(PEOPLE, rng).split()[-1]} {one_of(TRADES, rng)}"
    name = record["name"]
    if core_of_latin(old) in name:
        return {}
    ways = (f"{name} (formerly {old})", f"{name} f/k/a {old}", f"{name} (ex {old})")
    return {"name": one_of((*ways, f"{name}, formerly {old}"), rng)}


def state(record: Fields, rng: np.random.Generator) -> Fields:
    """A clerk's remark: X - DO NOT USE."""
    name = record["name"]
    remark = one_of(("closed", "DO NOT USE", "duplicate", "moved", "on hold", "new", "check"), rng)
    return {
        "name": one_of((f"{name} ({remark})", f"{name} - {remark}", f"**{remark}** {name}"), rng)
    }


def form_twice(record: Fields, rng: np.random.Generator) -> Fields:
    """The legal form twice: Acme Inc., Inc."""
    parts = cut_latin_form(record["name"])
    if not parts.form:
        return {}
    again = one_of(parts.spellings, rng)
    return {"name": f"{parts.core} {parts.form}{one_of((', ', ' '), rng)}{again}{parts.remark}"}


def lost_character(record: Fields, rng: np.random.Generator) -> Fields:
    """Letters beyond ASCII damaged by an encoding: M?ller, MÃ¼ller."""
    name = record["name"]
    marked = [place for place, letter in enumerate(name) if letter > "\x7f"]
    if not marked:
        return {}
    if rng.random() < 0.5:
        return {"name": name.encode().decode("cp1252", errors="replace")}
    place = marked[int(rng.integers(len(marked)))]
    return {"name": name[:place] + "?" + name[place + 1 :]}


def something_before(record: Fields, rng: np.random.Generator) -> Fields:
    """A label before the address: Registered office: 12 Main St."""
    address = record["street"]
    label = one_of(("Address: ", "HQ: ", "Registered office: ", "c/o ", "Mail to: "), rng)
    return {"street": label + address} if address else {}


def part_left_out(record: Fields, rng: np.random.Generator) -> Fields:
    """One of the parts between commas left out, such as the city or the state."""
    parts = record["street"].split(", ")
    if len(parts) < 2:
        return {}
    left_out = int(rng.integers(1, len(parts)))
    return {"street": ", ".join(parts[:left_out] + parts[left_out + 1 :])}


def other_separators(record: Fields, rng: np.random.Generator) -> Fields:
    """Spaces, semicolons or line breaks between the parts."""
    street = record["street"]
    changed = street.replace(", ", one_of((" ", "; ", "\n", ",", " - "), rng))
    return {"street": changed} if changed != street else {}


def city_first(record: Fields, rng: np.random.Generator) -> Fields:
    """The last part before the others: Springfield, 12 Main St."""
    first, comma, last = record["street"].rpartition(", ")
    return {"street": f"{last}, {first}"} if comma else {}


def several_phones(record: Fields, rng: np.random.Generator) -> Fields:
    """More than one telephone number in the cell; the first is the company's."""
    phone = record.get("phone", "")
    if not phone:
        return {}
    other = f"555-{int(rng.integers(1000)):03}-{int(rng.integers(10_000)):04}"
    ways = (f"{phone} / {other}", f"{phone}, {other}", f"{phone}\n{other}", f"{phone} or {other}")
    return {"phone": one_of((*ways, f"Tel {phone} Mobile {other}"), rng)}


def extension(record: Fields, rng: np.random.Generator) -> Fields:
    """An extension or a label in the cell of the telephone number."""
    phone, number = record.get("phone", ""), int(rng.integers(10, 9999))
    ways = (f"{phone} x{number}", f"{phone} ext. {number}", f"{phone} (main)", f"Tel: {phone}")
    return {"phone": one_of((*ways, f"{phone} ext {number}", f"T {phone}"), rng)} if phone else {}


NAME_KINDS: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "list_number": list_number,
        "trade_name": trade_name,
        "person": person,
        "department": department,
        "site": site,
        "former_name": former_name,
        "state": state,
        "escape": escape,
        "form_twice": form_twice,
        "lost_character": lost_character,
    }
)
"""Kind of text beside or in a client's name to what it does."""

ADDRESS_KINDS: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "something_before": something_before,
        "part_left_out": part_left_out,
        "other_separators": other_separators,
        "city_first": city_first,
    }
)
"""Kind of change of an address to what it does."""

CELL_KINDS: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "as_float": as_float,
        "leading_zeros_lost": leading_zeros_lost,
        "exponent": exponent,
        "thousands": thousands,
        "formula": formula,
        "several_phones": several_phones,
        "extension": extension,
    }
)
"""Kind of damage of a cell to what it does."""

PAGES: Final = ("https://www.facebook.com/", "https://www.instagram.com/", "https://x.com/")
MAIL: Final = ("info@gmail.com", "office@outlook.com", "sales@yahoo.com", "mail@icloud.com")
PHONES: Final = ("000-000-0000", "555-555-5555", "123-456-7890", "0000000000", "999-999-9999")
SHARED_PHONES: Final = tuple(f"800-{200 + 7 * n:03}-{1000 + 137 * n:04}" for n in range(50))
NUMBERS: Final = ("000000000", "999999999", "123456789")
MISSING: Final = ("N/A", "NULL", "none", "unknown", "-", "TBD", "n/a", "not available")

SHARED_KINDS: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "public_page": filling(("url",), PAGES),
        "free_mail": filling(("url",), MAIL),
        "call_centre": filling(("phone",), SHARED_PHONES),
        "dummy_phone": filling(("phone",), PHONES),
        "dummy_number": filling(("corporate_number",), NUMBERS),
        "missing_word": filling(("url", "phone", "corporate_number"), MISSING),
    }
)
"""Kind of shared value in an empty identifier to what fills it."""

LATIN_DIRT: Final[Mapping[str, Mapping[str, Change]]] = MappingProxyType(
    {
        "text_beside_name": NAME_KINDS,
        "address_wording": ADDRESS_KINDS,
        "damaged_cell": CELL_KINDS,
        "shared_identifier": SHARED_KINDS,
    }
)
"""Rate of `NoiseRates` to the kinds of which it takes one."""
