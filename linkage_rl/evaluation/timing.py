"""Time per client of a system that links live, blockers included."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from linkage_rl.candidates.blockers import Blocker
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.decision.decide import Decider
from linkage_rl.decision.pool import LivePool
from linkage_rl.records import RecordBatch


@dataclass(frozen=True)
class Timing:
    """The clients to link live, and what their candidates come from."""

    index: CompanyIndex
    blockers: tuple[Blocker, ...]
    limit: int
    """Candidates kept per client and blocker."""
    records: Mapping[str, RecordBatch]
    """Raw clients of each client list."""


def live_microseconds(
    decider: Decider,
    index: CompanyIndex,
    blockers: Sequence[Blocker],
    limit: int,
    records: RecordBatch,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Time per client from raw record to decision, on one thread.

    Args:
        decider: Decides.
        index: The company table.
        blockers: Blockers that the decider may run.
        limit: Candidates kept per client and blocker.
        records: Raw clients to link.
        clock: Gives seconds: wall time, or processor time with `time.process_time`.
    """
    begin = clock()
    pool = LivePool.of(index, blockers, records, limit, decider.view)
    decider.decide(pool, len(records))
    return (clock() - begin) / max(len(records), 1) * 1e6
