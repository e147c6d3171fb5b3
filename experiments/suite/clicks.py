"""`python -m experiments.suite.clicks OWN_RUN SAMPLE_RUN`: what do the answers of people teach?

On real lists: F1 by the number of answers, how often the gate promotes, and a customer with another
convention. Trials are kept as they end, a later call only runs what is missing, and the results are
written of all that is there.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from tqdm import tqdm

from experiments.suite.click_customer import CustomerTrial, customer_trials
from experiments.suite.click_gate import GateTrial, gate_trials
from experiments.suite.click_series import OWN, SAMPLE, WAYS, Judge, all_series
from experiments.suite.click_trials import Trial, keep, kept
from experiments.suite.clicks_page import Results, as_json, figure, page, quoted_table
from experiments.suite.pictures import Picture
from experiments.tools.records import commit
from linkage_rl.config.command import say
from linkage_rl.errors import ConfigError

FOLDER: Final = Path("outputs/clicks")
RESULTS: Final = Path(__file__).parent / "results"
TRIALS, GATES, CUSTOMERS = (f"{name}.jsonl" for name in ("trials", "gates", "customers"))
"""Files of the trials, one JSON object per line."""


def main() -> None:
    """Run what is missing, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("own_run", type=Path, help="a run of experiment=jp_own")
    parser.add_argument("sample_run", type=Path, help="a run of experiment=sample")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5])
    parser.add_argument("--systems", nargs="*", choices=WAYS, default=list(WAYS))
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    # the networks are small: more threads are slower
    torch.set_num_threads(1)
    judge = Judge(asked.own_run, asked.sample_run, asked.folder)
    run_customers_and_gates(judge, asked.seeds, asked.folder)
    run_series(judge, asked.systems, asked.seeds, asked.folder)
    results = Results(
        kept(asked.folder / TRIALS, Trial),
        kept(asked.folder / GATES, GateTrial),
        kept(asked.folder / CUSTOMERS, CustomerTrial),
        commit(),
    )
    write_results(results, asked.results)
    say(f"for docs/results.md:\n\n{quoted_table(results)}\n")
    say(f"results  {asked.results / 'clicks.md'}")


def run_series(judge: Judge, systems: Sequence[str], seeds: Sequence[int], folder: Path) -> None:
    """Run the series of which there is no trial yet."""
    file = folder / TRIALS
    done = {(trial.way, trial.seed) for trial in kept(file, Trial)}
    for series in tqdm(all_series(systems, seeds), unit="series"):
        if (series.way, series.seed) not in done:
            keep(list(judge.trials(series)), file)


def run_customers_and_gates(judge: Judge, seeds: Sequence[int], folder: Path) -> None:
    """Run the customer with another convention, and the gate, with the seeds that are missing."""
    customers, gates = folder / CUSTOMERS, folder / GATES
    done = {trial.seed for trial in kept(customers, CustomerTrial)}
    for seed in tqdm([seed for seed in seeds if seed not in done], unit="customer"):
        keep(list(customer_trials(judge.start(OWN), seed)), customers)
    tested = {(trial.start, trial.seed) for trial in kept(gates, GateTrial)}
    missing = [(name, seed) for seed in seeds for name in (OWN, SAMPLE)]
    for name, seed in tqdm([one for one in missing if one not in tested], unit="gate"):
        keep(list(gate_trials(judge.start(name), seed)), gates)


def write_results(results: Results, folder: Path) -> None:
    """Write `clicks.md`, `clicks.json` and `clicks.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clicks.md").write_text(page(results), encoding="utf-8")
    text = json.dumps(as_json(results), indent=1, ensure_ascii=False)
    (folder / "clicks.json").write_text(text + "\n", encoding="utf-8")
    Picture("clicks", "F1 by clicks", figure(results)).save(folder)


if __name__ == "__main__":
    try:
        main()
    except ConfigError as error:
        raise SystemExit(str(error)) from None
