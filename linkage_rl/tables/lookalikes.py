"""Companies easily taken for another: namesakes, tenants of one building, sisters, branches."""

import numpy as np
from numpy.typing import NDArray

from linkage_rl.tables.names import NamePool, with_relatives, with_sisters
from linkage_rl.tables.sites import Sites


def group_sizes(members: int, largest: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Sizes of groups of companies of one name: 2 or more each, long-tailed, `members` in all."""
    sizes = np.minimum(1 + rng.zipf(2.2, size=members // 2 + 1), largest)
    return sizes[: int(np.searchsorted(np.cumsum(sizes), members, side="right"))]


def with_lookalikes(
    absent: NDArray[np.bool_],
    names: NamePool,
    name: NDArray[np.int64],
    sites: Sites,
    sibling_share: float,
    rng: np.random.Generator,
) -> tuple[NamePool, NDArray[np.int64], Sites]:
    """Make half of the absent companies similar to one in the table, and add siblings."""
    missing, present = np.flatnonzero(absent), np.flatnonzero(~absent)
    kind = rng.choice(4, size=len(missing), p=[0.5, 0.2, 0.15, 0.15])
    twins, tenants = missing[kind == 1], missing[kind == 2]
    name[twins] = name[rng.choice(present, len(twins))]
    seat = np.arange(len(name))
    seat[tenants] = rng.choice(present, len(tenants))
    relatives = np.concatenate(
        [missing[kind == 3], rng.choice(present, round(sibling_share * len(present)))]
    )
    pool = with_relatives(names, name[rng.choice(present, len(relatives))], rng)
    name[relatives] = len(names) + np.arange(len(relatives))
    return pool, name, sites.take(seat)


def with_sisters_and_branches(
    absent: NDArray[np.bool_],
    names: NamePool,
    name: NDArray[np.int64],
    sites: Sites,
    sister_share: float,
    branch_share: float,
    rng: np.random.Generator,
) -> tuple[NamePool, NDArray[np.int64], Sites, NDArray[np.int64]]:
    """Name some companies as sisters, and make some rows branches of others.

    Args:
        absent: Whether the table lacks the company, shape (N,).
        names: M names.
        name: Name of each company, shape (N,).
        sites: Its address, N.
        sister_share: Share of the companies of the table that are one of three sisters, of which
            the table has one or two.
        branch_share: Share of the rows of the table that are a branch.
        rng: Random generator.

    Returns:
        The names with those of the sisters, the name of each company, its address, and the head
        office of each branch, the company itself where it is none, shape (N,).
    """
    missing, present = (rng.permutation(np.flatnonzero(mask)) for mask in (absent, ~absent))
    groups = min(round(sister_share * len(present) / 1.5), len(missing) // 5)
    beside = groups - groups // 2
    second = np.concatenate(
        [present[groups : groups + beside], missing[groups : 2 * groups - beside]]
    )
    sisters = np.stack([present[:groups], second, missing[:groups]])
    pool = with_sisters(names, name[sisters[0]], rng)
    name, seat, head = name.copy(), np.arange(len(name)), np.arange(len(name))
    name[sisters] = len(names) + np.arange(3 * groups).reshape(3, groups)
    together = sisters[:, rng.random(groups) < 0.6]
    seat[together] = together[0]
    others = present[groups + beside :]
    branches = min(round(branch_share * len(present)), len(others) // 2)
    head[others[:branches]] = others[branches : 2 * branches]
    return pool, name[head], sites.take(seat), head
