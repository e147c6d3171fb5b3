from pathlib import Path

import pytest

from linkage_rl.errors import InputFileError, OutputError
from linkage_rl.evaluation.leaderboard import FILE_NAME, Entry, append, best, read


def entry(run: Path, reward: float, experiment: str = "sample") -> Entry:
    return Entry(
        run=str(run),
        experiment=experiment,
        agent="maskable_ppo",
        seed=1,
        valid={"expected_reward": reward, "f1": -reward},
        test={"f1": 0.9},
    )


def test_what_was_added_is_read_back(tmp_path: Path) -> None:
    first, second = entry(tmp_path / "a", 0.5), entry(tmp_path / "b", float("nan"))

    append(tmp_path / FILE_NAME, first)
    append(tmp_path / FILE_NAME, second)

    runs = read(tmp_path)
    assert runs[0] == first
    assert [Path(one.run).name for one in runs] == ["a", "b"]


def test_the_best_run_has_the_highest_validation_reward(tmp_path: Path) -> None:
    for name, reward in [("a", 0.5), ("b", 0.7), ("c", 0.7), ("d", float("nan"))]:
        append(tmp_path / FILE_NAME, entry(tmp_path / name, reward))

    assert best(tmp_path) == tmp_path / "b"
    assert best(tmp_path / FILE_NAME, by="f1") == tmp_path / "a"


def test_runs_of_another_experiment_do_not_compete(tmp_path: Path) -> None:
    append(tmp_path / FILE_NAME, entry(tmp_path / "a", 0.5, experiment="jp_all"))
    append(tmp_path / FILE_NAME, entry(tmp_path / "b", 0.9))

    assert best(tmp_path, experiment="jp_all") == tmp_path / "a"


def test_the_folder_of_runs_can_be_moved(tmp_path: Path) -> None:
    append(tmp_path / "runs" / FILE_NAME, entry(tmp_path / "runs" / "a", 0.5))

    (tmp_path / "runs").rename(tmp_path / "kept")

    assert best(tmp_path / "kept") == tmp_path / "kept" / "a"


def test_a_list_without_the_metric_is_an_error_that_names_it(tmp_path: Path) -> None:
    append(tmp_path / FILE_NAME, entry(tmp_path / "a", 0.5))

    with pytest.raises(InputFileError, match=r"experiment 'jp_all' with a validation 'recall'"):
        best(tmp_path, by="recall", experiment="jp_all")


def test_a_missing_list_asks_for_a_run(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="train a run first"):
        best(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize("damage", ["{", "[]", "{}", '{"valid": {"f1": "x"}, "test": {}}'])
def test_a_damaged_line_is_named(tmp_path: Path, damage: str) -> None:
    append(tmp_path / FILE_NAME, entry(tmp_path / "a", 0.5))
    with (tmp_path / FILE_NAME).open("a") as leaderboard:
        leaderboard.write(damage + "\n")

    with pytest.raises(InputFileError, match="line 2"):
        read(tmp_path)


def test_a_full_disk_is_an_output_error() -> None:
    with pytest.raises(OutputError, match="No space left on device"):
        append(Path("/dev/full"), entry(Path("a"), 0.5))
