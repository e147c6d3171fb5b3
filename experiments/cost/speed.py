"""`python -m experiments.cost speed`: every hot path beside a rival, measured in one run."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from tqdm import tqdm

from experiments.cost.deciding import make_linker
from experiments.cost.figures import Figure, coverage_table, figures_table, write_json
from experiments.cost.indexing import measure_building
from experiments.cost.inputs import (
    FULL,
    QUICK,
    Inputs,
    add_column_mapping,
    column_mapping,
    prepare_inputs,
)
from experiments.cost.learning import draw_cases, measure_environments, measure_ppo
from experiments.cost.linking import fill_store, measure_linking, measure_refresh
from experiments.cost.searching import measure_coverage, measure_search
from experiments.tools.measure import machine
from linkage_rl.candidates.coverage import Coverage
from linkage_rl.errors import LinkageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, and return the exit code.

    Args:
        arguments: The command line; None takes that of the process.
    """
    options = _parser().parse_args(arguments)
    about = machine()
    try:
        sizes = QUICK if options.quick else FULL
        if options.limit is not None:
            sizes = replace(sizes, clients=options.limit)
        with tempfile.TemporaryDirectory(prefix="linkage-rl-speed-") as folder:
            mapping = column_mapping(options.map)
            inputs = prepare_inputs(
                options.companies, options.clients, mapping, sizes, Path(folder)
            )
            figures, coverage = measure(inputs, options.bundle)
        if options.output:
            conditions = {"machine": about, "sizes": asdict(sizes)}
            write_json(options.output, conditions, figures, coverage)
    except LinkageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(
        f"{about['cores']} cores, {about['processor']}, Python {about['python']}, "
        f"load {about['load_before']} before\n\n{figures_table(figures)}\n\n"
        f"candidate coverage, {len(inputs.clients):,} clients\n{coverage_table(coverage)}\n"
    )
    return 0


def measure(inputs: Inputs, bundle: Path | None) -> tuple[list[Figure], list[Coverage]]:
    """Every line in turn; a progress bar on the error stream names the stage.

    Args:
        inputs: What is measured.
        bundle: Decides in the lines that link; None leaves that to the rules.
    """
    stages = (
        "index",
        "search",
        "coverage",
        "database",
        "linking",
        "environments",
        "ppo",
        "refresh",
    )
    with tqdm(total=len(stages), unit="stage", disable=None) as bar:

        def enter(stage: str) -> None:
            bar.update(stages.index(stage) - bar.n)
            bar.set_description(stage)

        enter("index")
        figures, indexed = measure_building(inputs)
        index = indexed.index
        enter("search")
        figures += measure_search(inputs, indexed)
        enter("coverage")
        coverage = measure_coverage(inputs, index)
        enter("database")
        with fill_store(inputs) as store:
            cases = draw_cases(inputs, index)
            enter("linking")
            linker = make_linker(bundle, index, store, cases)
            figures += measure_linking(inputs, linker, "bundle" if bundle else "rules")
            enter("environments")
            figures += measure_environments(cases, inputs.sizes)
            enter("ppo")
            figures += measure_ppo(cases, inputs.sizes)
            enter("refresh")
            figures.append(measure_refresh(inputs, index, store, indexed.ours.making.wall_s))
        bar.update()
    return figures, coverage


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments.cost speed", description=__doc__)
    add = parser.add_argument
    add("--companies", type=Path, help="company file, CSV or Parquet; default: the sample")
    add("--clients", type=Path, help="client list with truth in company_id")
    add_column_mapping(parser)
    add("--bundle", type=Path, help="decides in the linking lines; default: the rules")
    add("--limit", type=int, help="largest number of clients; default: 50,000, or 400 if quick")
    add("--quick", action="store_true", help="check in seconds that everything runs")
    add("--output", type=Path, help="JSON file for the results")
    return parser
