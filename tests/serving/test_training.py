"""The training contract: inputs, metrics and failures; complete jobs are marked slow."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import make_url

from linkage_rl.bundle import read_settings
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
from linkage_rl.tables.store import CompanyStore
from serving import training
from serving.channels import SPLITS, TrainingError, arguments, client_lists, hyperparameters, table
from serving.training import (
    DEFINITIONS,
    MAX_REASON_LENGTH,
    reason_of,
    report_progress,
    report_results,
)

HEADER = "client_id,name,company_id\n"


def channel(folder: Path, *names: str) -> Path:
    """A channel that holds files of these names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(HEADER)
    return folder


class TestHyperparameters:
    def test_become_arguments_except_those_of_sagemaker(self) -> None:
        given = {"seed": "3", "sagemaker_program": '"x.py"', "_tuning_objective_metric": "test_f1"}

        assert hyperparameters(given) == ["seed=3"]

    def test_lose_the_quotes_that_the_sdk_puts_around_texts(self) -> None:
        assert hyperparameters({"agent": '"maskable_ppo"'}) == ["agent=maskable_ppo"]

    def test_keep_lists_and_numbers_as_they_are(self) -> None:
        given = {"candidates.costs.phone": "0.002", "ranker.widths": "[32, 16]"}

        assert hyperparameters(given) == [
            "candidates.costs.phone=0.002",
            "ranker.widths=[32, 16]",
        ]

    @pytest.mark.parametrize("name", ["--multirun", "hydra.run.dir", "resume", "a b", "~agent", ""])
    def test_that_are_no_keys_are_refused(self, name: str) -> None:
        with pytest.raises(TrainingError, match=re.escape(f"got {name!r}")):
            hyperparameters({name: "1"})


class TestChannels:
    def test_without_any_the_sample_is_generated(self, tmp_path: Path) -> None:
        assert arguments(tmp_path) == []

    def test_one_list_per_split_is_one_dataset(self, tmp_path: Path) -> None:
        folders = {
            "train": channel(tmp_path / "train", "a.csv"),
            "validation": channel(tmp_path / "validation", "b.csv"),
            "test": channel(tmp_path / "test", "c.parquet", ".hidden.csv", "readme.txt"),
        }

        assert client_lists(folders) == [
            f"clients.test={{clients: '{tmp_path}/test/c.parquet'}}",
            f"clients.train={{clients: '{tmp_path}/train/a.csv'}}",
            f"clients.valid={{clients: '{tmp_path}/validation/b.csv'}}",
        ]

    def test_files_whose_names_differ_only_by_the_split_are_one_dataset(
        self, tmp_path: Path
    ) -> None:
        folders = {
            split: channel(tmp_path / split, f"moves_{split}.csv", f"payees-{split}.csv")
            for split in ("train", "valid", "test")
        }

        assert client_lists(folders)[1] == (
            f"clients.train={{moves: '{tmp_path}/train/moves_train.csv', "
            f"payees: '{tmp_path}/train/payees-train.csv'}}"
        )

    def test_a_missing_split_is_named(self, tmp_path: Path) -> None:
        folders = {"train": channel(tmp_path / "train", "a.csv")}

        with pytest.raises(TrainingError, match=r"train, valid and test.* got \['train'\]"):
            client_lists(folders)

    def test_an_empty_channel_is_named(self, tmp_path: Path) -> None:
        folders = {split: channel(tmp_path / split) for split in ("train", "valid", "test")}

        with pytest.raises(TrainingError, match="in the channel t"):
            client_lists(folders)

    def test_a_company_file_is_a_source_and_sqlite_a_database(self, tmp_path: Path) -> None:
        file = channel(tmp_path / "file", "companies.csv")
        database = channel(tmp_path / "database", "crm.sqlite")

        assert table({"companies": file})[1] == f"table.source='{file}/companies.csv'"
        assert table({"companies": database})[1] == f"table.database='{database}/crm.sqlite'"

    def test_two_company_files_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match=r"got \['a.csv', 'b.csv'\]"):
            table({"companies": channel(tmp_path, "a.csv", "b.csv")})

    def test_a_second_host_is_refused(self, tmp_path: Path) -> None:
        config = channel(tmp_path / "config")
        (config / "resourceconfig.json").write_text('{"hosts": ["algo-1", "algo-2"]}')

        with pytest.raises(TrainingError, match="set the instance count to 1"):
            arguments(tmp_path)


class TestMetrics:
    def test_every_regular_expression_finds_its_line(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        definitions = json.loads(DEFINITIONS.read_text())
        names = {definition["Name"].partition("_")[2] for definition in definitions}

        report_results(
            {split: dict.fromkeys(names, -0.25) for split in ("valid", "test", "progress")}
        )

        output = capsys.readouterr().out
        assert {
            definition["Name"]: re.findall(definition["Regex"], output)
            for definition in definitions
        } == {definition["Name"]: ["-0.25"] for definition in definitions}

    def test_each_evaluation_is_reported_once_and_only_when_complete(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "progress.csv"
        path.write_text("eval/mean_reward,eval/linkage_rate\n0.5,0.75\n0.62,0.")

        assert report_progress(path, 0) == 1
        path.write_text("eval/mean_reward,eval/linkage_rate\n0.5,0.75\n0.62,0.8\n")
        assert report_progress(path, 1) == 2

        assert capsys.readouterr().out.splitlines() == [
            "metric progress_reward=0.5;",
            "metric progress_linkage_rate=0.75;",
            "metric progress_reward=0.62;",
            "metric progress_linkage_rate=0.8;",
        ]


class TestFailures:
    def test_the_reason_is_the_sentence_of_the_last_error(self) -> None:
        lines = ["Traceback ...", "error: unknown key sed; did you mean seed?\n", "\n"]

        assert reason_of(lines, {}) == "unknown key sed; did you mean seed?"

    def test_a_reason_holds_no_password(self) -> None:
        lines = ["cannot open postgresql://ann:hush-hush@db/crm with p4ss-word"]

        reason = reason_of(lines, {"DB_PASS": "p4ss-word"})

        assert reason == "cannot open postgresql://ann:***@db/crm with ***"

    def test_a_reason_is_cut_to_what_sagemaker_shows(self) -> None:
        assert len(reason_of(["x" * 5_000], {})) == MAX_REASON_LENGTH

    def test_the_reason_for_a_malformed_file_is_written_to_the_failure_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = channel(tmp_path / "input/config")
        (config / "hyperparameters.json").write_text("{seed: 1}")
        monkeypatch.setenv("LINKAGE_ML_ROOT", str(tmp_path))

        assert training.main() == 1

        reason = (tmp_path / "output/failure").read_text()
        assert reason.startswith(f"cannot read {config}/hyperparameters.json as JSON")


@pytest.mark.slow
class TestCompleteJobs:
    """Jobs as SageMaker starts them, on a table and lists like those of the sample."""

    def test_lists_and_a_database_in_channels_give_a_model(self, tmp_path: Path) -> None:
        root = job(tmp_path, {"debug": "fast"})
        sample = SampleConfig(companies=1_500, clients=900)
        companies = channel(root / "input/data/companies")
        with CompanyStore(make_url(f"sqlite:///{companies}/crm.sqlite")) as store:
            store.create()
            store.load(generate_companies(sample))
        for split in ("train", "validation", "test"):
            clients = generate_clients(sample, SPLITS[split])
            write_list(channel(root / f"input/data/{split}") / f"crm-{split}.csv", clients)

        assert run_job(root) == 0, failure(root)

        settings = read_settings(root / "model")
        assert "clients.train={clients:" in settings.origin["command"]
        assert (root / "output/data/report.html").is_file()
        assert [path.name for path in companies.iterdir()] == ["crm.sqlite"]

    def test_a_stopped_job_resumes_from_its_checkpoint(self, tmp_path: Path) -> None:
        root = job(tmp_path, {"debug": "fast", "training.total_timesteps": "30_000"})
        checkpoints = channel(root / "checkpoints") / "run/checkpoints"

        with start_job(root) as process:
            deadline = time.monotonic() + 120
            while not any(checkpoints.glob("*")) and time.monotonic() < deadline:
                time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 130

        assert failure(root) == "stopped by SIGTERM; a job with checkpoints can be resumed"
        assert not (root / "model/manifest.json").exists()
        assert run_job(root) == 0, failure(root)
        assert (root / "model/manifest.json").is_file()


def job(root: Path, hyperparameters: dict[str, str]) -> Path:
    config = channel(root / "input/config")
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    return root


def start_job(root: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "serving.training"], env=os.environ | {"LINKAGE_ML_ROOT": str(root)}
    )


def run_job(root: Path) -> int:
    with start_job(root) as process:
        return process.wait()


def failure(root: Path) -> str:
    path = root / "output/failure"
    return path.read_text() if path.exists() else ""


def write_list(path: Path, clients: ClientList) -> None:
    columns = {
        "client_id": clients.records.ids,
        **clients.records.columns,
        "company_id": clients.truth or (),
    }
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
