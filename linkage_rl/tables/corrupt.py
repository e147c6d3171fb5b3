"""Client noise: how a record on a client list differs from the company's row in the table."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from linkage_rl.checks import SHARE
from linkage_rl.errors import ConfigError
from linkage_rl.records import RecordBatch
from linkage_rl.tables.vocabulary import vocabulary

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
        the kind of name noise, with '+moved' where the address is a former one.
    """
    kinds = rng.choice(list(rates.names()), size=len(records), p=list(rates.names().values()))
    renamed = np.array([names != "" for names in records.column("former_names")], dtype=np.bool_)
    kinds[renamed & (rng.random(len(records)) < rates.old_name)] = "renamed"
    rows = [
        _client(_row(records, i), _row(former, i), str(kind), rates, rng)
        for i, kind in enumerate(kinds)
    ]
    columns = {field: [row[field] for row, _ in rows] for field in rows[0][0]} if rows else {}
    return RecordBatch(records.ids, columns), [kind for _, kind in rows]


Row = dict[str, str]


def _row(records: RecordBatch, row: int) -> Row:
    return {field: texts[row] for field, texts in records.columns.items()}


def _client(
    true: Row, former: Row, kind: str, rates: NoiseRates, rng: np.random.Generator
) -> tuple[Row, str]:
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


def _name(true: Row, kind: str, rates: NoiseRates, rng: np.random.Generator) -> str:
    name = true["name"]
    change = NAME_CHANGES.get(kind)
    if change is not None:
        name = change(true, rng)
    if kind in ("extra_text", "typo", "renamed") and rng.random() < rates.form_too:
        name = shorten_form(name, rng)
    return name if rng.random() < 0.6 else unicodedata.normalize("NFKC", name)


def shorten_form(name: str, rng: np.random.Generator) -> str:
    """The name with its legal form left out or abbreviated; unchanged where it has none."""
    form = next((form for form in ABBREVIATIONS if form in name), None)
    if form is None:
        return name
    ways = ("", *ABBREVIATIONS[form])
    return name.replace(form, ways[rng.integers(len(ways))], 1) or name


def _form_changed(true: Row, rng: np.random.Generator) -> str:
    return shorten_form(true["name"], rng)


def _respaced(true: Row, rng: np.random.Generator) -> str:
    core = core_of(true["name"])
    space = ("　", " ", "\n", "")[rng.integers(4)]
    spaced = true["name"].replace(core, f"{space}{core}{space}", 1).strip()
    return unicodedata.normalize("NFKC", spaced) if rng.random() < 0.5 else spaced


def _extended(true: Row, rng: np.random.Generator) -> str:
    branches = vocabulary()["branch"].texts
    space = ("", "　", " ")[rng.integers(3)]
    return f"{true['name']}{space}{branches[rng.integers(len(branches))]}"


def _mistyped(true: Row, rng: np.random.Generator) -> str:
    core = core_of(true["name"])
    return true["name"].replace(core, misspell(core, rng), 1)


def _read_aloud(true: Row, rng: np.random.Generator) -> str:
    if not true["name_kana"]:
        return true["name"]
    kana = true["name_kana"]
    head = "カ）" if true["name"].startswith("株式会社") else ""
    tail = "（カ" if true["name"].endswith("株式会社") else ""
    return half_width(f"{head}{kana}{tail}") if rng.random() < 0.6 else kana


def _in_english(true: Row, rng: np.random.Generator) -> str:
    return true["name_en"] or shorten_form(true["name"], rng)


NAME_CHANGES: Final[Mapping[str, Callable[[Row, np.random.Generator], str]]] = MappingProxyType(
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


def _kana(kana: str, rng: np.random.Generator) -> str:
    return half_width(kana) if rng.random() < 0.3 else kana


def _postal_code(code: str, rng: np.random.Generator) -> str:
    return (code, f"{code[:3]}-{code[3:]}", f"〒{code[:3]}-{code[3:]}")[rng.integers(3)]


def _address(true: Row, rates: NoiseRates, rng: np.random.Generator) -> str:
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
