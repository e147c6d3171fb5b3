"""Where the companies of a sample sit: streets, shared buildings, telephones."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.tables.places import Towns
from linkage_rl.tables.vocabulary import vocabulary

FULL_WIDTH: Final = str.maketrans("0123456789-", "０１２３４５６７８９－")


@dataclass(frozen=True)
class Sites:
    """N places of business."""

    town: NDArray[np.int64]
    """Row of each in the towns, shape (N,), as are all columns."""
    chome: NDArray[np.int64]
    block: NDArray[np.int64]
    house: NDArray[np.int64]
    """0 where the address ends with the block."""
    style: NDArray[np.int64]
    """0: 番・号 or 番地, 1: hyphens; as the company registered itself."""
    building: NDArray[np.int64]
    """Position in the vocabulary's buildings, -1 for a house of its own."""
    room: NDArray[np.int64]
    """Room number of three or four digits, 0 where none is given."""
    phone: NDArray[np.int64]
    """Nine digits of which the last ones follow the area code."""

    def take(self, rows: NDArray[np.int64]) -> "Sites":
        """The sites at these positions."""
        return Sites(**{name: column[rows] for name, column in vars(self).items()})

    def street(self, row: int, towns: Towns) -> str:
        """Town, numbers, building and room in the registry's full-width digits."""
        text = towns.town[self.town[row]] + self._numbers(row, towns).translate(FULL_WIDTH)
        if self.building[row] < 0:
            return text
        text += vocabulary()["building"].texts[self.building[row]]
        return text + self._room(row).translate(FULL_WIDTH)

    def phone_number(self, row: int, towns: Towns) -> str:
        """Telephone number, written with hyphens: '03-5678-1234'."""
        area = towns.area_code[self.town[row]]
        rest = f"{self.phone[row]:09}"[-(10 - len(area)) :]
        rest = "2345623456"[int(rest[0])] + rest[1:]
        return f"{area}-{rest[:-4]}-{rest[-4:]}"

    def _numbers(self, row: int, towns: Towns) -> str:
        chome, block, house = self.chome[row], self.block[row], self.house[row]
        if towns.has_chome[self.town[row]]:
            if self.style[row]:
                return f"{chome}丁目{block}-{house}" if house else f"{chome}丁目{block}"
            return f"{chome}丁目{block}番{house}号" if house else f"{chome}丁目{block}番地"
        lot = block * 7 + chome
        if self.style[row]:
            return f"{lot}-{house}" if house else f"{lot}"
        return f"{lot}番地{house}" if house else f"{lot}番地"

    def _room(self, row: int) -> str:
        room = self.room[row]
        if not room:
            return ""
        return (
            f"{room}号室" if room % 3 == 0 else f"{room // 100}階" if room % 3 == 1 else f"{room}"
        )


def draw_sites(towns_of: NDArray[np.int64], shared_share: float, rng: np.random.Generator) -> Sites:
    """Draw a site in each of these towns; some companies move into buildings of others.

    Args:
        towns_of: Town of each company, shape (N,).
        shared_share: Companies that sit in a building with others; those share its town.
        rng: Source of all chance.
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
    # the first hosts hold most: in the real table one building holds thousands of companies
    popular = (hosts * rng.random(count) ** 1.5).astype(np.int64)
    shares = rng.random(count) < shared_share
    host = np.where(shares, popular, np.arange(count))
    sites.building[:hosts] = rng.integers(0, buildings, hosts)
    own_room = shares & (rng.random(count) < 0.4)
    moved = sites.take(host)
    moved.phone[:] = sites.phone
    moved.room[own_room] = sites.room[own_room]
    return moved
