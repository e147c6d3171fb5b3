"""`progress.csv` has the same columns for every run."""

import csv
from pathlib import Path

import pytest

from linkage_rl.errors import OutputError
from linkage_rl.training.progress_table import COLUMNS, STEPS, ProgressTable
from tests.full_disk import disk_with_room_for


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(table: ProgressTable, **values: float) -> None:
    figures = {name.replace("__", "/"): value for name, value in values.items()}
    table.write(figures, dict.fromkeys(figures, ()))


def test_columns_do_not_depend_on_what_was_recorded(tmp_path: Path) -> None:
    write(ProgressTable(tmp_path / "ppo.csv"), time__total_timesteps=0, train__value_loss=0.5)
    write(ProgressTable(tmp_path / "dqn.csv"), rollout__exploration_rate=1.0)

    headers = [(tmp_path / name).read_text().splitlines()[0] for name in ("ppo.csv", "dqn.csv")]
    assert headers == [",".join(COLUMNS)] * 2


def test_what_an_algorithm_records_besides_comes_last(tmp_path: Path) -> None:
    table = ProgressTable(tmp_path / "progress.csv")
    write(table, time__total_timesteps=0)
    write(table, time__total_timesteps=10, train__surprise=3.0)

    assert list(rows(tmp_path / "progress.csv")[0]) == [*COLUMNS, "train/surprise"]
    assert [row["train/surprise"] for row in rows(tmp_path / "progress.csv")] == ["", "3.0"]


def test_a_resumed_run_goes_on_after_the_row_of_its_checkpoint(tmp_path: Path) -> None:
    table = ProgressTable(tmp_path / "progress.csv")
    for steps in (0, 10, 20):
        write(table, time__total_timesteps=steps)

    write(ProgressTable(tmp_path / "progress.csv", steps=10), time__total_timesteps=20)

    assert [row[STEPS] for row in rows(tmp_path / "progress.csv")] == ["0", "10", "20"]


def test_a_full_disk_keeps_the_rows_that_there_were(tmp_path: Path) -> None:
    table = ProgressTable(tmp_path / "progress.csv")
    write(table, time__total_timesteps=0)
    kept = (tmp_path / "progress.csv").read_bytes()

    with (
        disk_with_room_for(len(kept)),
        pytest.raises(OutputError, match=r"cannot write .*progress\.csv: File too large; free"),
    ):
        write(table, time__total_timesteps=10)

    assert (tmp_path / "progress.csv").read_bytes() == kept
    assert [path.name for path in tmp_path.iterdir()] == ["progress.csv"]
