"""`python -m experiments.cost growth`: costs of tables from 20,000 rows to five million."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from experiments.cost.figures import rounded
from experiments.cost.growth_plot import draw_growth
from experiments.cost.inputs import FULL, Inputs, Sizes, add_column_mapping, column_mapping
from experiments.cost.sized_tables import RealTable, emptied, synthetic
from experiments.cost.table_cost import Growth, measure_growth
from experiments.tools.measure import machine, run_in_subprocess
from linkage_rl.errors import LinkageError
from linkage_rl.evaluation.tables import text_table

_FOLDER = Path(__file__).parent / "results"
_HEADER = {
    "table": "table",
    "companies": "companies",
    "load_s": "load s",
    "build_s": "build s",
    "build_cpu_s": "CPU s",
    "build_mb": "peak MB",
    "disk_mb": "disk MB",
    "open_s": "open s",
    "link_us": "us/client",
    "link_cpu_us": "CPU us",
    "single_ms": "p50 ms",
    "single_p99_ms": "p99 ms",
    "link_mb": "link MB",
    "recall": "recall@30",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every size, print the table, and return the exit code.

    Args:
        arguments: The command line; None takes that of the process.
    """
    options = _parser().parse_args(arguments)
    sizes = replace(FULL, clients=options.limit)
    about = machine()
    try:
        real = RealTable(options.companies, column_mapping(options.map), options.clients)
        tables: list[tuple[str, Callable[[Sizes, Path], Inputs]]] = [
            *(("real", partial(real.drawn, rows)) for rows in options.sizes),
            *(("synthetic", partial(synthetic, rows)) for rows in options.synthetic),
        ]
        grown = []
        with tempfile.TemporaryDirectory(prefix="linkage-rl-scaling-") as folder:
            for name, drawn in tqdm(tables, unit="table", disable=None):
                inputs = run_in_subprocess(drawn, sizes, emptied(Path(folder) / "table"))
                grown.append(measure_growth(name, inputs, options.bundle))
    except LinkageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _write(options.output, about, sizes, grown)
    sys.stdout.write(f"{growth_table(grown)}\n")
    return 0


def growth_table(grown: Sequence[Growth]) -> str:
    """One line per table."""
    rows = [tuple(_HEADER.values())]
    for some in grown:
        texts = (
            value if isinstance(value, str) else rounded(value) for value in asdict(some).values()
        )
        rows.append(tuple(texts))
    return text_table(rows)


def _write(folder: Path, about: dict[str, object], sizes: Sizes, grown: Sequence[Growth]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": about,
        "clients": sizes.clients,
        "tables": [asdict(some) for some in grown],
    }
    (folder / "growth.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    draw_growth(grown, folder / "growth.png")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments.cost growth", description=__doc__)
    add = parser.add_argument
    add("--companies", type=Path, required=True, help="company file, CSV or Parquet")
    add("--clients", type=Path, required=True, help="client list with truth in company_id")
    add("--bundle", type=Path, required=True, help="decides")
    add_column_mapping(parser)
    add(
        "--sizes",
        type=int,
        nargs="*",
        default=[20_000, 200_000, 0],
        help="rows drawn from the company file; 0 for all of them",
    )
    add("--synthetic", type=int, nargs="*", default=[5_000_000], help="rows of generated tables")
    add("--limit", type=int, default=5_000, help="largest number of clients of each table")
    add("--output", type=Path, default=_FOLDER, help="folder of growth.json and growth.png")
    return parser
