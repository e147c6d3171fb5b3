"""Addresses of the companies of a sample: streets, shared buildings, phone numbers."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.tables.places import Towns
from linkage_rl.tables.vocabulary import vocabulary

FULL_WIDTH: Final = str.maketrans("0123456789-", "０１２３４５６７８９－")


@dataclass(frozen=True)
class Sites:
    """N business addresses."""

    town: NDArray[np.int64]
    """Row of each in the towns, shape (N,), as are all columns."""
    chome: NDArray[np.int64]
    block: NDArray[np.int64]
    house: NDArray[np.int64]
    """House number, 0 where the address ends with the block."""
    style: NDArray[np.int64]
    """Spelling in the registry: 0 with 番 and 号 or 番地, 1 with hyphens."""
    building: NDArray[np.int64]
    """Position in the vocabulary's buildings, -1 for none."""
    room: NDArray[np.int64]
    """Room number of three or four digits, 0 where none is given."""
    phone: NDArray[np.int64]
    """Nine digits, the last of which follow the area code."""

    def take(self, rows: NDArray[np.int64]) -> "Sites":
        """The sites at these positions."""
        return Sites(**{name: column[rows] for name, column in vars(self).items()})

    def streets(self, towns: Towns) -> list[str]:
        """Town, numbers, building and room in the registry's full-width digits."""
        buildings = (*vocabulary()["building"].texts, "")
        numbers = zip(
            towns.has_chome[self.town].tolist(),
            self.style.tolist(),
            self.chome.tolist(),
            self.block.tolist(),
            self.house.tolist(),
            strict=True,
        )
        after = zip(self.building.tolist(), self.room.tolist(), strict=True)
        lots = "\n".join(_numbers(*parts) for parts in numbers).translate(FULL_WIDTH)
        rooms = "\n".join(
            _room(room) if building >= 0 else "" for building, room in after
        ).translate(FULL_WIDTH)
        return [
            f"{town}{lot}{buildings[building]}{room}"
            for town, lot, building, room in zip(
                towns.town[self.town].tolist(),
                lots.split("\n"),
                self.building.tolist(),
                rooms.split("\n"),
                strict=True,
            )
        ]

    def phone_numbers(self, towns: Towns) -> list[str]:
        """Telephone numbers, written with hyphens: '03-5678-1234'."""
        areas = towns.area_code[self.town].tolist()
        drawn = zip(areas, self.phone.tolist(), strict=True)
        # a local number begins with 2..6; the area code and it have ten digits together
        return [
            f"{area}-{2 + phone % 5}{phone // 10**4 % 10 ** (5 - len(area)):0{5 - len(area)}}"
            f"-{phone % 10**4:04}"
            for area, phone in drawn
        ]


def _numbers(has_chome: bool, style: int, chome: int, block: int, house: int) -> str:
    head, lot = (f"{chome}丁目", block) if has_chome else ("", block * 7 + chome)
    if not house:
        return f"{head}{lot}" if style else f"{head}{lot}番地"
    if style:
        return f"{head}{lot}-{house}"
    return f"{head}{lot}番{house}号" if has_chome else f"{lot}番地{house}"


def _room(room: int) -> str:
    ways = ("", f"{room}号室", f"{room // 100}階", f"{room}")
    return ways[1 + room % 3 if room else 0]


def draw_sites(towns_of: NDArray[np.int64], shared_share: float, rng: np.random.Generator) -> Sites:
    """Random sites in these towns; some companies share the building of another one.

    Args:
        towns_of: Town of each company, shape (N,).
        shared_share: Share of companies that move into the building, and town, of another one.
        rng: Random generator.
    """
    count = len(towns_of)
    buildings = len(vocabulary()["building"])
    sites = Sites(
        town=towns_of,
        chome=rng.integers(1, 7, count),
        block=1 + (rng.random(count) ** 2 * 60).astype(np.int64),
        house=np.where(rng.random(count) < 0.8, rng.integers(1, 40, count), 0),
        style=(rng.random(count) < 0.3).astype(np.int64),
        building=np.where(rng.random(count) < 0.14, rng.integers(0, buildings, count), -1),
        room=np.where(rng.random(count) < 0.8, rng.integers(101, 1200, count), 0),
        phone=rng.integers(0, 10**9, count),
    )
    hosts = np.maximum(count // 40, 1)
    # the first hosts get most of them: the real table has addresses of thousands of companies
    popular = (hosts * rng.random(count) ** 2.5).astype(np.int64)
    shares = rng.random(count) < shared_share
    host = np.where(shares, popular, np.arange(count))
    sites.building[:hosts] = rng.integers(0, buildings, hosts)
    own_room = shares & (rng.random(count) < 0.4)
    moved = sites.take(host)
    moved.phone[:] = sites.phone
    moved.room[own_room] = sites.room[own_room]
    return moved
