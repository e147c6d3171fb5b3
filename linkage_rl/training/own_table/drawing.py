"""Draws clients of a company table: rows, what they were before, and noise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.records import RecordBatch
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.noise_kinds import corrupt_kind
from linkage_rl.tables.noise_rates import NoiseRates
from linkage_rl.training.own_table.authorities import authority_names
from linkage_rl.training.own_table.components import ABSENT_KIND, Component
from linkage_rl.training.own_table.config import OwnTableConfig
from linkage_rl.training.own_table.former import former_records
from linkage_rl.training.own_table.world import World

FEWEST: Final = 4_000
"""Clients up to which rows are drawn again: beyond, each row is drawn once on average."""
REPEATS: Final = 10
"""Clients drawn of each row at most, on average: more would teach nothing new."""


@dataclass(frozen=True)
class Drawn:
    """N clients that were drawn from a table."""

    records: RecordBatch
    truth: list[str]
    """The right company of each, '' where its row is hidden."""
    components: tuple[Component, ...]
    """The C kinds of clients that were drawn."""
    component: NDArray[np.int64]
    """Position in `components` of the kind of each client, shape (N,)."""

    def __len__(self) -> int:
        return len(self.truth)


def draw(
    world: World,
    count: int,
    rates: Mapping[Component, float],
    noise: NoiseRates,
    schema: Schema,
    split: str,
    config: OwnTableConfig,
    rng: np.random.Generator,
) -> Drawn:
    """Draw clients, in random order.

    Args:
        world: The table.
        count: Clients to draw; fewer where the table is small, see `FEWEST` and `REPEATS`.
        rates: Component to its share of the clients.
        noise: Rates of everything but name noise and moves.
        schema: Of the table.
        split: Whose rows are drawn.
        config: See `former_records`.
        rng: Random generator.
    """
    available = len(world.kept[split]) + len(world.hidden[split])
    count = min(count, max(available, min(FEWEST, REPEATS * available)))
    components = tuple(rates)
    shares = np.array([rates[component] for component in components])
    numbers = rng.multinomial(count, shares / shares.sum())
    hidden = [component.hidden for component in components]
    rows = {
        True: _rows(world.hidden[split], int(numbers[hidden].sum()), rng),
        False: _rows(world.kept[split], int(numbers[np.logical_not(hidden)].sum()), rng),
    }
    parts, truth, labels = [], [], []
    for place, (component, number) in enumerate(zip(components, numbers.tolist(), strict=True)):
        if not number:
            continue
        mine = rows[component.hidden][:number]
        rows[component.hidden] = rows[component.hidden][number:]
        records = _clients(world, mine, component, noise, schema, split, config, rng)
        parts.append(records)
        truth += [""] * len(records) if component.hidden else world.full.company_ids(mine)
        labels.append(np.full(len(records), place))
    order = rng.permutation(len(truth)).tolist()
    shuffled = RecordBatch.concatenate(parts).take(order)
    ids = [f"{split}-{client:06}" for client in range(len(truth))]
    return Drawn(
        RecordBatch(ids, shuffled.columns),
        [truth[row] for row in order],
        components,
        np.concatenate(labels)[order].astype(np.int64),
    )


def _rows(rows: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """So many of these rows, each equally often as far as possible."""
    repeats = -(-count // max(len(rows), 1))
    return np.concatenate([rng.permutation(rows) for _ in range(repeats)] or [rows[:0]])[:count]


def _clients(
    world: World,
    rows: NDArray[np.int64],
    component: Component,
    noise: NoiseRates,
    schema: Schema,
    split: str,
    config: OwnTableConfig,
    rng: np.random.Generator,
) -> RecordBatch:
    """Clients of one component."""
    records = world.full.records(rows)
    former = former_records(world, rows, records, schema, split, config, rng)
    if component.name == ABSENT_KIND:
        names = authority_names(world.full, len(rows), rng)
        columns = {field: list(texts[: len(names)]) for field, texts in records.columns.items()}
        columns |= {"name": names, "name_kana": [""] * len(names)}
        records = RecordBatch(records.ids[: len(names)], columns)
        former = former.take(range(len(names)))
    return corrupt_kind(
        records,
        former,
        "exact" if component.name == ABSENT_KIND else component.name,
        moved=component.moved,
        rates=noise,
        schema=schema,
        rng=rng,
    )
