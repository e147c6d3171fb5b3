"""What is noted of an index that was built, of a search, and of single calls."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from experiments.tools.measure import Clock

FIRST: Final = 20
"""Candidates that every search names for a client."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Built:
    """What it took to build an index of the company file."""

    companies: int
    making: Clock
    """From the file to the index in memory."""
    saving: Clock
    peak_mb: float
    """Largest resident memory while building, interpreter and libraries included."""

    @property
    def per_second(self) -> float:
        """Companies indexed per wall second."""
        return self.companies / self.making.wall_s


@dataclass(frozen=True)
class Searched:
    """What a search found for clients whose company is in the table."""

    clients: int
    clock: Clock
    company: float
    """Share of the clients whose company is among the `FIRST`, in [0, 1]."""
    name: float
    """Share of the clients whose company's core name is among the `FIRST`, in [0, 1]."""

    @property
    def per_client_us(self) -> float:
        """Wall microseconds per client."""
        return 1e6 * self.clock.wall_s / self.clients


def latencies_ms(act: Callable[[Item], object], items: Sequence[Item]) -> tuple[float, float]:
    """Median and 99th percentile of the wall milliseconds of one call."""
    latencies = []
    for item in items:
        begin = time.perf_counter()
        act(item)
        latencies.append(1e3 * (time.perf_counter() - begin))
    median, tail = np.percentile(latencies, (50, 99)).tolist()
    return median, tail
