"""A seeded sample: a company table and client lists that behave like the real ones."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import ConfigError
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.corrupt import NoiseRates, corrupt
from linkage_rl.tables.names import FORMS, NamePool, make_names, with_relatives
from linkage_rl.tables.places import Towns, load_towns
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.sites import Sites, draw_sites
from linkage_rl.tables.split import SHARES, SPLITS, split_of
from linkage_rl.tables.vocabulary import romanised

FIRST_DAY: Final = date(2021, 7, 1)
DAYS: Final = 1_640
"""Days from the first to the last change of a row, as in the real table."""

TOP_LEVELS: Final = ("co.jp", "com", "jp", "co.jp")


@dataclass(frozen=True)
class SampleConfig:
    """What a sample looks like; equal configs give equal samples."""

    companies: int = 20_000
    """Rows of the company table."""
    clients: int = 12_000
    """Clients over all splits."""
    no_row_share: float = 0.15
    """Clients whose company is not in the table, or closed."""
    seed: int = 0
    namesake_share: float = 0.25
    """Companies that share their exact name with another; 0.25 in the real table."""
    shared_site_share: float = 0.24
    """Companies that share their building with another; 0.24 in the real table."""
    family_share: float = 0.03
    """Companies named after another one: 山田商事 and 山田商事東日本."""
    closed_share: float = 0.01
    """Rows of the table that are closed."""
    phone_share: float = 0.7
    url_share: float = 0.45
    kana_share: float = 0.97
    english_share: float = 0.1
    noise: NoiseRates = field(default_factory=NoiseRates)

    def __post_init__(self) -> None:
        if self.companies < 10 or self.clients < 0 or not 0 <= self.no_row_share < 1:
            raise ConfigError(
                "expected at least 10 companies, no negative clients and a no_row_share in "
                f"[0, 1), got {self.companies}, {self.clients}, {self.no_row_share}"
            )

    @property
    def absent(self) -> int:
        """Companies that exist without a row, for clients to be; hidden from the table."""
        return int(self.clients * self.no_row_share * 1.3) + 1


@dataclass(frozen=True)
class World:
    """All companies there are: those of the table and those that it lacks."""

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
    """Chance in [0, 1) that decides which fields a company has, shape (N, 4)."""
    day: NDArray[np.int64]
    """Days from FIRST_DAY to the last change, shape (N,)."""
    bearers: NDArray[np.int64]
    """Companies that bear each name, shape (M,)."""

    def records(self, rows: NDArray[np.int64]) -> RecordBatch:
        """Every field of these companies."""
        config, towns, has, listed = self.config, self.towns, self.has, rows.tolist()
        town = self.sites.town[rows]
        return RecordBatch(
            [self.company_ids[row] for row in listed],
            {
                "name": [self.names.text(name) for name in self.name[rows].tolist()],
                "name_kana": [
                    self.names.reading(self.name[row]) if has[row, 0] < config.kana_share else ""
                    for row in listed
                ],
                "name_en": [
                    self._english(row) if has[row, 1] < config.english_share else ""
                    for row in listed
                ],
                "postal_code": towns.postal_code[town].tolist(),
                "prefecture": towns.prefecture[town].tolist(),
                "city": towns.city[town].tolist(),
                "street": [self.sites.street(row, towns) for row in listed],
                "phone": [
                    self.sites.phone_number(row, towns) if has[row, 2] < config.phone_share else ""
                    for row in listed
                ],
                "url": [self._url(row) if has[row, 3] < config.url_share else "" for row in listed],
                "corporate_number": [self.company_ids[row] for row in listed],
            },
        )

    def rows(self, rows: NDArray[np.int64]) -> CompanyRows:
        """These companies as rows of the table."""
        closed = self.closed[rows].tolist()
        days = [str(FIRST_DAY + timedelta(days=day)) for day in self.day[rows].tolist()]
        return CompanyRows(
            self.records(rows),
            updated_at=days,
            closed_at=[day if gone else "" for day, gone in zip(days, closed, strict=True)],
        )

    def _english(self, row: int) -> str:
        name = self.name[row]
        suffix = FORMS[self.names.form[name]].english
        return f"{romanised(self.names.reading(name)).capitalize()} {suffix}".strip()

    def _url(self, row: int) -> str:
        name = self.name[row]
        domain = romanised(self.names.reading(name))[:30] or "company"
        # companies of one name need domains of their own
        own = f"-{row}" if self.bearers[name] > 1 else ""
        return f"https://www.{domain}{own}.{TOP_LEVELS[row % len(TOP_LEVELS)]}/"


def generate_companies(config: SampleConfig, size: int = 50_000) -> Iterator[CompanyRows]:
    """The company table, `size` rows at a time."""
    world = _world(config)
    present = np.flatnonzero(~world.absent)
    for start in range(0, len(present), size):
        yield world.rows(present[start : start + size])


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
    lacking = round(count * config.no_row_share)
    rows = np.concatenate(
        [
            _some(np.flatnonzero(mine & no_row), lacking, rng),
            _some(np.flatnonzero(mine & ~no_row), count - lacking, rng),
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


def check_digit(number: str) -> int:
    """Check digit of a corporate number's twelve digits, which it precedes.

    The ministerial ordinance on corporate numbers (法人番号省令, article 2).

    >>> check_digit("700110005901")
    4
    """
    weighted = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number)))
    return 9 - weighted % 9


@lru_cache(maxsize=1)
def _world(config: SampleConfig) -> World:
    rng = np.random.default_rng([config.seed, 0])
    towns, total = load_towns(), config.companies + config.absent
    sizes = _group_sizes(round(total * config.namesake_share), min(max(total // 1000, 4), 700), rng)
    alone = total - int(sizes.sum())
    names = make_names(len(sizes) + alone, len(sizes), towns, rng)
    name = np.concatenate([np.repeat(np.arange(len(sizes)), sizes), len(sizes) + np.arange(alone)])
    rng.shuffle(name)
    absent = np.zeros(total, dtype=bool)
    absent[rng.choice(total, config.absent, replace=False)] = True
    sites = draw_sites(towns.draw(total, rng), config.shared_site_share, rng)
    names, name, sites = _hard(config, absent, names, name, sites, rng)
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
        bearers=np.bincount(name, minlength=len(names)),
    )


def _group_sizes(members: int, largest: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Sizes, from 2 up and with a long tail, of groups that hold this many namesakes."""
    sizes = np.minimum(1 + rng.zipf(2.2, size=members // 2 + 1), largest)
    return sizes[: int(np.searchsorted(np.cumsum(sizes), members, side="right"))]


def _hard(
    config: SampleConfig,
    absent: NDArray[np.bool_],
    names: NamePool,
    name: NDArray[np.int64],
    sites: Sites,
    rng: np.random.Generator,
) -> tuple[NamePool, NDArray[np.int64], Sites]:
    """Give half of the absent companies a near neighbour in the table, and make families."""
    missing, present = np.flatnonzero(absent), np.flatnonzero(~absent)
    kind = rng.choice(4, size=len(missing), p=[0.5, 0.2, 0.15, 0.15])
    twins, tenants = missing[kind == 1], missing[kind == 2]
    name[twins] = name[rng.choice(present, len(twins))]
    seat = np.arange(len(name))
    seat[tenants] = rng.choice(present, len(tenants))
    relatives = np.concatenate(
        [missing[kind == 3], rng.choice(present, round(config.family_share * len(present)))]
    )
    pool = with_relatives(names, name[rng.choice(present, len(relatives))], rng)
    name[relatives] = len(names) + np.arange(len(relatives))
    return pool, name, sites.take(seat)


def _corporate_numbers(prefectures: NDArray[np.int64], rng: np.random.Generator) -> tuple[str, ...]:
    """Distinct corporate numbers: check digit, registry office, kind and serial number."""
    order = np.argsort(prefectures, kind="stable")
    counts = np.bincount(prefectures, minlength=48)
    rank = np.empty(len(prefectures), dtype=np.int64)
    rank[order] = np.arange(len(prefectures)) - np.repeat(np.cumsum(counts) - counts, counts)
    step = max(999_999 // (int(counts.max()) + 1), 1)
    serial = rank * step + rng.integers(0, step, len(prefectures))
    stems = [
        f"{place:02}0001{number:06}" for place, number in zip(prefectures, serial, strict=True)
    ]
    return tuple(f"{check_digit(stem)}{stem}" for stem in stems)


def _some(rows: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """So many of these rows; each once where there are enough."""
    return rng.choice(rows, count, replace=len(rows) < count)


def _former(world: World, rows: NDArray[np.int64], rng: np.random.Generator) -> RecordBatch:
    """What these companies were called, and where they sat, some time ago."""
    towns, count = world.towns, len(rows)
    names = make_names(count, count // 5, towns, rng)
    town = towns.near(world.sites.town[rows], rng.random(count) < 0.55, rng)
    sites = draw_sites(town, world.config.shared_site_share, rng)
    return RecordBatch(
        list(map(str, range(count))),
        {
            "name": [names.text(name) for name in range(count)],
            "name_kana": [names.reading(name) for name in range(count)],
            "postal_code": towns.postal_code[sites.town].tolist(),
            "prefecture": towns.prefecture[sites.town].tolist(),
            "city": towns.city[sites.town].tolist(),
            "street": [sites.street(row, towns) for row in range(count)],
            "phone": [sites.phone_number(row, towns) for row in range(count)],
        },
    )
