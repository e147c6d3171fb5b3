"""Peers without any peer installed; the slow test builds the environment of one."""

import csv
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.peers.__main__ import table_of
from experiments.peers.exchange import best_of, read_lists
from experiments.peers.prepare import CANONICAL, prepare, prepare_sample
from experiments.peers.running import HERE, PEERS, pinned_version, requirements_of, run_peer
from experiments.peers.scoring import figures_of, judged, read_links
from experiments.tools.composing import train_settings
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import ConfigError, InputFileError
from linkage_rl.evaluation.answers import Answers
from linkage_rl.records import CompanyRows, DecisionKind, RecordBatch
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.sample import SampleConfig


def small_folder(folder: Path) -> Path:
    companies = RecordBatch(
        ["1", "2"], {"name": ["㈱髙島屋", "閉鎖商店"], "street": ["東京都港区芝1-2", ""]}
    )
    clients = RecordBatch(["a", "b"], {"name": ["高島屋", "不明"]})
    lists = {name: ClientList(clients, ["1", ""], {}) for name in ("train", "valid", "test")}
    return prepare([CompanyRows(companies, ["", ""], ["", "2025-01-01"])], lists, folder)


def test_peers_read_canonical_columns_of_open_companies(tmp_path: Path) -> None:
    lists = read_lists(small_folder(tmp_path))

    assert [row["company_id"] for row in lists.companies] == ["1"]
    assert lists.companies[0]["core"] == "高島屋"
    assert lists.companies[0]["block"] == "1-2"
    assert set(lists.companies[0]) == {"company_id", *CANONICAL}


def test_peers_learn_from_train_and_never_see_the_truth_of_valid_and_test(tmp_path: Path) -> None:
    lists = read_lists(small_folder(tmp_path))

    assert lists.labels() == [("a", "1")]
    assert not any("company_id" in client for client in lists.judged)


def test_of_equal_scores_the_first_id_is_kept_and_all_are_counted() -> None:
    scored = [("a", "2", 0.5), ("a", "1", 0.5), ("b", "3", 0.1), ("b", "4", 0.9)]

    assert best_of(scored) == {"a": ("1", 0.5, 2), "b": ("4", 0.9, 1)}


def peer_answers(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], has_row: NDArray[np.bool_]
) -> Answers:
    """Answers of a peer, which runs no blocker."""
    nothing = np.zeros(len(right))
    return Answers(
        kind=np.where(confidence > 0, DecisionKind.LINK, DecisionKind.NO_MATCH).astype(np.int8),
        has_candidate=confidence > 0,
        pair=np.full(len(right), -1),
        confidence=confidence.astype(np.float32),
        tied=np.ones(len(right), dtype=np.int16),
        right=right,
        has_row=has_row,
        ran=nothing.astype(np.uint16),
        cost=nothing.astype(np.float32),
        dataset=nothing.astype(np.int16),
    )


def test_the_threshold_is_chosen_on_valid_and_reported_on_test() -> None:
    # scores from 0.5 on are right on valid; on test one of the three is wrong
    valid = peer_answers(
        np.repeat([0.9, 0.1], 40), np.repeat([True, False], 40), np.repeat([True, False], 40)
    )
    test = peer_answers(
        np.array([0.9, 0.9, 0.9, 0.1, 0]),
        np.array([True, True, False, False, False]),
        np.array([True, True, True, True, False]),
    )

    figures = judged(valid, test, RewardWeights())

    assert figures["linkage_rate"] == pytest.approx(3 / 5)
    assert figures["precision"] == pytest.approx(2 / 3)
    assert figures["recall"] == pytest.approx(2 / 4)
    assert figures["proposed"] == pytest.approx(2 / 4)


def test_peers_without_labels_get_all_clients_and_no_truth(tmp_path: Path) -> None:
    lists = read_lists(small_folder(tmp_path))

    clients = lists.unlabelled()

    assert len(clients) == 6
    assert not any(client.get("company_id") for client in clients)
    assert lists.labels() == [("a", "1")]


def test_a_peer_whose_library_is_missing_is_reported_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = (HERE / "requirements" / "splink.txt").read_bytes()
    place = (
        tmp_path
        / "cache"
        / "environments"
        / f"splink-{hashlib.sha256(pins).hexdigest()[:12]}"
        / "bin"
    )
    place.mkdir(parents=True)
    (place / "python").symlink_to(sys.executable)
    monkeypatch.setenv("LINKAGE_RL_CACHE", str(tmp_path / "cache"))
    folder = small_folder(tmp_path / "lists")

    output = run_peer("splink", folder)

    ran = json.loads((output / "peer.json").read_text())
    assert ran["version"] == pinned_version("splink")
    assert "ModuleNotFoundError" in ran["error"]
    assert "failed: exit code 1" in table_of({"splink": figures_of(folder, output)})


def test_a_peer_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a peer among"):
        run_peer("spark", tmp_path)


def test_links_that_lack_a_client_are_refused(tmp_path: Path) -> None:
    folder = small_folder(tmp_path)
    (folder / "links.csv").write_text(
        "split,client_id,company_id,score,sharers\nvalid,a,1,0.5,1\ntest,a,,,0\ntest,b,,,0\n"
    )
    (folder / "peer.json").write_text("{}")

    with pytest.raises(InputFileError, match="lacks 1, 'b' among them"):
        figures_of(folder, folder)


@pytest.mark.parametrize("name", PEERS)
def test_every_requirement_of_a_peer_is_pinned(name: str) -> None:
    lines = requirements_of(name).read_text().split()

    assert all("==" in line for line in lines)
    assert pinned_version(name)
    assert (HERE / "systems" / f"{name}.py").exists()


def test_schemas_come_from_the_configuration() -> None:
    assert train_settings(["schema=citation"]).schema.comparators["digits"] == ["year"]


class TestPeers:
    def written(self, folder: Path, links: str) -> Path:
        for split in ("valid", "test"):
            (folder / f"{split}.csv").write_text(
                f"client_id,company_id\n{split}1,apex|zenith\n{split}2,\n", encoding="utf-8"
            )
        (folder / "links.csv").write_text(f"split,client_id,company_id,score,sharers\n{links}")
        return folder / "links.csv"

    def test_scores_of_any_scale_become_ranks_and_truth_is_a_set(self, tmp_path: Path) -> None:
        links = (
            "valid,valid1,zenith,-7,1\nvalid,valid2,,,0\n"
            "test,test1,other,3,1\ntest,test2,apex,-7,1\n"
        )

        answers = read_links(self.written(tmp_path, links), tmp_path)

        assert answers["valid"].right.tolist() == [True, False]
        assert answers["valid"].confidence.tolist() == [0.5, 0.0]
        assert answers["test"].right.tolist() == [False, False]
        assert answers["test"].confidence.tolist() == [1.0, 0.5]
        assert answers["test"].has_row.tolist() == [True, False]

    def test_a_peer_with_a_threshold_of_its_own_links_from_there_on(self, tmp_path: Path) -> None:
        links = "valid,valid1,apex,0.5,1\nvalid,valid2,,,0\ntest,test1,apex,-2,1\ntest,test2,,,0\n"
        file = self.written(tmp_path, links)
        (tmp_path / "peer.json").write_text('{"own_threshold": "0.0"}')

        answers = read_links(file, tmp_path)

        assert answers["valid"].kind.tolist() == [DecisionKind.LINK, DecisionKind.NO_MATCH]
        assert answers["test"].kind.tolist() == [DecisionKind.NO_MATCH] * 2
        assert answers["test"].has_candidate.tolist() == [True, False]

    @pytest.mark.parametrize(("sharers", "kept"), [(1, False), (2, True)])
    def test_whether_tied_clients_are_linked_is_decided_on_valid(
        self, tmp_path: Path, sharers: int, kept: bool
    ) -> None:
        links = (
            f"valid,valid1,zenith,-7,{sharers}\nvalid,valid2,other,9,2\n"
            "test,test1,apex,3,2\ntest,test2,other,-7,1\n"
        )

        answers = read_links(self.written(tmp_path, links), tmp_path)

        assert answers["valid"].has_candidate.tolist() == [True, kept]
        assert answers["test"].has_candidate.tolist() == [kept, True]
        assert answers["test"].right.tolist() == [kept, False]

    def test_a_client_without_a_line_is_refused(self, tmp_path: Path) -> None:
        links = self.written(tmp_path, "valid,valid1,zenith,1,1\ntest,test1,,,0\n")

        with pytest.raises(InputFileError, match="lacks 2, 'valid2'"):
            read_links(links, tmp_path)


@pytest.mark.extras
def test_recordlinkage_links_most_of_a_small_sample(tmp_path: Path) -> None:
    folder = prepare_sample(SampleConfig(companies=2_000, clients=2_000), tmp_path)

    output = run_peer("recordlinkage", folder)

    figures = figures_of(folder, output)
    assert "error" not in figures
    assert float(figures["f1"] or 0) > 0.8
    with (output / "links.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 800
