"""Client noise: how a record on a client list differs from the company's row in the table."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from linkage_rl.checks import SHARE
from linkage_rl.errors import ConfigError
from linkage_rl.records import RecordBatch
from linkage_rl.tables.address_noise import ADDRESS_KINDS
from linkage_rl.tables.beside_name import NAME_KINDS
from linkage_rl.tables.cell_noise import CELL_KINDS, SHARED_KINDS
from linkage_rl.tables.spelling_noise import (
    NAME_CHANGES,
    Change,
    Fields,
    changed_by_one,
    half_width,
    shorten_form,
)

KANJI_DIGITS: Final = "〇一二三四五六七八九"


@dataclass(frozen=True)
class NoiseRates:
    """Rate of each kind of difference between a client and its company; each in [0, 1].

    The first eight say what happens to the name and add up to 1. The defaults follow the real
    training lists, with more typos and fewer exact names, so that rules on names link a little over
    half of the clients, while the other fields hold enough evidence to link four in five.
    """

    exact: float = 0.22
    legal_form: float = 0.27
    """Legal form left out or shortened: 株式会社, （株）, ㈱."""
    width_space: float = 0.06
    extra_text: float = 0.14
    """A branch or department is appended."""
    typo: float = 0.24
    renamed: float = 0.02
    """The client has a former name of the company, which the table may not know."""
    reading: float = 0.03
    """The name is given in (half-width) katakana, as in bank files."""
    english: float = 0.02
    """The name is given in Latin letters where the company has such a name."""

    old_name: float = 0.5
    """Clients of companies with former names that use one; the rates above are of the others."""
    form_too: float = 0.5
    """Names with extra text or a typo whose legal form is shortened as well."""
    kana: float = 0.4
    """Clients whose reading is known."""
    address: float = 0.75
    """Clients whose address is known."""
    postal_code: float = 0.55
    phone: float = 0.3
    url: float = 0.15
    corporate_number: float = 0.03
    moved: float = 0.18
    """Clients whose address, and usually phone, is a former one."""
    city_only: float = 0.1
    """Addresses that end after the city or the town."""
    rewritten: float = 0.7
    """Addresses spelled differently from the registry: 1-2-3, 一丁目."""
    building_dropped: float = 0.5
    prefecture_dropped: float = 0.25
    wrong_phone: float = 0.15

    text_beside_name: float = 0.12
    """Names with something in the cell that is no part of them, of `beside_name.NAME_KINDS`."""
    address_wording: float = 0.1
    """Addresses written in a way of `address_noise.ADDRESS_KINDS`."""
    damaged_cell: float = 0.05
    """Clients with a phone, postal code or number of `cell_noise.CELL_KINDS`."""
    shared_identifier: float = 0.05
    """Clients with a dummy or shared value of `cell_noise.SHARED_KINDS` in an empty field."""
    name_only: float = 0.03
    """Clients of whom no more than the name is known, or the name and the prefecture."""

    def __post_init__(self) -> None:
        for name, rate in vars(self).items():
            if rate not in SHARE:
                raise ConfigError(
                    f"table.sample.noise.{name}, or clients.augmentation.{name}, must lie in "
                    f"[0, 1], got {rate}"
                )
        if abs(sum(self.names().values()) - 1.0) > 1e-9:
            raise ConfigError(
                f"expected name noise rates that add up to 1, got {self.names()}; "
                "raise or lower 'exact' by the difference"
            )

    def names(self) -> dict[str, float]:
        """Kind of name noise to its rate."""
        kinds = ("exact", "legal_form", "width_space", "extra_text", "typo", "renamed", "reading")
        return {kind: getattr(self, kind) for kind in (*kinds, "english")}


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
    rows = [
        _client(_row(records, i), _row(former, i), str(kind), rates, rng)
        for i, kind in enumerate(kinds)
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
    for rate, kinds in DIRT.items():
        for row in np.flatnonzero(rng.random(len(labels)) < getattr(rates, rate)).tolist():
            client = {field: texts[row] for field, texts in columns.items()}
            about = {field: records.column(field)[row] for field in known}
            changed = changed_by_one(kinds, about | client, rng)
            for field, texts in columns.items():
                texts[row] = changed[field]
            if any(changed[field] != client[field] for field in client):
                labels[row] += f"+{rate}"
    for row in np.flatnonzero(rng.random(len(labels)) < rates.name_only).tolist():
        for field, texts in columns.items():
            texts[row] = texts[row] if field == "name" else ""
        if rng.random() < 0.5:
            columns["street"][row] = records.column("prefecture")[row]
        labels[row] += "+name_only"


def _row(records: RecordBatch, row: int) -> Fields:
    return {field: texts[row] for field, texts in records.columns.items()}


def _client(
    true: Fields, former: Fields, kind: str, rates: NoiseRates, rng: np.random.Generator
) -> tuple[Fields, str]:
    if kind == "renamed":
        true = true | {"name": former["name"], "name_kana": former["name_kana"]}
    moved = rng.random() < rates.moved
    if moved:
        place = ("postal_code", "prefecture", "city", "street")
        # a company that moves within its town keeps its number
        lost = ("phone",) if true["phone"] and rng.random() < 0.7 else ()
        true = true | {field: former[field] for field in (*place, *lost)}

    def known(field: str) -> bool:
        return bool(rng.random() < getattr(rates, field))

    client = {
        "name": _name(true, kind, rates, rng),
        "name_kana": _kana(true["name_kana"], rng) if known("kana") else "",
        "postal_code": _postal_code(true["postal_code"], rng) if known("postal_code") else "",
        "street": _address(true, rates, rng) if known("address") else "",
        "phone": _phone(true["phone"], rates, rng) if known("phone") else "",
        "url": _url(true["url"], rng) if known("url") else "",
        "corporate_number": true["corporate_number"] if known("corporate_number") else "",
    }
    return client, f"{kind}+moved" if moved else kind


def _name(true: Fields, kind: str, rates: NoiseRates, rng: np.random.Generator) -> str:
    name = true["name"]
    change = NAME_CHANGES.get(kind)
    if change is not None:
        name = change(true, rng)
    if kind in ("extra_text", "typo", "renamed") and rng.random() < rates.form_too:
        name = shorten_form(name, rng)
    return name if rng.random() < 0.6 else unicodedata.normalize("NFKC", name)


def _kana(kana: str, rng: np.random.Generator) -> str:
    return half_width(kana) if rng.random() < 0.3 else kana


def _postal_code(code: str, rng: np.random.Generator) -> str:
    return (code, f"{code[:3]}-{code[3:]}", f"〒{code[:3]}-{code[3:]}")[rng.integers(3)]


def _address(true: Fields, rates: NoiseRates, rng: np.random.Generator) -> str:
    prefecture = "" if rng.random() < rates.prefecture_dropped else true["prefecture"]
    street = true["street"]
    if rng.random() < rates.city_only:
        town = re.split("[０-９]", street)[0]
        return prefecture + true["city"] + (town if rng.random() < 0.5 else "")
    found = re.match("(.*?[０-９][０-９丁目番地号－]*)(.*)", street)
    if found and rng.random() < rates.building_dropped:
        street = found[1]
    if rng.random() < rates.rewritten:
        street = _rewritten(street, rng)
    return prefecture + true["city"] + street


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


def _phone(phone: str, rates: NoiseRates, rng: np.random.Generator) -> str:
    if phone and rng.random() < rates.wrong_phone:
        place = int(rng.integers(len(phone) - 4, len(phone)))
        phone = phone[:place] + str(rng.integers(10)) + phone[place + 1 :]
    area, _, rest = phone.partition("-")
    ways = (phone, phone.replace("-", ""), f"{area}({rest.replace('-', ')')}" if phone else "")
    return ways[rng.integers(3)]


def _url(url: str, rng: np.random.Generator) -> str:
    bare = url.removeprefix("https://www.").removesuffix("/")
    way = rng.integers(4)
    return (url, f"http://{bare}", bare, f"info@{bare}")[way] if bare else ""
