"""`python -m experiments.run suite=NAME`: every system on the same cases, table and page."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from tqdm import tqdm

from experiments.peers.cells import run_peers
from experiments.suite.browser import Browsed, browse, browsed_cells
from experiments.suite.cells import Cell, judged_cell, plan_cells, run_cell
from experiments.suite.coverage import KindRecall, recall_by_kind
from experiments.suite.page import Page, render
from experiments.suite.pictures import Picture, pictures
from experiments.suite.summary import (
    Row,
    Verdict,
    ablations_of,
    claims_of,
    failures,
    few_seeds,
    group_results,
    over_lists,
    row_of,
)
from experiments.suite.systems import SYSTEMS
from experiments.suite.tables import leaderboard, markdown, ordered, verdicts, write_results
from experiments.tools.measure import machine, run_in_subprocess
from experiments.tools.records import commit, discard_record, read_record
from experiments.tools.settings import SuiteSettings
from linkage_rl.config.command import command, say
from linkage_rl.errors import LinkageError, OutputError
from linkage_rl.evaluation.report import write_html

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that a suite writes, except for the error browser."""

    about: dict[str, Any]
    rows: Sequence[Row]
    verdicts: Sequence[Verdict]
    pictures: Sequence[Picture]
    recalls: Sequence[KindRecall]
    failed: int
    """Number of cells that failed."""


def run(settings: SuiteSettings) -> float:
    """Run what has not been run, then write table, results, pictures and page.

    Returns:
        The number of cells that failed.

    Raises:
        LinkageError: Nothing could be run, or the results cannot be written.
        KeyboardInterrupt: The run was interrupted; it goes on when it is started again.
    """
    cells = plan_cells(settings)
    if not settings.report_only:
        run_cells(cells, settings)
    finished = [cell for cell in cells if read_record(cell.folder) is not None]
    if not finished:
        raise LinkageError(f"no cell of suite {settings.name!r} has been run yet")
    report = build_report(finished, settings)
    folder = Path(settings.output)
    write_report(report, folder)
    browsed = browse_some(finished, report.rows, settings)
    page = Page(
        report.about, report.rows, report.verdicts, report.pictures, browsed, report.recalls
    )
    write_html(render(page), folder / "report.html")
    say(f"\n{leaderboard(report.rows)}\n\n{verdicts(report.verdicts)}\n{report.about['note']}")
    say(f"results  {folder}")
    say(f"page     {folder / 'report.html'}")
    return float(report.failed)


def run_cells(cells: Sequence[Cell], settings: SuiteSettings) -> None:
    """Run the cells one after the other; those that have been run before take no time."""
    with tqdm(total=len(cells), unit="cell", desc=settings.name) as bar:
        for cell in cells:
            bar.set_postfix_str(f"{cell.name} {cell.system} seed {cell.seed}")
            known = read_record(cell.folder)
            if settings.retry and known is not None and known.error:
                discard_record(cell.folder)
            run_cell(cell, settings.isolated)
            bar.update()


def build_report(cells: Sequence[Cell], settings: SuiteSettings) -> Report:
    """Judge the finished cells, and run the peers that have not been run."""
    groups, failed = group_results([*map(judged_cell, cells), *run_peers(settings)])
    rows = [row_of(group, settings.resamples) for group in groups]
    rows += [*over_lists(groups, settings.resamples), *failures(failed)]
    about = {
        "suite": settings.name,
        "question": settings.question,
        "command": command_line(),
        "commit": commit(),
        "machine": machine(),
        "seeds_wanted": settings.seeds,
        "note": few_seeds(rows, len(settings.seeds)),
    }
    return Report(
        about,
        rows,
        [*claims_of(settings, groups), *ablations_of(settings, groups)],
        pictures(groups, rows, [cell.folder for cell in cells]),
        candidate_recalls(cells, settings),
        len(failed),
    )


def write_report(report: Report, folder: Path) -> None:
    """Write `results.json`, `table.md` and the pictures.

    Raises:
        OutputError: The folder cannot be written.
    """
    content = (report.rows, report.verdicts)
    table = markdown(*content, report.about["command"], report.recalls)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_results(folder / "results.json", report.about, *content, report.recalls)
        (folder / "table.md").write_text(table, encoding="utf-8")
        for picture in report.pictures:
            picture.save(folder)
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror}; free space or choose another folder"
        ) from error


def candidate_recalls(cells: Sequence[Cell], settings: SuiteSettings) -> list[KindRecall]:
    """The candidate recall by kind of every condition, where the suite names kinds."""
    if not settings.kinds:
        return []
    of_condition = {cell.name: cell for cell in reversed(cells)}
    return [
        recall
        for cell in reversed(of_condition.values())
        for recall in _maybe_isolated(settings, recall_by_kind, cell, settings.kinds)
    ]


def browse_some(
    cells: Sequence[Cell], rows: Sequence[Row], settings: SuiteSettings
) -> list[Browsed]:
    """The clients of the error browser, of the systems asked for or the best that can be shown."""
    if not settings.examples:
        return []
    own = [row for row in ordered(rows) if SYSTEMS.get(row.system) and row.system != "oracle"]
    names = settings.browsed or [row.system for row in own[:1]]
    return [
        browsed
        for cell in browsed_cells(cells, names)
        for browsed in _maybe_isolated(settings, browse, cell, settings.examples)
    ]


def _maybe_isolated(
    settings: SuiteSettings,
    function: Callable[Arguments, Result],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """Call a function, in its own process where the suite isolates its cells."""
    if settings.isolated:
        return run_in_subprocess(function, *args, **kwargs)
    return function(*args, **kwargs)


def command_line() -> str:
    """The command as it was typed."""
    return " ".join(["python -m experiments.run", *sys.argv[1:]])


main = command("run", SuiteSettings, run)

if __name__ == "__main__":
    main()
