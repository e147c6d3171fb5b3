"""Company names of a sample: composed from the vocabulary, legal forms by their real frequency."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.tables.places import Towns
from linkage_rl.tables.vocabulary import Words, vocabulary

Core = tuple[str, str]
"""A name without its legal form, and its reading in katakana."""


@dataclass(frozen=True)
class Form:
    """A legal form with the kind of names that it is used with."""

    text: str
    share: float
    """Of all companies in the real table."""
    leading: float
    """Share of companies that write it before the name."""
    kind: str = "business"
    english: str = ""
    """Its English form, '' where it is left out."""


FORMS: Final = (
    Form("株式会社", 0.644, 0.72, english="Co., Ltd."),
    Form("合同会社", 0.138, 0.63, english="LLC"),
    Form("有限会社", 0.132, 0.92, english="Ltd."),
    Form("合資会社", 0.002, 0.83),
    Form("合名会社", 0.001, 0.73),
    Form("一般社団法人", 0.026, 0.96, "society"),
    Form("特定非営利活動法人", 0.0095, 1.0, "society"),
    Form("社会福祉法人", 0.003, 1.0, "society"),
    Form("一般財団法人", 0.002, 1.0, "society"),
    Form("公益社団法人", 0.001, 1.0, "society"),
    Form("公益財団法人", 0.001, 1.0, "society"),
    Form("医療法人", 0.005, 1.0, "care"),
    Form("医療法人社団", 0.0045, 1.0, "care"),
    Form("協同組合", 0.006, 0.0, "cooperative"),
    Form("農事組合法人", 0.002, 0.98, "hira"),
    Form("税理士法人", 0.002, 0.67, "office"),
    Form("弁護士法人", 0.001, 0.95, "office"),
    Form("", 0.012, 0.0, "shrine"),
)
"""Counted in the real table; forms below 0.1 % are left out."""

BUSINESS: Final = (
    ("surname trade", 0.16),
    ("stem trade", 0.15),
    ("town trade", 0.05),
    ("kata", 0.05),
    ("kata service", 0.17),
    ("kata kata", 0.04),
    ("surname service", 0.06),
    ("letters", 0.06),
    ("letters service", 0.03),
    ("latin", 0.04),
    ("latin latin_tail", 0.09),
    ("latin latin", 0.03),
    ("hira", 0.02),
    ("hira service", 0.03),
    ("town service", 0.02),
)
"""Patterns of business names and how often each is used; scripts are mixed as in the real table."""

COMMON: Final = (
    ("surname trade", 0.25),
    ("kata", 0.25),
    ("kanji", 0.1),
    ("latin", 0.15),
    ("letters", 0.1),
    ("hira", 0.1),
    ("kata service", 0.05),
)
"""Patterns of the short names that many companies choose independently."""

MAX_ATTEMPTS: Final = 10
"""Attempts at drawing distinct names, after which fewer are given; later ones add towns."""

OTHERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "society": "place society",
        "care": "stem care",
        "cooperative": "town cooperative",
        "hira": "hira",
        "office": "surname office",
        "shrine": "shrine",
    }
)
"""Kind of a legal form to the pattern of its names."""


@dataclass(frozen=True)
class NamePool:
    """Names of the companies of a sample; several companies may share one."""

    cores: Sequence[Core]
    core: NDArray[np.int64]
    """Core of each name, shape (M,)."""
    form: NDArray[np.int64]
    """Position of its legal form in FORMS, shape (M,)."""
    leading: NDArray[np.bool_]
    """Whether the form is written before the core, shape (M,)."""

    def texts(self, names: NDArray[np.int64]) -> list[str]:
        """Full names, with their legal form."""
        forms = [form.text for form in FORMS]
        return [
            forms[form] + self.cores[core][0] if leading else self.cores[core][0] + forms[form]
            for core, form, leading in zip(
                self.core[names].tolist(),
                self.form[names].tolist(),
                self.leading[names].tolist(),
                strict=True,
            )
        ]

    def readings(self, names: NDArray[np.int64]) -> list[str]:
        """Katakana readings without the legal form, as the registry gives them."""
        return [self.cores[core][1] for core in self.core[names].tolist()]

    def joined(self, others: "NamePool") -> "NamePool":
        """The names of both pools; those of the other pool come last."""
        return NamePool(
            [*self.cores, *others.cores],
            core=np.concatenate([self.core, len(self.cores) + others.core]),
            form=np.concatenate([self.form, others.form]),
            leading=np.concatenate([self.leading, others.leading]),
        )

    def __len__(self) -> int:
        return len(self.core)


def make_names(
    count: int, common: int, towns: Towns, rng: np.random.Generator, sibling_share: float = 0.12
) -> NamePool:
    """Draw distinct names; the first `common` of them are short ones.

    Args:
        count: Names to draw.
        common: How many of them are drawn from COMMON patterns.
        towns: Places that names are taken from.
        rng: Random generator.
        sibling_share: Share of names that repeat the core of another one with another form.
    """
    shares = np.array([form.share for form in FORMS])
    form = rng.choice(len(FORMS), size=count, p=shares / shares.sum())
    # names that companies share are mostly those of businesses and shrines
    form[:common] = np.where(rng.random(common) < 0.03, len(FORMS) - 1, form[:common] % 3)
    leading = rng.random(count) < np.array([each.leading for each in FORMS])[form]
    core = np.zeros(count, dtype=np.int64)
    cores: list[Core] = []
    kinds = np.array([each.kind for each in FORMS])[form]
    for kind in dict.fromkeys(kinds.tolist()):
        for short in (True, False):
            rows = np.flatnonzero((kinds == kind) & ((np.arange(count) < common) == short))
            drawn = draw_cores(len(rows), kind, towns, rng, common=short)
            core[rows] = len(cores) + np.arange(len(rows))
            cores.extend(drawn)
    business = np.flatnonzero(form < 3)
    sibling = business[(rng.random(len(business)) < sibling_share) & (business >= common)]
    model = rng.choice(business, size=len(sibling))
    core[sibling] = core[model]
    form[sibling] = (form[model] + rng.integers(1, 3, len(sibling))) % 3
    return NamePool(cores, core, form, leading)


def with_relatives(
    names: NamePool, models: NDArray[np.int64], rng: np.random.Generator
) -> NamePool:
    """The pool with a new name for each model: its core and a word such as 東日本 or 販売."""
    words = _pick(vocabulary()["relative"], len(models), rng)
    cores = [
        (names.cores[core][0] + word, names.cores[core][1] + kana)
        for core, (word, kana) in zip(names.core[models].tolist(), words, strict=True)
    ]
    relatives = NamePool(cores, np.arange(len(cores)), names.form[models], names.leading[models])
    return names.joined(relatives)


def with_sisters(names: NamePool, models: NDArray[np.int64], rng: np.random.Generator) -> NamePool:
    """The pool with three new names for each model: 第一X, 第二X and 第三X, or 東日本X, and so on.

    The G first of the groups come first, then the G second and the G third.

    Args:
        names: M names.
        models: Names of which the G groups take the core and the form, shape (G,).
        rng: Random generator.
    """
    words = vocabulary()
    kinds = [
        ("numbered", "region", "affiliate")[kind] for kind in rng.integers(3, size=len(models))
    ]
    orders = rng.permuted(np.tile(np.arange(3), (len(models), 1)), axis=1)
    cores: list[Core] = []
    for member in range(3):
        for model, kind, order in zip(names.core[models].tolist(), kinds, orders, strict=True):
            word, kana = words[kind].texts[order[member]], words[kind].readings[order[member]]
            text, reading = names.cores[model]
            behind = kind == "affiliate"
            cores.append((text + word, reading + kana) if behind else (word + text, kana + reading))
    sisters = NamePool(
        cores,
        np.arange(len(cores)),
        form=np.tile(names.form[models], 3),
        leading=np.tile(names.leading[models], 3),
    )
    return names.joined(sisters)


def draw_cores(
    count: int, kind: str, towns: Towns, rng: np.random.Generator, *, common: bool = False
) -> list[Core]:
    """Distinct names without legal form for one kind of company.

    When the patterns run out of words, a town before the name makes it distinct.
    """
    found: dict[str, str] = {}
    for attempt in range(MAX_ATTEMPTS):
        missing = count - len(found)
        if missing <= 0:
            break
        drawn = _compose(2 * missing + 8, _patterns(kind, common), towns, rng)
        if attempt > MAX_ATTEMPTS // 2:
            drawn = _prefixed(drawn, towns, rng)
        found |= dict(drawn)
    pairs = list(found.items())
    order = rng.permutation(len(pairs))[:count]
    return [pairs[row] for row in order]


def _patterns(kind: str, common: bool) -> Sequence[tuple[str, float]]:
    if kind == "business":
        return COMMON if common else BUSINESS
    return ((OTHERS[kind], 1.0),)


def _compose(
    count: int,
    patterns: Sequence[tuple[str, float]],
    towns: Towns,
    rng: np.random.Generator,
) -> list[Core]:
    shares = np.array([share for _, share in patterns])
    counts = rng.multinomial(count, shares / shares.sum())
    cores: list[Core] = []
    for (pattern, _), drawn in zip(patterns, counts, strict=True):
        parts = [_words(part, int(drawn), towns, rng) for part in pattern.split()]
        cores.extend(
            ("".join(text for text, _ in words), "".join(kana for _, kana in words))
            for words in zip(*parts, strict=True)
        )
    return cores


def _words(part: str, count: int, towns: Towns, rng: np.random.Generator) -> Sequence[Core]:
    special: dict[str, Callable[[], Sequence[Core]]] = {
        "town": lambda: _town_words(count, towns, rng),
        "place": lambda: _town_words(count, towns, rng),
        "letters": lambda: _letter_words(count, rng),
        "stem": lambda: _stem_words(count, rng),
    }
    return special[part]() if part in special else _pick(vocabulary()[part], count, rng)


def _pick(words: Words, count: int, rng: np.random.Generator) -> list[Core]:
    # skewed, so that the first words of a list are the most common ones, such as Satō
    rows = (rng.random(count) ** 1.5 * len(words)).astype(int)
    return [(words.texts[row], words.readings[row]) for row in rows]


def _town_words(count: int, towns: Towns, rng: np.random.Generator) -> list[Core]:
    """Names of cities without 市, or of towns: 金沢 of 金沢市, 本町."""
    rows = towns.draw(count, rng).tolist()
    by_city = (rng.random(count) < 0.6).tolist()
    return [
        (towns.city[row][:-1], towns.city_kana[row][:-1])
        if city and towns.city[row].endswith("市")
        else (towns.town[row], towns.town_kana[row])
        for row, city in zip(rows, by_city, strict=True)
    ]


def _letter_words(count: int, rng: np.random.Generator) -> list[Core]:
    letters, readings = vocabulary()["letter"].texts, vocabulary()["letter"].readings
    rows = rng.integers(0, len(letters), (count, 4))
    sizes = rng.choice([2, 3, 4], size=count, p=[0.35, 0.5, 0.15])
    return [
        ("".join(letters[i] for i in row[:size]), "".join(readings[i] for i in row[:size]))
        for row, size in zip(rows.tolist(), sizes.tolist(), strict=True)
    ]


def _stem_words(count: int, rng: np.random.Generator) -> list[Core]:
    """Two kanji in their Chinese reading, or an existing word."""
    first, second = (_pick(vocabulary()["on"], count, rng) for _ in range(2))
    existing = _pick(vocabulary()["kanji"], count, rng)
    composed = rng.random(count) < 0.6
    return [
        (a[0] + b[0], a[1] + b[1]) if made else word
        for a, b, word, made in zip(first, second, existing, composed, strict=True)
    ]


def _prefixed(cores: Sequence[Core], towns: Towns, rng: np.random.Generator) -> list[Core]:
    places = _town_words(len(cores), towns, rng)
    return [
        (place + text, place_kana + kana)
        for (place, place_kana), (text, kana) in zip(places, cores, strict=True)
    ]
