"""One table measured from its file to the last link; each part in its own process."""

from dataclasses import dataclass
from pathlib import Path

from experiments.cost.indexing import build_ours, load_ours
from experiments.cost.inputs import Inputs
from experiments.cost.linking import fill_store, link_list, single_latencies_ms
from experiments.cost.searching import measure_coverage
from experiments.tools.measure import Clock, peak_memory_mb, run_in_subprocess
from linkage_rl.bundle import load_bundle
from linkage_rl.candidates.storage import load_index
from linkage_rl.tables.store import CompanyStore

_RECALL_AT = 30


@dataclass(frozen=True)
class Growth:
    """What a table of one size costs."""

    table: str
    """'real' or 'synthetic'."""
    companies: int
    load_s: float
    """Wall seconds from the file to SQLite."""
    build_s: float
    """Wall seconds from the file to the index in memory."""
    build_cpu_s: float
    build_mb: float
    """Largest resident memory while building, interpreter and libraries included."""
    disk_mb: float
    """Size of the saved index."""
    open_s: float
    """Wall seconds to load the saved index and compare its checksums."""
    link_us: float
    """Wall microseconds per client from CSV to CSV, one process."""
    link_cpu_us: float
    """The same in processor time."""
    single_ms: float
    """Median wall milliseconds of a single client."""
    single_p99_ms: float
    link_mb: float
    """Largest resident memory of the linking process, mapped pages of the index included."""
    recall: float
    """Share of the clients with a row whose company is among the first 30 candidates."""


@dataclass(frozen=True)
class _Linked:
    clock: Clock
    single_ms: tuple[float, float]
    peak_mb: float
    recall: float


def measure_growth(table: str, inputs: Inputs, bundle: Path) -> Growth:
    """Load, build, save, open, link and search one table.

    Args:
        table: Its name in the result.
        inputs: The table and its clients; its folder takes a database and an index.
        bundle: Decides.
    """
    index, clients = inputs.folder / "index", len(inputs.clients)
    built = run_in_subprocess(build_ours, inputs, index)
    opened, _ = run_in_subprocess(load_ours, index)
    loaded = run_in_subprocess(_load, inputs)
    linked = run_in_subprocess(_link, inputs, index, bundle)
    return Growth(
        table=table,
        companies=built.companies,
        load_s=loaded.wall_s,
        build_s=built.making.wall_s,
        build_cpu_s=built.making.cpu_s,
        build_mb=built.peak_mb,
        disk_mb=sum(path.stat().st_size for path in index.rglob("*.arrays")) / 2**20,
        open_s=opened.wall_s,
        link_us=1e6 * linked.clock.wall_s / clients,
        link_cpu_us=1e6 * linked.clock.cpu_s / clients,
        single_ms=linked.single_ms[0],
        single_p99_ms=linked.single_ms[1],
        link_mb=linked.peak_mb,
        recall=linked.recall,
    )


def _load(inputs: Inputs) -> Clock:
    clock = Clock()
    with clock:
        fill_store(inputs).dispose()
    return clock


def _link(inputs: Inputs, folder: Path, bundle: Path) -> _Linked:
    """Link the list, then some of its clients one by one, then look at the candidates."""
    index = load_index(folder, verify=False)
    with CompanyStore(f"sqlite:///{inputs.folder}/companies.db", read_only=True) as store:
        linker = load_bundle(bundle, index, store)
        clock = link_list(inputs, linker, inputs.folder / "linked.csv")
        single = single_latencies_ms(inputs, linker)
    peak = peak_memory_mb()
    fused = measure_coverage(inputs, index)[-1]
    return _Linked(clock, single, peak, fused.recall[_RECALL_AT])
