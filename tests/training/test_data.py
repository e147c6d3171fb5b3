"""What training sees of lists of unequal length."""

import fcntl
import time
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from linkage_rl.errors import ConfigError, SchemaError
from linkage_rl.tables.sample import SampleConfig
from linkage_rl.training.data import balanced, prepare
from linkage_rl.training.settings import ListSettings, RunSettings, TableSettings
from tests.cases_factory import synthetic_cases


def test_a_dataset_a_ninth_as_long_is_repeated_three_times_at_one_half() -> None:
    cases = synthetic_cases(100, np.random.default_rng(0))
    cases = replace(cases, dataset=np.repeat([0, 1], [90, 10]).astype(np.int16))

    repeated = balanced(cases, 0.5)

    assert np.bincount(repeated.dataset).tolist() == [90, 30]
    assert repeated.clients.take(np.array([90, 91, 92, 93])) == cases.clients.take(
        np.array([90, 90, 90, 91])
    )


@pytest.mark.parametrize("balance", [0.0, 0.1])
def test_datasets_stay_as_they_are_where_nothing_rounds_to_two(balance: float) -> None:
    cases = synthetic_cases(100, np.random.default_rng(0))
    cases = replace(cases, dataset=np.repeat([0, 1], [70, 30]).astype(np.int16))

    assert balanced(cases, balance) is cases


def test_a_balance_above_one_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"clients\.balance must lie in \[0, 1\], got 2"):
        ListSettings(balance=2)


def test_augmented_clients_join_the_training_cases_and_no_others(tmp_path: Path) -> None:
    settings = RunSettings(
        cache=str(tmp_path), table=TableSettings(sample=SampleConfig(companies=300, clients=200))
    )
    augmented = replace(settings, clients=ListSettings(augmented=0.5))

    plain, more = prepare(settings).cases, prepare(augmented).cases

    own = len(plain["train"])
    assert len(more["train"]) == own + round(own / 2)
    assert set(more["train"].clients.take(np.arange(own, len(more["train"])))) <= set(
        plain["train"].clients.take(np.arange(own))
    )
    for split in ("valid", "test"):
        assert np.array_equal(more[split].features, plain[split].features)


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"clients\.augmented must lie in \[0, 1\], got 1\.5"):
        ListSettings(augmented=1.5)


def test_of_runs_that_start_together_one_prepares_and_the_others_say_that_they_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = RunSettings(
        cache=str(tmp_path),
        table=TableSettings(sample=SampleConfig(companies=300, clients=200)),
    )
    ended = Event()

    def other() -> None:
        prepare(settings, ("valid",))
        ended.set()

    with caplog.at_level("INFO", "linkage_rl"), (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread = Thread(target=other)
        thread.start()
        said = f"waiting for another process, which prepares cases in {tmp_path}"
        while said not in caplog.messages and thread.is_alive():
            time.sleep(0.01)
        assert not ended.is_set()

    thread.join()
    assert ended.is_set()
    assert said in caplog.messages


def test_lists_whose_truths_are_of_another_table_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "正解.csv"
    path.write_text("会社名,company_id\n青空商事,q1\n星野製菓,なし\n", encoding="utf-8")
    files = {"mine": str(path)}
    settings = RunSettings(
        cache=str(tmp_path / "cache"),
        table=TableSettings(sample=SampleConfig(companies=300, clients=200)),
        clients=ListSettings(train=files, valid=files, test=files),
    )

    with pytest.raises(SchemaError, match=r"client list mine train: 1 of 1 truths .* 'q1'.*; they"):
        prepare(settings)
    assert not list((tmp_path / "cache").glob("cases/*"))
