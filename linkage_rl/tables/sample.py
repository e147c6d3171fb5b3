"""A seeded sample: a company table and client lists that behave like the real ones."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.checks import SEED, SHARE, Range, check_ranges
from linkage_rl.errors import ConfigError
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.corrupt import NoiseRates, corrupt
from linkage_rl.tables.lookalikes import group_sizes, with_lookalikes, with_sisters_and_branches
from linkage_rl.tables.names import FORMS, NamePool, make_names
from linkage_rl.tables.places import Towns, load_towns
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.sites import Sites, draw_sites
from linkage_rl.tables.split import SHARES, SPLITS, split_of
from linkage_rl.tables.table_noise import with_table_noise
from linkage_rl.tables.vocabulary import romanised

FIRST_DAY: Final = date(2021, 7, 1)
DAYS: Final = 1_640
"""Days from the first to the last change of a row, as in the real table."""

TOP_LEVELS: Final = ("co.jp", "com", "jp", "co.jp")


@dataclass(frozen=True)
class SampleConfig:
    """The sample to generate; equal configs give equal samples."""

    companies: int = 20_000
    """Rows of the company table."""
    clients: int = 12_000
    """Clients over all splits."""
    no_row_share: float = 0.15
    """Share of clients whose company is closed or not in the table."""
    seed: int = 0
    namesake_share: float = 0.25
    """Share of companies whose exact name another one has, too; 0.25 in the real table."""
    shared_site_share: float = 0.24
    """Share of companies in a building with others; 0.24 in the real table."""
    sibling_share: float = 0.03
    """Share of companies named after another one: 山田商事東日本 after 山田商事."""
    sister_share: float = 0.02
    """Share of companies named as one of three: 第一山田, 第二山田, 第三山田. Of half of the groups
    the table has two, of the others one; most groups have one address and telephone."""
    branch_share: float = 0.01
    """Share of rows that are a branch, beside the row of its head office elsewhere."""
    text_beside_name_share: float = 0.03
    """Share of rows whose name has a former name or a trade name beside it."""
    shared_identifier_share: float = 0.05
    """Share of rows with a dummy or shared value in an empty identifier."""
    closed_share: float = 0.01
    """Share of rows that are closed."""
    renamed_share: float = 0.06
    """Share of companies that had another name before; one in seven of them had two."""
    phone_share: float = 0.7
    url_share: float = 0.45
    kana_share: float = 0.97
    english_share: float = 0.1
    noise: NoiseRates = field(default_factory=NoiseRates)

    def __post_init__(self) -> None:
        shares = (one.name for one in fields(self) if one.name.endswith("_share"))
        check_ranges(
            "table.sample",
            self,
            {
                "companies": Range(10, 50_000_000),
                "clients": Range(0, 50_000_000),
                "seed": SEED,
                **dict.fromkeys(shares, SHARE),
                "no_row_share": Range(0, 1, open_high=True),
            },
        )

    @property
    def absent(self) -> int:
        """Number of companies that clients may have but the table lacks."""
        return int(self.clients * self.no_row_share * 1.3) + 1


@dataclass(frozen=True)
class World:
    """All companies of a sample: those in the table and those that it lacks."""

    config: SampleConfig
    towns: Towns
    names: NamePool
    name: NDArray[np.int64]
    """Name of each company, shape (N,)."""
    sites: Sites
    company_ids: tuple[str, ...]
    absent: NDArray[np.bool_]
    """Whether the table lacks the company, shape (N,)."""
    closed: NDArray[np.bool_]
    has: NDArray[np.float64]
    """Random numbers in [0, 1) that decide which fields a company has, shape (N, 4)."""
    day: NDArray[np.int64]
    """Days from FIRST_DAY to the last change, shape (N,)."""
    name_frequency: NDArray[np.int64]
    """Number of companies with each name, shape (M,)."""
    former: NDArray[np.int64]
    """Former names of each company, -1 for none, shape (N, 2)."""
    head: NDArray[np.int64]
    """Head office of a branch, the company itself where it is none, shape (N,)."""
    dirt: NDArray[np.float64]
    """Random numbers in [0, 1) that decide which rows of the table have dirt, shape (N, 2)."""

    def records(self, rows: NDArray[np.int64]) -> RecordBatch:
        """Every field of these companies."""
        config, towns, sites = self.config, self.towns, self.sites.take(rows)
        names = self._names(rows)
        readings = self.names.readings(self.name[rows])
        company_ids = [self.company_ids[row] for row in rows.tolist()]
        latin = romanised(readings)
        fields = {
            "name": names,
            "name_kana": self._some(rows, 0, config.kana_share, readings),
            "name_en": self._some(rows, 1, config.english_share, self._english(rows, latin)),
            "postal_code": towns.postal_code[sites.town].tolist(),
            "prefecture": towns.prefecture[sites.town].tolist(),
            "city": towns.city[sites.town].tolist(),
            "street": sites.streets(towns),
            "phone": self._some(rows, 2, config.phone_share, sites.phone_numbers(towns)),
            "url": self._some(rows, 3, config.url_share, self._urls(rows, latin)),
            "corporate_number": company_ids,
            "former_names": self._former_names(rows),
        }
        return RecordBatch(company_ids, fields)

    def rows(self, rows: NDArray[np.int64]) -> CompanyRows:
        """These companies as rows of the table, without its dirt."""
        closed = self.closed[rows].tolist()
        days = [str(FIRST_DAY + timedelta(days=day)) for day in self.day[rows].tolist()]
        return CompanyRows(
            self.records(rows),
            updated_at=days,
            closed_at=[day if gone else "" for day, gone in zip(days, closed, strict=True)],
        )

    def _names(self, rows: NDArray[np.int64]) -> list[str]:
        """Names of these companies, those of branches with the city of the branch."""
        names = self.names.texts(self.name[rows])
        for place in np.flatnonzero(self.head[rows] != rows).tolist():
            city = str(self.towns.city[self.sites.town[rows[place]]]).split("郡")[-1]
            space = "　" if rows[place] % 2 else ""
            names[place] += f"{space}{re.split('[市区町村]', city)[0]}支店"
        return names

    def _former_names(self, rows: NDArray[np.int64]) -> list[str]:
        """Former names of these companies, joined by '|'."""
        former = self.former[rows]
        texts = np.full(former.shape, "", dtype=object)
        texts[former >= 0] = self.names.texts(former[former >= 0])
        return ["|".join(filter(None, both)) for both in texts.tolist()]

    def _some(
        self, rows: NDArray[np.int64], column: int, share: float, texts: list[str]
    ) -> list[str]:
        """The texts of that share of the companies that have the field; '' for the others."""
        having = (self.has[rows, column] < share).tolist()
        return [text if has else "" for text, has in zip(texts, having, strict=True)]

    def _english(self, rows: NDArray[np.int64], latin: list[str]) -> list[str]:
        forms = self.names.form[self.name[rows]].tolist()
        return [
            f"{text.capitalize()} {FORMS[form].english}".strip()
            for text, form in zip(latin, forms, strict=True)
        ]

    def _urls(self, rows: NDArray[np.int64], latin: list[str]) -> list[str]:
        shared = (self.name_frequency[self.name[rows]] > 1).tolist()
        rows = self.head[rows]
        # companies of the same name need different domains
        return [
            f"https://www.{text[:30] or 'company'}{f'-{row}' if again else ''}."
            f"{TOP_LEVELS[row % len(TOP_LEVELS)]}/"
            for text, row, again in zip(latin, rows.tolist(), shared, strict=True)
        ]


def generate_companies(config: SampleConfig, size: int = 50_000) -> Iterator[CompanyRows]:
    """The company table, `size` rows at a time."""
    world = _world(config)
    present = np.flatnonzero(~world.absent)
    # one generator for all rows, so that the size of the chunks changes nothing
    rng = np.random.default_rng([config.seed, len(SPLITS) + 4])
    shares = [config.text_beside_name_share, config.shared_identifier_share]
    for start in range(0, len(present), size):
        rows = present[start : start + size]
        yield with_table_noise(world.rows(rows), world.dirt[rows] < shares, rng)


def generate_clients(config: SampleConfig, split: str) -> ClientList:
    """The client list of one split, with truth, and in `extra` how each name was changed.

    Raises:
        ConfigError: There is no such split.
    """
    if split not in SPLITS:
        raise ConfigError(f"expected a split among {list(SPLITS)}, got {split!r}")
    world, number = _world(config), SPLITS.index(split)
    rng = np.random.default_rng([config.seed, 1 + number])
    count = round(config.clients * SHARES[number])
    no_row = world.absent | world.closed
    mine = split_of(world.company_ids) == number
    # a split of a tiny sample may have no company that the table lacks
    lacking = round(count * config.no_row_share) if (mine & no_row).any() else 0
    rows = np.concatenate(
        [
            _draw(np.flatnonzero(mine & no_row), lacking, rng),
            _draw(np.flatnonzero(mine & ~no_row), count - lacking, rng),
        ]
    )
    rng.shuffle(rows)
    records, kinds = corrupt(world.records(rows), _former(world, rows, rng), config.noise, rng)
    ids = [f"{split}-{client:06}" for client in range(count)]
    return ClientList(
        RecordBatch(ids, records.columns),
        truth=[
            "" if lacks else company_id
            for company_id, lacks in zip(
                (world.company_ids[row] for row in rows), no_row[rows], strict=True
            )
        ],
        extra={"noise": kinds},
    )


def check_digits(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Check digits of corporate numbers' twelve digits, which they precede; shape (N,).

    9 - (sum of P_n Q_n mod 9): P_n is the n-th digit from the right, Q_n is 1 for odd n and 2
    for even n (財務省令第70号, 2014, article 2).

    >>> check_digits(np.array([12050002]))
    array([7])
    """
    weighted = sum(numbers // 10**place % 10 * (1 + place % 2) for place in range(12))
    return 9 - np.asarray(weighted) % 9


@lru_cache(maxsize=1)
def _world(config: SampleConfig) -> World:
    rng = np.random.default_rng([config.seed, 0])
    towns, total = load_towns(), config.companies + config.absent
    sizes = group_sizes(round(total * config.namesake_share), min(max(total // 1000, 4), 700), rng)
    unique = total - int(sizes.sum())
    names = make_names(len(sizes) + unique, len(sizes), towns, rng)
    name = np.concatenate([np.repeat(np.arange(len(sizes)), sizes), len(sizes) + np.arange(unique)])
    rng.shuffle(name)
    absent = np.zeros(total, dtype=bool)
    absent[rng.choice(total, config.absent, replace=False)] = True
    sites = draw_sites(towns.draw(total, rng), config.shared_site_share, rng)
    names, name, sites = with_lookalikes(absent, names, name, sites, config.sibling_share, rng)
    # a generator of its own, so that these two shares change nothing else
    names, name, sites, head = with_sisters_and_branches(
        absent,
        names,
        name,
        sites,
        config.sister_share,
        config.branch_share,
        np.random.default_rng([config.seed, len(SPLITS) + 2]),
    )
    names, former = _with_former_names(config, names, name, towns)
    return World(
        config=config,
        towns=towns,
        names=names,
        name=name,
        sites=sites,
        company_ids=_corporate_numbers(towns.prefecture_code[sites.town], rng),
        absent=absent,
        closed=(rng.random(total) < config.closed_share) & ~absent,
        has=rng.random((total, 4)),
        day=rng.integers(0, DAYS, total),
        name_frequency=np.bincount(name[head == np.arange(total)], minlength=len(names)),
        former=former,
        head=head,
        dirt=np.random.default_rng([config.seed, len(SPLITS) + 3]).random((total, 2)),
    )


def _with_former_names(
    config: SampleConfig, names: NamePool, name: NDArray[np.int64], towns: Towns
) -> tuple[NamePool, NDArray[np.int64]]:
    """The pool with former names added, and the former names of each company.

    A quarter of the former names are the present names of other companies.
    """
    # a separate generator, so that the share of renamed companies changes nothing else
    rng = np.random.default_rng([config.seed, len(SPLITS) + 1])
    former = np.full((len(name), 2), -1, dtype=np.int64)
    renamed = rng.random(len(name)) < config.renamed_share
    had = renamed[:, None] & (rng.random((len(name), 2)) < [1, 1 / 7])
    count = int(had.sum())
    former[had] = np.where(
        rng.random(count) < 0.25, rng.choice(name, count), len(names) + np.arange(count)
    )
    former[former == name[:, None]] = -1
    return names.joined(make_names(count, count // 5, towns, rng)), former


def _corporate_numbers(prefectures: NDArray[np.int64], rng: np.random.Generator) -> tuple[str, ...]:
    """Distinct corporate numbers: check digit, registry office, kind and serial number."""
    order = np.argsort(prefectures, kind="stable")
    counts = np.bincount(prefectures, minlength=48)
    rank = np.empty(len(prefectures), dtype=np.int64)
    rank[order] = np.arange(len(prefectures)) - np.repeat(np.cumsum(counts) - counts, counts)
    step = max(999_999 // (int(counts.max()) + 1), 1)
    serial = rank * step + rng.integers(0, step, len(prefectures))
    numbers = prefectures * 10**10 + 10**6 + serial
    return tuple(f"{number:013}" for number in check_digits(numbers) * 10**12 + numbers)


def _draw(rows: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`count` of these rows, without repeats if there are enough."""
    return rng.choice(rows, count, replace=len(rows) < count)


def _former(world: World, rows: NDArray[np.int64], rng: np.random.Generator) -> RecordBatch:
    """Fields of these companies at an earlier time: another name and another address.

    A company with former names has one of them, any other a name that the table does not know.
    """
    towns, count = world.towns, len(rows)
    names = world.names.joined(make_names(count, count // 5, towns, rng))
    former = world.former[rows, rng.integers(0, 2, count)]
    former = np.where(former >= 0, former, world.former[rows].max(axis=1))
    name = np.where(former >= 0, former, len(world.names) + np.arange(count))
    town = towns.near(world.sites.town[rows], rng.random(count) < 0.55, rng)
    sites = draw_sites(town, world.config.shared_site_share, rng)
    fields = {
        "name": names.texts(name),
        "name_kana": names.readings(name),
        "postal_code": towns.postal_code[sites.town].tolist(),
        "prefecture": towns.prefecture[sites.town].tolist(),
        "city": towns.city[sites.town].tolist(),
        "street": sites.streets(towns),
        "phone": sites.phone_numbers(towns),
    }
    return RecordBatch([str(row) for row in range(count)], fields)
