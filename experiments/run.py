"""`python -m experiments.run suite=NAME`: every system on the same cases, table and page."""

import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from experiments.cost.figures import machine
from experiments.tools.measure import alone
from experiments.suite.browser import Browsed, browse, browsed_cells
from experiments.suite.cells import Cell, plan_cells, run_cell
from experiments.suite.page import Page, render
from experiments.peers.cells import run_peers
from experiments.suite.pictures import pictures
from experiments.tools.records import commit, forget, read_record, read_result
from experiments.tools.settings import SuiteSettings
from experiments.suite.summary import (
    Row,
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
from linkage_rl.config.command import command, say
from linkage_rl.errors import LinkageError, OutputError
from linkage_rl.evaluation.report import write_html


def run(settings: SuiteSettings) -> float:
    """Run what has not been run, then write table, results, pictures and page.

    Returns:
        The number of cells that failed.

    Raises:
        LinkageError: Nothing could be run, or the results cannot be written.
        KeyboardInterrupt: The run was interrupted; started again it goes on.
    """
    cells = plan_cells(settings)
    if not settings.report_only:
        run_cells(cells, settings)
    done = [cell for cell in cells if read_record(cell.folder) is not None]
    if not done:
        raise LinkageError(f"no cell of suite {settings.name!r} has been run yet")
    return summarise(done, settings)


def run_cells(cells: Sequence[Cell], settings: SuiteSettings) -> None:
    """Run the cells one after the other; those that are known cost nothing."""
    with tqdm(total=len(cells), unit="cell", desc=settings.name) as bar:
        for cell in cells:
            bar.set_postfix_str(f"{cell.name} {cell.system} seed {cell.seed}")
            known = read_record(cell.folder)
            if settings.retry and known is not None and known.error:
                forget(cell.folder)
            run_cell(cell, settings.isolated)
            bar.update()


def summarise(cells: Sequence[Cell], settings: SuiteSettings) -> float:
    """Print the tables and write everything that follows from the cells."""
    told_by_cells = [
        (
            cell.name,
            cell.settings.reward,
            cell.settings.evaluation.goal,
            read_result(cell.folder),
        )
        for cell in cells
    ]
    groups, failed = group_results([*told_by_cells, *run_peers(settings)])
    rows = [row_of(group, settings.resamples) for group in groups]
    rows += [*over_lists(groups, settings.resamples), *failures(failed)]
    told = [*claims_of(settings, groups), *ablations_of(settings, groups)]
    about = {
        "suite": settings.name,
        "question": settings.question,
        "command": command_words(),
        "commit": commit(),
        "machine": machine(),
        "seeds_wanted": settings.seeds,
        "note": few_seeds(rows, len(settings.seeds)),
    }
    folder = Path(settings.output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_results(folder / "results.json", about, rows, told)
        (folder / "table.md").write_text(markdown(rows, told, command_words()), encoding="utf-8")
        drawn = pictures(groups, rows, [cell.folder for cell in cells])
        for picture in drawn:
            picture.save(folder)
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror}; free space or choose another folder"
        ) from error
    browsed = browse_some(cells, rows, settings)
    write_html(render(Page(about, rows, told, drawn, browsed)), folder / "report.html")
    say(f"\n{leaderboard(rows)}\n\n{verdicts(told)}\n{about['note']}")
    say(f"results  {folder}")
    say(f"page     {folder / 'report.html'}")
    return float(len(failed))


def browse_some(
    cells: Sequence[Cell], rows: Sequence[Row], settings: SuiteSettings
) -> list[Browsed]:
    """The clients of the error browser, of the systems asked for or the best that can be shown."""
    if not settings.examples:
        return []
    own = [row for row in ordered(rows) if SYSTEMS.get(row.system) and row.system != "oracle"]
    names = settings.browsed or [row.system for row in own[:1]]
    browsed = []
    for cell in browsed_cells(cells, names):
        arguments = (cell, settings.examples)
        browsed += alone(browse, *arguments) if settings.isolated else browse(*arguments)
    return browsed


def command_words() -> str:
    """The command as it was typed."""
    return " ".join(["python -m experiments.run", *sys.argv[1:]])


main = command("run", SuiteSettings, run)

if __name__ == "__main__":
    main()
