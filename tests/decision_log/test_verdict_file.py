"""Verdicts from lists of people."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from linkage_rl.decision_log.rows import Answer, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.decision_log.verdict_file import Imported, import_verdicts
from linkage_rl.errors import InputFileError
from tests.logged_decisions import logged_rows

IDS = [f"{number:032x}" for number in range(6)]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[DecisionLog]:
    """A log of six decisions that linked 'apex' and showed 'boron', too."""
    with DecisionLog.open(str(tmp_path / "log.db")) as opened:
        opened.append(logged_rows(*[{"shown": '[["apex",0.7],["boron",0.2]]'}] * 6))
        yield opened


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    """A file with this text, `{n}` being the id of decision n."""
    path = folder / "verdicts.csv"
    path.write_text(text.format(*IDS), encoding=encoding)
    return path


def test_every_kind_of_verdict_is_read(log: DecisionLog, tmp_path: Path) -> None:
    rows = ("{0},Accept", "{1},reject", "{2},none", "{3},unsure", "{4},boron", "{5},zinc")
    path = written(tmp_path, "\n".join(("decision_id,verdict", *rows, "")))

    assert import_verdicts(log, path, "sato") == Imported(6, 0, 0, (), not_shown=1)

    assert log.verdicts() == [
        Verdict(IDS[0], Answer.ACCEPT, "", "sato", log.verdicts()[0].given_at, "csv"),
        *(
            Verdict(IDS[n], answer, company_id, "sato", log.verdicts()[n].given_at, "csv")
            for n, answer, company_id in (
                (1, Answer.REJECT, ""),
                (2, Answer.NONE, ""),
                (3, Answer.UNSURE, ""),
                (4, Answer.COMPANY, "boron"),
                (5, Answer.COMPANY, "zinc"),
            )
        ),
    ]


def test_a_result_with_a_column_of_verdicts_is_read(log: DecisionLog, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "decision_id,会社名,company_id,verdict,reviewer\n"
        "{0},青空,apex,accept,佐藤\n{1},山田,apex,,\n{2},川,apex,reject,\n{3},川,boron,company,\n",
        "cp932",
    )

    assert import_verdicts(log, path) == Imported(3, 0, empty=1, unknown=(), not_shown=0)

    said = log.latest()
    assert (said[IDS[0]].answer, said[IDS[0]].reviewer) == (Answer.ACCEPT, "佐藤")
    assert said[IDS[2]].answer is Answer.REJECT
    assert said[IDS[3]].company_id == "boron"


def test_a_list_that_is_read_twice_says_nothing_new(log: DecisionLog, tmp_path: Path) -> None:
    path = written(tmp_path, "decision_id;verdict\n{0};accept\n{0};reject\n{1};withdrawn\n")

    assert import_verdicts(log, path).written == 2
    assert import_verdicts(log, path) == Imported(2, 1, 0, (), 0)
    path = written(tmp_path, "decision_id;verdict\n{0};reject\n")
    assert import_verdicts(log, path) == Imported(0, 1, 0, (), 0)


def test_decisions_that_the_log_lacks_are_named(log: DecisionLog, tmp_path: Path) -> None:
    path = written(tmp_path, f"decision_id,verdict\n{'f' * 32},accept\n{{0}},accept\n")

    assert import_verdicts(log, path) == Imported(1, 0, 0, ("f" * 32,), 0)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("{1},accepted,", "line 3: expected a verdict of accept, reject, .* did you mean accept"),
        ("{1},company,", "line 3: expected the right company in company_id, got nothing"),
        ("{1},reject,boron", "line 3: expected with the verdict reject the linked company or"),
    ],
)
def test_nothing_is_written_of_a_list_with_a_row_that_cannot_be_understood(
    log: DecisionLog, tmp_path: Path, row: str, sentence: str
) -> None:
    path = written(tmp_path, f"decision_id,verdict,company_id\n{{0}},accept,\n{row}\n")

    with pytest.raises(InputFileError, match=sentence):
        import_verdicts(log, path)

    assert log.verdicts() == []


def test_a_list_without_verdicts_is_refused(log: DecisionLog, tmp_path: Path) -> None:
    path = written(tmp_path, "decision_id,answer\n{0},accept\n")

    with pytest.raises(InputFileError, match=r"expected the columns decision_id, verdict in .*"):
        import_verdicts(log, path)
