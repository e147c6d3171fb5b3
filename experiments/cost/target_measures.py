"""How each line of `target_lines` is measured; what is judged by its memory has its own process."""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from experiments.cost.caller import drive
from experiments.cost.indexing import build_ours, load_ours
from experiments.cost.inputs import FULL, Inputs, column_mapping, prepare_inputs
from experiments.cost.learning import draw_cases, measure_environments, measure_ppo
from experiments.cost.link_command import repeat_clients, run_link
from experiments.cost.measurements import latencies_ms
from experiments.cost.running_server import RunningServer, running_server
from experiments.cost.serving import CALLERS, SINGLES, request_of
from experiments.cost.serving import measure as measure_server
from experiments.tools.kept_tables import f1_of, rows_of
from experiments.tools.measure import run_in_subprocess
from linkage_rl.bundle import load_bundle
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.storage import load_index
from linkage_rl.errors import ConfigError

ROOT: Final = Path(__file__).resolve().parent.parent.parent
_SINGLES, _WARM_UP = 2_000, 200
_BULK: Final = 240_000
_PORT: Final = 18_090

Values = Mapping[str, float]
"""Name of a target to what was measured."""


@dataclass(frozen=True)
class Asked:
    """What a round measures with."""

    options: argparse.Namespace
    inputs: Inputs
    folder: Path

    @classmethod
    def of(cls, options: argparse.Namespace, folder: Path) -> "Asked":
        """The files of the command line, or the sample's, written to a folder.

        Raises:
            ConfigError: Only one of companies and clients is given.
            SchemaError: The list has no right companies.
        """
        sizes = replace(FULL, singles=_SINGLES)
        mapping = column_mapping(options.map)
        inputs = prepare_inputs(options.companies, options.clients, mapping, sizes, folder)
        return cls(options, inputs, folder)

    @property
    def index(self) -> Path:
        """The index of the company file, once it is built."""
        return self.folder / "index"


def quality(asked: Asked) -> Values:
    """F1 of the kept tables; with labels that of the better of agent and ranker."""
    values: dict[str, float] = {}
    for name in ("moves", "payees"):
        own = rows_of("no_labels_valid.md", name)
        (full,) = (row for row in own if row["condition"] == "full" and row["system"] == "agent")
        labelled = rows_of("real_peers.md", f"real: {name}")
        ours = [row for row in labelled if row["system"] in ("PPO", "ranker")]
        values |= {f"own_{name}": f1_of(full), f"labels_{name}": max(map(f1_of, ours))}
    return values


def building(asked: Asked) -> Values:
    """Build and save the index of the company file, and load it with its contents checked."""
    built = run_in_subprocess(build_ours, asked.inputs, asked.index)
    verified, _ = run_in_subprocess(load_ours, asked.index)
    return {"build_s": built.making.wall_s, "build_mb": built.peak_mb, "load_s": verified.wall_s}


def singles(asked: Asked) -> Values:
    """Clients linked one at a time in the library, with the fields of the index."""
    if asked.options.bundle is None:
        return {}
    median, tail = run_in_subprocess(single_latencies, asked)
    return {"single_p50": median, "single_p99": tail}


def single_latencies(asked: Asked) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds."""
    linker = load_bundle(asked.options.bundle, _index_of(asked))
    records = asked.inputs.clients.records
    clients = [records.take([row]) for row in range(min(len(records), _SINGLES + _WARM_UP))]
    latencies_ms(linker.link, clients[:_WARM_UP])
    return latencies_ms(linker.link, clients[_WARM_UP:])


def _index_of(asked: Asked) -> CompanyIndex:
    if not asked.index.exists():
        run_in_subprocess(build_ours, asked.inputs, asked.index)
    return load_index(asked.index)


def bulk(asked: Asked) -> Values:
    """The command `link` on a long list, with the companies of the database; start not counted."""
    if asked.options.bundle is None or not asked.options.database:
        return {}
    clients = asked.folder / "many_clients.csv"
    if not clients.exists():
        repeat_clients(asked.inputs.list_file, clients, _BULK)
    one, memory = _link(asked, clients, 1)
    two, _ = _link(asked, clients, 2)
    return {"bulk_1": one, "bulk_2": two, "linking_mb": memory}


def _link(asked: Asked, clients: Path, workers: int) -> tuple[float, float]:
    """Clients per second, and the largest resident memory of a process in MB."""
    options = {"bundle": asked.options.bundle, "database": asked.options.database}
    words = [f"{key}={value}" for key, value in options.items()]
    words += [f"clients={clients}", f"workers={workers}"]
    linked = run_link(words, _BULK, asked.folder / "linked.csv")
    return linked.rate, linked.peak_mb


def serving(asked: Asked) -> Values:
    """The server with two workers: one caller, sixteen, lists, and its memory afterwards."""
    if asked.options.bundle is None:
        return {}
    with _server(asked) as server:
        loads = measure_server(server.url, asked.inputs.clients.records, asked.options.seconds)
        memory = server.memory_mb()
    one = loads["one caller"]
    return {
        "http_p50": one.quantile_ms(0.5),
        "http_p99": one.quantile_ms(0.99),
        "callers": loads[f"{CALLERS} callers"].requests_per_s,
        "lists": loads["lists of 1,000, 4 callers"].clients_per_s,
        "server_mb": memory,
    }


def reading_back(asked: Asked) -> Values:
    """One caller of a server that reads every linked company back from a database."""
    if asked.options.bundle is None or not asked.options.read_back:
        return {}
    records = asked.inputs.clients.records
    # the index of the database is built once
    places = {"DATABASE_URL": asked.options.read_back, "LINKAGE_INDEX_DIR": f"{asked.folder}/live"}
    with _server(asked, **places) as server:
        requests = [request_of(server.url, records, place, 1) for place in range(SINGLES)]
        drive(server.url, requests, 2, 2.0)
        one = drive(server.url, requests, 1, asked.options.seconds / 3)
    return {"read_back_p50": one.quantile_ms(0.5)}


@contextmanager
def _server(asked: Asked, **variables: str) -> Iterator[RunningServer]:
    """A server of the bundle with its own index."""
    more = {"LINKAGE_WORKERS": "2", **variables}
    with running_server(asked.options.bundle, _PORT, more) as server:
        yield server


def learning(asked: Asked) -> Values:
    """Steps of the environment and of PPO, on cases of the list."""
    figures = run_in_subprocess(_learning_figures, asked)
    return {"environment": figures[0], "ppo": figures[1]}


def _learning_figures(asked: Asked) -> tuple[float, float]:
    cases = draw_cases(asked.inputs, _index_of(asked))
    steps, *_ = measure_environments(cases, asked.inputs.sizes)
    per_cpu, _ = measure_ppo(cases, asked.inputs.sizes)
    return steps.ours, per_cpu.ours


def training(asked: Asked) -> Values:
    """The sample in a fresh clone with its set-up, and the real lists in this checkout."""
    values = {}
    if "sample" in asked.options.train:
        clone = asked.folder / "clone"
        _run("git", "clone", "--quiet", str(ROOT), str(clone))
        values["fresh_s"] = _run("make", "train", folder=clone)
        shutil.rmtree(clone)
    for name in ("jp_all", "jp_own"):
        if name in asked.options.train:
            output = f"hydra.run.dir={asked.folder / name}"
            words = [f"experiment={name}", f"table.database={asked.options.database}", output]
            values[f"{name}_s"] = _run(sys.executable, "-m", "linkage_rl.train", *words)
            shutil.rmtree(asked.folder / name)
    return values


def _run(*command: str, folder: Path = ROOT) -> float:
    """Wall seconds of a command.

    Raises:
        ConfigError: It failed.
    """
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigError(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
    return time.perf_counter() - begin


def image(asked: Asked) -> Values:
    """Size of the serving image, unpacked."""
    if not asked.options.image:
        return {}
    command = ["podman", "image", "inspect", "--format", "{{.Size}}", asked.options.image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigError(f"expected an image of podman, got {asked.options.image!r}")
    return {"image_mb": int(done.stdout) / 1e6}


MEASURES: Final[Mapping[str, Callable[[Asked], Values]]] = {
    "quality": quality,
    "building": building,
    "bulk": bulk,
    "singles": singles,
    "serving": serving,
    "reading_back": reading_back,
    "learning": learning,
    "training": training,
    "image": image,
}
"""Name of a measurement, for `--only`, to what reads it; in the order of a round."""
