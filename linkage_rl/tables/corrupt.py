"""Client noise: how a record on a client list differs from the company's row in the table."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from linkage_rl.records import RecordBatch
from linkage_rl.tables.address_noise import ADDRESS_KINDS
from linkage_rl.tables.beside_name import NAME_KINDS
from linkage_rl.tables.cell_noise import CELL_KINDS, SHARED_KINDS
from linkage_rl.tables.latin_address import latin_address, latin_phone, latin_postal_code
from linkage_rl.tables.latin_dirt import LATIN_DIRT
from linkage_rl.tables.latin_forms import is_latin
from linkage_rl.tables.latin_noise import LATIN_CHANGES
from linkage_rl.tables.noise_rates import NoiseRates
from linkage_rl.tables.spelling_noise import (
    NAME_CHANGES,
    Change,
    Fields,
    changed_by_one,
    half_width,
    shorten_form,
)

__all__ = ["DIRT", "PLACE", "NoiseRates", "corrupt", "corrupt_as", "nearest_kinds"]

PLACE: Final = ("postal_code", "prefecture", "city", "street")
"""Fields that say where a company is."""
KANJI_DIGITS: Final = "〇一二三四五六七八九"


def corrupt(
    records: RecordBatch, former: RecordBatch, rates: NoiseRates, rng: np.random.Generator
) -> tuple[RecordBatch, list[str]]:
    """Noisy clients of companies: errors, missing fields, former names and addresses.

    Args:
        records: The fields of N companies today.
        former: Their fields at an earlier time, in the same order.
        rates: Rate of each kind of error.
        rng: Random generator.

    Returns:
        The N clients under the ids of `records`, with the full address in `street`; and for each
        the kind of name noise, with '+moved' where the address is a former one and the name of the
        rate, such as '+damaged_cell', for each kind of dirt.
    """
    kinds = rng.choice(list(rates.names()), size=len(records), p=list(rates.names().values()))
    renamed = np.array([names != "" for names in records.column("former_names")], dtype=np.bool_)
    kinds[renamed & (rng.random(len(records)) < rates.old_name)] = "renamed"
    latin = np.array([is_latin(name) for name in records.column("name")], dtype=np.bool_)
    if latin.any():
        kinds = np.where(latin, nearest_kinds(records, former, kinds.tolist()), kinds)
    return corrupt_as(records, former, kinds.tolist(), rates, rng)


def nearest_kinds(records: RecordBatch, former: RecordBatch, kinds: Sequence[str]) -> list[str]:
    """The kind of each record where it applies to it; else one that is near and does.

    Args:
        records: The fields of N companies today.
        former: Their fields at an earlier time, in the same order.
        kinds: Kind of name noise of each.
    """
    columns = (records.column("name"), records.column("name_kana"), records.column("name_en"))
    return [
        _nearest_kind(*texts) for texts in zip(kinds, *columns, former.column("name"), strict=True)
    ]


def _nearest_kind(kind: str, name: str, kana: str, english: str, former_name: str) -> str:
    latin = is_latin(name)
    if kind == "reading" and (latin or not kana):
        return "width_space"
    if kind == "english" and english in ("", name):
        return "wording" if latin else "legal_form"
    if (kind == "wording" and not latin) or (kind == "renamed" and not former_name):
        return "wording" if latin else "width_space"
    return kind


def corrupt_as(
    records: RecordBatch,
    former: RecordBatch,
    kinds: Sequence[str],
    rates: NoiseRates,
    rng: np.random.Generator,
) -> tuple[RecordBatch, list[str]]:
    """Like `corrupt`, with the kind of name noise of each of the N clients given.

    Args:
        records: The fields of N companies today.
        former: Their fields at an earlier time, in the same order.
        kinds: A rate of names of `NoiseRates`, or 'wording': words abbreviated, left out or in
            another order, of names in Latin script only.
        rates: Rate of each other kind of error.
        rng: Random generator.
    """
    rows = [
        _client(_row(records, i), _row(former, i), kind, rates, rng) for i, kind in enumerate(kinds)
    ]
    labels = [kind for _, kind in rows]
    columns = {field: [row[field] for row, _ in rows] for field in rows[0][0]} if rows else {}
    _add_dirt(columns, labels, records, rates, rng)
    return RecordBatch(records.ids, columns), labels


DIRT: Final[Mapping[str, Mapping[str, Change]]] = MappingProxyType(
    {
        "text_beside_name": NAME_KINDS,
        "address_wording": ADDRESS_KINDS,
        "damaged_cell": CELL_KINDS,
        "shared_identifier": SHARED_KINDS,
    }
)
"""Rate to the kinds of which it takes one."""


def _add_dirt(
    columns: dict[str, list[str]],
    labels: list[str],
    records: RecordBatch,
    rates: NoiseRates,
    rng: np.random.Generator,
) -> None:
    """Change a few of the clients in place by dirt; only those that are drawn are looked at."""
    # where the company is says how its address begins; that of a moved client begins otherwise
    known = ("former_names", "prefecture", "city")
    for rate in DIRT:
        for row in np.flatnonzero(rng.random(len(labels)) < getattr(rates, rate)).tolist():
            client = {field: texts[row] for field, texts in columns.items()}
            if rate == "text_beside_name" and not client["name"]:
                continue
            about = {field: records.column(field)[row] for field in known}
            kinds = LATIN_DIRT if _is_latin(records, row, client, rate) else DIRT
            changed = changed_by_one(kinds[rate], about | client, rng)
            for field, texts in columns.items():
                texts[row] = changed[field]
            if any(changed[field] != client[field] for field in client):
                labels[row] += f"+{rate}"
    _keep_names_only(columns, labels, records, rates, rng)


def _keep_names_only(
    columns: dict[str, list[str]],
    labels: list[str],
    records: RecordBatch,
    rates: NoiseRates,
    rng: np.random.Generator,
) -> None:
    """Clear the other fields of a few of the clients in place; half of them keep a prefecture."""
    for row in np.flatnonzero(rng.random(len(labels)) < rates.name_only).tolist():
        for field, texts in columns.items():
            texts[row] = texts[row] if field == "name" else ""
        if rng.random() < 0.5:
            columns["street"][row] = records.column("prefecture")[row]
        labels[row] += "+name_only"


def _is_latin(records: RecordBatch, row: int, client: Fields, rate: str) -> bool:
    """Whether the dirt of a client is in Latin script: that of its name, or of its address."""
    if rate == "address_wording" and client["street"]:
        return is_latin(client["street"])
    name = records.column("name")[row]
    return is_latin(name) if name else is_latin(client["street"])


def _row(records: RecordBatch, row: int) -> Fields:
    return {field: texts[row] for field, texts in records.columns.items()}


def _client(
    true: Fields, former: Fields, kind: str, rates: NoiseRates, rng: np.random.Generator
) -> tuple[Fields, str]:
    if kind == "renamed" and former["name"]:
        true = true | {"name": former["name"], "name_kana": former["name_kana"]}
    moved = rng.random() < rates.moved and any(former[field] for field in PLACE)
    if moved:
        # a company that moves within its town keeps its number
        lost = ("phone",) if true["phone"] and rng.random() < 0.7 else ()
        true = true | {field: former[field] for field in (*PLACE, *lost)}

    def known(field: str) -> bool:
        return bool(rng.random() < getattr(rates, field))

    place = true["prefecture"] + true["city"] + true["street"]
    ways = LATIN_WAYS if is_latin(place or true["name"]) else JAPANESE_WAYS
    client = {
        "name": _name(true, kind, rates, rng),
        "name_kana": _kana(true["name_kana"], rng) if known("kana") else "",
        "postal_code": ways.postal_code(true["postal_code"], rng) if known("postal_code") else "",
        "street": ways.address(true, rates, rng) if known("address") else "",
        "phone": ways.phone(true["phone"], rates.wrong_phone, rng) if known("phone") else "",
        "url": _url(true["url"], rng) if known("url") else "",
        "corporate_number": true["corporate_number"] if known("corporate_number") else "",
    }
    return client, f"{kind}+moved" if moved else kind


def _name(true: Fields, kind: str, rates: NoiseRates, rng: np.random.Generator) -> str:
    name = true["name"]
    if not name:
        return ""
    latin = is_latin(name)
    change = (LATIN_CHANGES if latin else NAME_CHANGES).get(kind)
    if change is not None:
        name = change(true | {"name": unicodedata.normalize("NFKC", name)} if latin else true, rng)
    if kind in ("extra_text", "typo", "renamed", "wording") and rng.random() < rates.form_too:
        name = shorten_form(name, rng)
    return name if rng.random() < 0.6 else unicodedata.normalize("NFKC", name)


def _kana(kana: str, rng: np.random.Generator) -> str:
    return half_width(kana) if rng.random() < 0.3 else kana


def _postal_code(code: str, rng: np.random.Generator) -> str:
    way = rng.integers(3)
    digits = code.replace("-", "")
    if len(digits) != 7:
        return code
    return (code, f"{digits[:3]}-{digits[3:]}", f"〒{digits[:3]}-{digits[3:]}")[way]


def _address(true: Fields, rates: NoiseRates, rng: np.random.Generator) -> str:
    street, city = true["street"], true["city"]
    dropped = rng.random() < rates.prefecture_dropped and (city or street)
    prefecture = "" if dropped else true["prefecture"]
    if rng.random() < rates.city_only:
        town = re.split("[0-9０-９]", street)[0]
        # a table with the address in one column has its city in the street
        return prefecture + city + (town if rng.random() < 0.5 or not city else "") or street
    found = re.match("(.*?[0-9０-９][0-9０-９丁目番地号－-]*)(.*)", street)
    if found and rng.random() < rates.building_dropped:
        street = found[1]
    if rng.random() < rates.rewritten:
        street = _rewritten(street, rng)
    return prefecture + city + street


def _rewritten(street: str, rng: np.random.Generator) -> str:
    if rng.random() < 0.15:
        return re.sub("([１-９])丁目", lambda found: f"{KANJI_DIGITS[int(found[1])]}丁目", street)
    text = unicodedata.normalize("NFKC", street)
    text = re.sub(r"(\d)(丁目|番地|番)(?=\d)", r"\1-", text)
    text = re.sub(r"(\d)(番地|号)(?!室)", r"\1 ", text).rstrip()
    return (
        text
        if rng.random() < 0.8
        else text.translate(str.maketrans("0123456789-", "０１２３４５６７８９－"))
    )


def _phone(phone: str, wrong: float, rng: np.random.Generator) -> str:
    if phone and rng.random() < wrong:
        place = int(rng.integers(max(len(phone) - 4, 0), len(phone)))
        phone = phone[:place] + str(rng.integers(10)) + phone[place + 1 :]
    area, _, rest = phone.partition("-")
    bracketed = f"{area}({rest.replace('-', ')')}" if "-" in rest else phone
    return (phone, phone.replace("-", ""), bracketed)[rng.integers(3)]


def _url(url: str, rng: np.random.Generator) -> str:
    bare = re.sub("^(?:https?://)?(?:www[.])?", "", url).removesuffix("/")
    way = rng.integers(4)
    return (url, f"http://{bare}", bare, f"info@{bare.split('/')[0]}")[way] if bare else url


@dataclass(frozen=True)
class _Ways:
    """How the fields beside the name are written where the address is in one script."""

    address: Callable[[Fields, NoiseRates, np.random.Generator], str]
    postal_code: Callable[[str, np.random.Generator], str]
    phone: Callable[[str, float, np.random.Generator], str]


JAPANESE_WAYS: Final = _Ways(_address, _postal_code, _phone)
LATIN_WAYS: Final = _Ways(latin_address, latin_postal_code, latin_phone)
