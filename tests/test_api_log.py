"""`linkage_rl.link(..., log=)`: decisions on tables of other libraries go into a decision log."""

import json
from pathlib import Path
from typing import Any

import pytest

import linkage_rl
from linkage_rl.bundle import load_bundle
from linkage_rl.decision_log.rows import EVERYTHING, Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError
from linkage_rl.linked_columns import COLUMNS, digest
from linkage_rl.records import RecordBatch
from linkage_rl.tables.writer import file_fingerprint
from tests.commands.list_shop import LIST, write_list_bundle
from tests.commands.shop import write_shop_bundle
from tests.test_api import CLIENT_ROWS, COMPANY_ROWS, MAKERS, Row, rows_of


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that links a client to a company of the same name."""
    return write_shop_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def list_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose list stage takes the company of a mate at the same address."""
    return write_list_bundle(tmp_path_factory.mktemp("list-bundle"))


def logged(place: Path, selection: Selection = EVERYTHING) -> dict[str, Row]:
    """The decisions of a log by their ids."""
    with DecisionLog.open(str(place), create=False) as log:
        return {row["decision_id"]: row for page in log.decisions(selection) for row in page.rows()}


@pytest.mark.parametrize("kind", MAKERS)
def test_each_row_of_a_table_has_the_id_of_its_logged_decision(
    bundle: Path, tmp_path: Path, kind: str
) -> None:
    clients = MAKERS[kind](CLIENT_ROWS)

    linked = linkage_rl.link(
        clients, bundle, log=str(tmp_path / "log.db"), customer="crm", list_id="spring"
    )

    found, rows = logged(tmp_path / "log.db"), rows_of(linked)
    assert list(rows[0])[: len(COLUMNS) + 1] == [*COLUMNS, "decision_id"]
    assert len(found) == 4
    for row in rows:
        decision = found[row["decision_id"]]
        assert decision["client_id"] == row["client_id"]
        assert decision["company_id"] == (row["company_id"] or "")
        assert (decision["customer"], decision["list_id"]) == ("crm", "spring")
        assert decision["bundle"] == file_fingerprint(bundle / "manifest.json")[:16]
        assert decision["table_state"] == digest(load_bundle(bundle).index.state)
        assert decision["evidence"]


def test_a_table_that_is_decided_as_a_list_logs_what_the_policy_saw(
    list_bundle: Path, tmp_path: Path
) -> None:
    header, *rows = LIST
    clients: list[Any] = [dict(zip(header, row, strict=True)) for row in rows]

    linked = linkage_rl.link(clients, list_bundle, log=tmp_path_log(tmp_path))

    found = logged(tmp_path / "log.db")
    decisions = [found[row["decision_id"]] for row in linked]
    assert [one["company_id"] for one in decisions] == ["c1", "c1", "c2", ""]
    assert [one["no_match"] > 0.5 for one in decisions] == [True, False, False, True]
    assert len({one["list_id"] for one in decisions}) == 1
    assert decisions[0]["list_id"]


def tmp_path_log(folder: Path) -> str:
    return f"sqlite:///{folder / 'log.db'}"


def test_a_batch_gets_ids_and_an_open_log_stays_open(bundle: Path, tmp_path: Path) -> None:
    records = RecordBatch(["k1"], {"name": ["㈱青空商事"]})
    linker = linkage_rl.load_bundle(bundle)

    with DecisionLog.open(tmp_path_log(tmp_path)) as log:
        first = linker.link(records, log=log)
        second = linker.link(records, log=log)
        assert log.count() == 2

    assert linker.link(records).decision_ids == ()
    assert [*first.decision_ids] != [*second.decision_ids]
    assert json.loads(logged(tmp_path / "log.db")[first.decision_ids[0]]["shown"])[0][0] == "c1"


def test_other_companies_are_another_state_of_the_table(bundle: Path, tmp_path: Path) -> None:
    linkage_rl.link(CLIENT_ROWS, bundle, COMPANY_ROWS[:1], log=tmp_path_log(tmp_path))

    found = logged(tmp_path / "log.db").values()

    assert sorted(row["company_id"] for row in found) == ["", "", "", "c1"]
    assert {row["table_state"] for row in found} == {""}


def test_a_log_without_a_name_is_refused(bundle: Path) -> None:
    with pytest.raises(ConfigError, match="expected log="):
        linkage_rl.link(CLIENT_ROWS, bundle, log="")
