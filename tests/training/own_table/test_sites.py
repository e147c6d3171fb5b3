"""Clients drawn from a table in which companies have several rows."""

import numpy as np

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.training.own_table.config import OwnTableConfig
from linkage_rl.training.own_table.world import World

COMPANIES = 400


def index() -> CompanyIndex:
    """Companies with one, two and three rows in turn."""
    ids = [f"{row:03}" for row in range(COMPANIES) for _ in range(1 + row % 3)]
    names = [f"株式会社第{one}商店" for one in ids]
    records = RecordBatch(
        ids, {"name": names, "phone": [f"03-3222-{row:04}" for row in range(len(ids))]}
    )
    return CompanyIndex.build([CompanyRows(records, [""] * len(ids), [""] * len(ids))])


def test_a_hidden_company_is_hidden_with_all_of_its_rows() -> None:
    full = index()

    world = World.of(full, OwnTableConfig(hidden=50))

    hidden = np.concatenate([*world.hidden.values()])
    kept = np.concatenate([*world.kept.values()])
    assert len(hidden) == 50
    assert sorted([*hidden, *kept]) == full.head_rows.tolist()
    assert len(full) == COMPANIES
    assert len(world.index) == COMPANIES - 50
    assert (world.index.find(full.company_ids(hidden)) < 0).all()
    alive = np.flatnonzero(world.index.parts[0].alive)
    assert not set(full.company_ids(alive)) & set(full.company_ids(hidden))


def test_no_company_is_in_two_splits() -> None:
    full = index()
    world = World.of(full, OwnTableConfig())

    splits = [set(full.company_ids(rows)) for rows in world.kept.values()]

    assert sum(map(len, splits)) == len(set().union(*splits))
