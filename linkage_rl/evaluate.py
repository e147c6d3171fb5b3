"""`linkage-rl evaluate`: measures a bundle on a client list whose right companies are known."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("evaluate")
    raise SystemExit

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from linkage_rl.agents.baselines import Rules
from linkage_rl.config.command import command, command_line, say
from linkage_rl.config.inputs import TableChoice, choose_database, open_linker
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, decide_cases, decide_cases_raw
from linkage_rl.decision.prepare import prepare_cases
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.decision.truth import checked_truth
from linkage_rl.errors import ConfigError, OutputError, SchemaError
from linkage_rl.evaluation.answers import Answers, ThresholdedAnswers, apply_threshold
from linkage_rl.evaluation.error_examples import error_examples
from linkage_rl.evaluation.list_mode import list_answers
from linkage_rl.evaluation.report import (
    COLUMNS,
    Example,
    Report,
    SystemResult,
    format_metric,
    side_by_side,
    write_report,
)
from linkage_rl.evaluation.timing import live_microseconds
from linkage_rl.linker import Linker
from linkage_rl.tables.readers import ClientList, open_clients, read_clients
from linkage_rl.tables.schema import CANONICAL, ColumnMapping


@dataclass(frozen=True)
class EvaluateSettings:
    """The bundle, and the client list and table on which it is measured."""

    bundle: str = ""
    """Bundle folder."""
    clients: str = ""
    """Client list whose column `company_id` holds the truth, empty where there is no row."""
    output: str = "outputs/evaluation"
    """Folder for `metrics.json` and `report.html`."""
    database: str = ""
    """Database URL or path of an SQLite file; '' takes that of `table` or of the
    environment, else the bundle's index."""
    index: str = ""
    """Index folder of the database; '' takes the default place."""
    encoding: str = ""
    """Encoding of a CSV list; '' detects it."""
    sheet: str = ""
    """Sheet of a workbook; '' takes the one with the likeliest header."""
    header_row: int = 0
    """Row of the header, counted from 1; 0 finds it."""
    columns: ColumnMapping = field(default_factory=lambda: CANONICAL)
    """Columns of the client list."""
    table: TableChoice = field(default_factory=TableChoice)
    reward: RewardWeights = field(default_factory=RewardWeights)
    """Value of each outcome."""
    timed_clients: int = 2_000
    """Clients that are linked live for the time per client."""
    examples: int = 200
    """Errors listed in the report."""
    seed: int = 0
    """Of the bootstrap intervals."""

    def __post_init__(self) -> None:
        if not self.bundle:
            raise ConfigError("evaluate needs bundle=, the folder that a training run wrote")
        if not self.clients:
            raise ConfigError("evaluate needs clients=, a client list with its truth; see --help")
        if self.header_row < 0:
            raise ConfigError(f"header_row must be at least 0, got {self.header_row}")


def run(settings: EvaluateSettings) -> float:
    """Measure the bundle, print the table with its intervals, and write the report.

    Returns:
        The mean reward of a client.

    Raises:
        LinkageError: List, bundle, database or index has a fault, or nothing can be written.
    """
    chosen = choose_database(settings.database, settings.table, settings.bundle)
    say(chosen.said(settings.table.columns.table, settings.bundle))
    source = Path(settings.clients).expanduser()
    clients = _read(source, settings)
    if clients.truth is None:
        raise SchemaError(
            f"client list {source} needs the column {settings.columns.company_id!r} with the "
            "right company of each client, empty where there is none"
        )
    with open_linker(settings.bundle, settings.database, settings.index, settings.table) as (
        linker,
        _,
    ):
        truth, warning = checked_truth(clients.truth, linker.index, f"client list {source}")
        if warning:
            say(warning)
        cases = prepare_cases(linker.index, linker.blockers, clients.records, truth, linker.limit)
        answers = {
            name: apply_threshold(
                Answers.of(decide_cases(decider, cases), cases),
                None,
                settings.reward,
                _microseconds(decider, linker, clients, settings),
            )
            for name, decider in _deciders(linker, cases).items()
        }
        if linker.decides_lists(len(cases)):
            answers["bundle, list"] = _as_list(linker, cases, settings)
    rng = np.random.default_rng(settings.seed)
    results = {name: SystemResult.of(name, some, rng) for name, some in answers.items()}
    say(side_by_side({name: result.metrics for name, result in results.items()}))
    say(_intervals_line(results["bundle"]))
    output = Path(settings.output).expanduser()
    _write_metrics(output, settings, results)
    examples = error_examples(
        answers["bundle"].answers, cases, np.arange(len(cases)), settings.examples, linker.decider
    )
    _write_page(output, settings, results, examples)
    say(f"report   {output / 'report.html'}")
    return answers["bundle"].metrics.expected_reward


def _read(source: Path, settings: EvaluateSettings) -> ClientList:
    """The client list; says how it is read where it is not as most are."""
    opened = open_clients(
        source,
        settings.columns,
        encoding=settings.encoding,
        sheet=settings.sheet,
        header_row=settings.header_row,
    )
    if str(opened):
        say(str(opened))
    return read_clients(
        source,
        settings.columns,
        encoding=settings.encoding,
        sheet=settings.sheet,
        header_row=settings.header_row,
    )


def _deciders(linker: Linker, cases: CaseSet) -> dict[str, Decider]:
    """The rules as a baseline, then the bundle."""
    view = linker.decider.view
    every = tuple(range(len(linker.blockers)))
    return {"rules": Decider(Rules(cases, view), view, plan=every), "bundle": linker.decider}


def _as_list(linker: Linker, cases: CaseSet, settings: EvaluateSettings) -> ThresholdedAnswers:
    """The bundle on the list as a whole, as `link` decides it."""
    stage = linker.list_stage
    if stage is None:
        raise ConfigError("this bundle has no list stage")
    raw = decide_cases_raw(linker.decider, cases, shortlist=True)
    answers = list_answers(stage.scorer, raw, cases).calibrated(stage.calibration)
    return apply_threshold(answers, stage.thresholds.link, settings.reward)


def _microseconds(
    decider: Decider, linker: Linker, clients: ClientList, settings: EvaluateSettings
) -> float:
    timed = clients.records.take(range(min(settings.timed_clients, len(clients))))
    return live_microseconds(decider, linker.index, linker.blockers, linker.limit, timed)


def _intervals_line(result: SystemResult) -> str:
    """The 95 % intervals of the four metrics that a customer asks for first."""
    parts = []
    for name in ("linkage_rate", "precision", "recall", "f1"):
        low, high = result.intervals[name]
        shown = format_metric(result.metrics, name)
        parts.append(f"{COLUMNS[name]} {shown} ({100 * low:.1f} to {100 * high:.1f})")
    return f"95 % intervals of the bundle: {', '.join(parts)}"


def _write_metrics(
    output: Path, settings: EvaluateSettings, results: Mapping[str, SystemResult]
) -> None:
    content = {
        "bundle": settings.bundle,
        "clients": settings.clients,
        "command": command_line("evaluate"),
        "systems": {
            name: {"metrics": asdict(result.metrics), "intervals": dict(result.intervals)}
            for name, result in results.items()
        },
    }
    path = output / "metrics.json"
    try:
        output.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}; free space or choose another output="
        ) from error


def _write_page(
    output: Path,
    settings: EvaluateSettings,
    results: Mapping[str, SystemResult],
    examples: Sequence[Example],
) -> None:
    report = Report(
        title=f"{Path(settings.bundle).name} on {Path(settings.clients).name}",
        systems=tuple(results.values()),
        command=command_line("evaluate"),
        notes=("Calibration and threshold are those of the bundle; the rules are a baseline.",),
        examples=tuple(examples),
    )
    write_report(report, output / "report.html")


main = command("evaluate", EvaluateSettings, run)
