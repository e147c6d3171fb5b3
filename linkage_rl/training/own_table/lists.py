"""The client lists of a run without labels: drawn from the table, in the likeness of a list."""

import logging
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.decision.cases import CaseSet
from linkage_rl.records import RecordBatch
from linkage_rl.tables.augmentation import NAME_LIST_RATES
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.noise_kinds import kinds_for
from linkage_rl.tables.noise_rates import NoiseRates
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.split import SPLITS
from linkage_rl.training.own_table.authorities import is_japanese
from linkage_rl.training.own_table.components import Component, first_rates
from linkage_rl.training.own_table.config import OwnTableConfig
from linkage_rl.training.own_table.drawing import Drawn, draw
from linkage_rl.training.own_table.drawn import DrawnDataset
from linkage_rl.training.own_table.estimate import Estimate, estimate
from linkage_rl.training.own_table.likeness import Style, masked, style_of
from linkage_rl.training.own_table.patterns import patterns
from linkage_rl.training.own_table.world import World

_log = logging.getLogger(__name__)

Prepare = Callable[[CompanyIndex, ClientList, str, str], CaseSet]
"""Cases of a client list: of the index, the list, the dataset, and what the list is for."""

WITHOUT_LIST: Final[Mapping[str, NoiseRates]] = {
    "all_fields": NoiseRates(
        exact=0.3,
        legal_form=0.2,
        width_space=0.05,
        extra_text=0.1,
        typo=0.15,
        renamed=0.12,
        reading=0.04,
        english=0.04,
        kana=0.6,
        address=0.85,
        postal_code=0.7,
        moved=0.35,
        text_beside_name=0.05,
        address_wording=0.05,
    ),
    "names_only": replace(NAME_LIST_RATES, address=0.0, postal_code=0.0, kana=0.0),
}
"""Datasets of a run without a list, with their noise."""
_BROAD: Final = len(SPLITS)
"""Number of the first drawing, after those of the splits."""
_SAMPLE: Final = 4_000
"""Rows that say which kinds of noise apply to a table."""


@dataclass(frozen=True, eq=False)
class DrawnLists:
    """Drawn client lists, and the table without the rows that were hidden for them."""

    world: World
    lists: Mapping[str, Mapping[str, ClientList]]
    """By split and then by dataset."""
    datasets: Mapping[str, DrawnDataset]


@dataclass(frozen=True, eq=False)
class _Plan:
    """How the clients of a dataset are drawn."""

    rates: Mapping[Component, float]
    noise: NoiseRates
    style: Style | None
    """Of the list that they resemble; None without one."""
    schema: Schema


def drawn_lists(
    full: CompanyIndex,
    like: Mapping[str, tuple[str, RecordBatch]],
    schema: Schema,
    config: OwnTableConfig,
    prepare: Prepare,
) -> DrawnLists:
    """Draw the clients of a run.

    Args:
        full: The company table.
        like: Dataset to the file and the clients of the list that it is to resemble; none draws
            one list with all fields and one of names alone.
        schema: Of the table.
        config: How much is drawn.
        prepare: Prepares cases, or reads cached ones.

    Raises:
        SchemaError: The table has too few rows.
    """
    world = World.of(full, config)
    plans = {name: _without_list(noise, schema, config) for name, noise in WITHOUT_LIST.items()}
    facts = {name: DrawnDataset("", None, None) for name in WITHOUT_LIST}
    if like:
        plans, facts = {}, {}
        for dataset, (file, clients) in like.items():
            plans[dataset], facts[dataset] = _fitted(
                world, dataset, file, clients, schema, config, prepare
            )
    sizes = {"train": config.train, "valid": config.valid, "test": config.test}
    lists = {
        split: {
            dataset: _as_list(
                _drawn(world, plan, split, sizes[split], config, [SPLITS.index(split), dataset])
            )
            for dataset, plan in plans.items()
        }
        for split in SPLITS
    }
    for split, named in lists.items():
        for dataset, drawn in named.items():
            if len(drawn) < sizes[split]:
                _log.info(
                    "%s: %s clients drawn for %s, own_table.%s asks for %s: the table is small",
                    dataset,
                    f"{len(drawn):,}",
                    split,
                    split,
                    f"{sizes[split]:,}",
                )
    return DrawnLists(world, lists, facts)


def _without_list(noise: NoiseRates, schema: Schema, config: OwnTableConfig) -> _Plan:
    """Clients at these rates of noise."""
    lacking = config.no_row_share_without_list
    rates = {
        Component(kind, moved, hidden): rate * place * row
        for kind, rate in noise.names().items()
        for moved, place in ((False, 1 - noise.moved), (True, noise.moved))
        for hidden, row in ((False, 1 - lacking), (True, lacking))
        if rate * place * row > 0
    }
    return _Plan(rates, noise, None, schema)


def _fitted(
    world: World,
    dataset: str,
    file: str,
    clients: RecordBatch,
    schema: Schema,
    config: OwnTableConfig,
    prepare: Prepare,
) -> tuple[_Plan, DrawnDataset]:
    """Draw broadly, and estimate from the list how often each kind of client occurs."""
    rng = _generator(config, [_BROAD, dataset])
    if len(clients) > config.list_clients:
        _log.info(
            "%s: %s of its %s clients are looked at, see own_table.list_clients",
            dataset,
            f"{config.list_clients:,}",
            f"{len(clients):,}",
        )
        some = np.sort(rng.choice(len(clients), config.list_clients, replace=False))
        clients = clients.take(some.tolist())
    style = style_of(clients, world.full, schema, rng)
    rows = world.full.records(world.kept["train"][:_SAMPLE])
    rates = first_rates(
        kinds_for(rows, schema),
        style.has_addresses,
        config.no_row_share,
        authorities=not schema.comparators and is_japanese(rows.column("name")),
    )
    plan = _Plan(rates, style.noise, style, schema)
    if not config.likeness:
        noise = WITHOUT_LIST["all_fields" if style.has_addresses else "names_only"]
        plan = replace(plan, noise=noise, style=None)
    nothing = [""] * len(clients)
    list_cases = prepare(world.full, ClientList(clients, nothing, {}), dataset, "list")
    if not config.broad:
        return plan, DrawnDataset(file, list_cases, None)
    broad = _drawn(world, plan, "train", config.broad, config, [_BROAD, dataset])
    broad_cases = prepare(world.index, _as_list(broad), dataset, "broad")
    found = estimate(
        patterns(broad_cases),
        broad.component,
        broad.components,
        patterns(list_cases),
        config.prior,
    )
    _log.info("%s: clients drawn at rates of %s", dataset, _shown(found))
    return replace(plan, rates=found.rates), DrawnDataset(file, list_cases, found.unseen_share)


def _drawn(
    world: World,
    plan: _Plan,
    split: str,
    count: int,
    config: OwnTableConfig,
    purpose: list[int | str],
) -> Drawn:
    rng = _generator(config, purpose)
    drawn = draw(world, count, plan.rates, plan.noise, plan.schema, split, config, rng)
    if plan.style is None:
        return drawn
    return replace(drawn, records=masked(drawn.records, plan.style, rng))


def _generator(config: OwnTableConfig, purpose: list[int | str]) -> np.random.Generator:
    """A generator of its own for each purpose, so that one drawing changes no other."""
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in purpose]
    return np.random.default_rng([config.seed, 1, *words])


def _as_list(drawn: Drawn) -> ClientList:
    labels = [str(drawn.components[place]) for place in drawn.component.tolist()]
    return ClientList(drawn.records, drawn.truth, {"noise": labels})


def _shown(found: Estimate) -> str:
    """The most frequent kinds, with their rates."""
    names: dict[str, float] = {}
    for component, rate in found.rates.items():
        names[component.name] = names.get(component.name, 0.0) + rate
    most = sorted(names.items(), key=lambda one: -one[1])
    return ", ".join(f"{name} {rate:.0%}" for name, rate in most)
