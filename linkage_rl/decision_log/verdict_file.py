"""Reads what people said of decisions from a list: a CSV file or a workbook.

Its columns are `decision_id` and `verdict`, and may be `company_id` and `reviewer`. A result of
`link` to which somebody added a column `verdict` is such a list, too: its `company_id` is then the
linked company.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import count, repeat
from pathlib import Path
from typing import Final, NamedTuple

from linkage_rl.decision_log.rows import Answer, DecisionRows, Verdict, shown_ids
from linkage_rl.decision_log.store import PAGE, DecisionLog
from linkage_rl.decision_log.verdicts import latest_by_reviewer
from linkage_rl.errors import InputFileError
from linkage_rl.tables.csv_file import CsvFile, open_csv
from linkage_rl.tables.headers import fold
from linkage_rl.tables.xlsx_file import ENDINGS, SheetFile, open_sheet

NEEDED: Final = ("decision_id", "verdict")
OPTIONAL: Final = ("company_id", "reviewer")
WHY_ASKED: Final = "csv"
"""`Verdict.why_asked` of what a list says."""

_WORDS: Final = {str(one): one for one in Answer}
_CHOICES: Final = ", ".join(word for word in _WORDS if word != Answer.COMPANY)


@dataclass(frozen=True)
class Imported:
    """What became of the rows of a list."""

    written: int
    """Verdicts that are in the log now."""
    repeated: int
    """Rows that say what counts already, of the same reviewer."""
    empty: int
    """Rows without a verdict."""
    unknown: tuple[str, ...]
    """Ids of decisions that the log does not have; their rows were left out."""
    not_shown: int
    """Verdicts that name a company which was not among the candidates of the decision."""


class _Row(NamedTuple):
    place: int
    decision_id: str
    verdict: str
    company_id: str
    reviewer: str


def import_verdicts(log: DecisionLog, path: Path, reviewer: str = "") -> Imported:
    """Write the verdicts of a list into a log: all of them, or none if one cannot be understood.

    Args:
        log: The log.
        path: CSV file or workbook with the columns `decision_id` and `verdict`. A verdict is
            accept, reject, none, unsure, withdrawn, the id of the right company, or 'company' with
            that id in the column `company_id`.
        reviewer: Who said it, where the list has no column `reviewer` or nothing in it.

    Raises:
        InputFileError: The file cannot be read, lacks a column, or has a verdict of another form.
    """
    file = _open(path)
    every = list(_rows(file, reviewer))
    rows = [row for row in every if row.verdict]
    verdicts: list[Verdict] = []
    unknown: dict[str, None] = {}
    repeated = not_shown = 0
    for begin in range(0, len(rows), PAGE):
        page = rows[begin : begin + PAGE]
        ids = list(dict.fromkeys(row.decision_id for row in page))
        decisions = _by_id(log.find(ids))
        known = latest_by_reviewer(log.verdicts_on(ids))
        for row in page:
            if row.decision_id not in decisions:
                unknown[row.decision_id] = None
                continue
            verdict = _verdict(file, row, decisions[row.decision_id])
            before = known.setdefault(row.decision_id, {})
            if _is_repeated(before.get(row.reviewer), verdict):
                repeated += 1
                continue
            before[row.reviewer] = verdict
            verdicts.append(verdict)
            not_shown += _names_other(verdict, decisions[row.decision_id])
    log.add_verdicts(verdicts)
    return Imported(len(verdicts), repeated, len(every) - len(rows), tuple(unknown), not_shown)


class _Decision(NamedTuple):
    company_id: str
    shown: tuple[str, ...]


def _by_id(rows: DecisionRows) -> dict[str, _Decision]:
    decisions = zip(rows.decision_id, rows.company_id, rows.shown, strict=True)
    return {one: _Decision(linked, tuple(shown_ids(shown))) for one, linked, shown in decisions}


def _verdict(file: CsvFile | SheetFile, row: _Row, decision: _Decision) -> Verdict:
    """The verdict of a row.

    Raises:
        InputFileError: It is none, or contradicts its `company_id`.
    """
    answer = _WORDS.get(row.verdict.casefold(), Answer.COMPANY)
    company_id = row.company_id
    if row.verdict.casefold() not in _WORDS:
        _refuse_misspelt(file, row, decision)
        company_id = row.verdict
    elif answer is Answer.COMPANY and not company_id:
        raise InputFileError(
            f"{file.path} {file.place(row.place)}: expected the right company in company_id, got "
            "nothing; name it there, or as the verdict"
        )
    elif answer is not Answer.COMPANY:
        if company_id not in ("", decision.company_id):
            raise InputFileError(
                f"{file.path} {file.place(row.place)}: expected with the verdict {answer!s} the "
                f"linked company or nothing in company_id, got {company_id!r}; if that is the "
                "right company, write its id as the verdict"
            )
        company_id = ""
    return Verdict(row.decision_id, answer, company_id, row.reviewer, why_asked=WHY_ASKED)


def _refuse_misspelt(file: CsvFile | SheetFile, row: _Row, decision: _Decision) -> None:
    """Refuse a company id that is rather a verdict with a typing error."""
    if row.verdict in decision.shown or row.verdict == decision.company_id:
        return
    near = get_close_matches(row.verdict.casefold(), _WORDS, n=1, cutoff=0.75)
    if near:
        raise InputFileError(
            f"{file.path} {file.place(row.place)}: expected a verdict of {_CHOICES}, or the id of "
            f"a company, got {row.verdict!r}; did you mean {near[0]}? For a company of this id, "
            "write company as the verdict and the id in company_id"
        )


def _is_repeated(before: Verdict | None, verdict: Verdict) -> bool:
    if before is None:
        # nothing is there to be taken back
        return verdict.answer is Answer.WITHDRAWN
    return (before.answer, before.company_id) == (verdict.answer, verdict.company_id)


def _names_other(verdict: Verdict, decision: _Decision) -> bool:
    return verdict.answer is Answer.COMPANY and verdict.company_id not in decision.shown


def _open(path: Path) -> CsvFile | SheetFile:
    known = frozenset(map(fold, (*NEEDED, *OPTIONAL)))
    file = (
        open_sheet(path, known=known)
        if path.suffix.lower() in ENDINGS
        else open_csv(path, known=known)
    )
    lacking = [name for name in NEEDED if name not in file.header]
    if lacking:
        raise InputFileError(
            f"expected the columns {', '.join(NEEDED)} in {path}, got {', '.join(file.header)}; "
            f"add {' and '.join(lacking)}"
        )
    return file


def _rows(file: CsvFile | SheetFile, reviewer: str) -> Iterator[_Row]:
    places = count()
    for block in file.blocks(PAGE):
        columns = dict(zip(file.header, block, strict=True))
        texts = [_column(columns, name) for name in (*NEEDED, *OPTIONAL)]
        for decision_id, verdict, company_id, who in zip(*texts, strict=False):
            yield _Row(next(places), decision_id, verdict, company_id, who or reviewer)


def _column(columns: dict[str, Sequence[str]], name: str) -> Iterator[str]:
    """The texts of a column without blanks around them; endless '' where there is no such one."""
    return map(str.strip, columns[name]) if name in columns else repeat("")
