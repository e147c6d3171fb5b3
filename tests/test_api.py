"""Linking tables of other libraries: pandas, polars, Arrow, dicts."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import linkage_rl
from linkage_rl.errors import ConfigError, SchemaError
from linkage_rl.frame_linker import company_rows
from linkage_rl.linked_columns import COLUMNS, RUN_COLUMNS
from linkage_rl.tables.store import CompanyStore
from tests.commands.shop import CLIENTS, COMPANIES, write_csv, write_shop_bundle

Row = dict[str, Any]

CLIENT_ROWS: list[Row] = [dict(zip(CLIENTS[0], row, strict=True)) for row in CLIENTS[1:]]
COMPANY_ROWS: list[Row] = [dict(zip(COMPANIES[0], row, strict=True)) for row in COMPANIES[1:]]

MAKERS: dict[str, Callable[[list[Row]], Any]] = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "arrow": pa.Table.from_pylist,
    "dicts": list,
}


def rows_of(table: Any) -> list[Row]:
    """Any table as dicts, missing values as None."""
    if isinstance(table, pd.DataFrame):
        table = table.astype(object).where(table.notna(), None).to_dict("records")
    elif isinstance(table, pl.DataFrame):
        table = table.to_dicts()
    elif isinstance(table, pa.Table):
        table = table.to_pylist()
    return list(table)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that links a client to a company of the same name."""
    return write_shop_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.mark.parametrize("kind", MAKERS)
def test_a_table_comes_back_as_one_of_the_same_kind_with_the_decisions(
    bundle: Path, kind: str
) -> None:
    clients = MAKERS[kind](CLIENT_ROWS)

    linked = linkage_rl.load_bundle(bundle).link(clients)

    assert type(linked) is type(clients)
    rows = rows_of(linked)
    assert list(rows[0]) == [*COLUMNS, "name", "city", "client_company_id", "担当"]
    assert [row["client_id"] for row in rows] == ["k1", "k2", "k3", "k4"]
    assert [row["decision"] for row in rows] == ["link", "link", "no_match", "link"]
    assert [row["company_id"] for row in rows] == ["c1", "c2", None, "c3"]
    assert rows[0]["company_name"] == "株式会社青空商事"
    assert rows[2]["company_name"] is None
    assert rows[0]["confidence"] > 0.99
    assert rows[1]["担当"] == "鈴木, 一郎"


def test_the_command_and_the_function_say_the_same(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(tmp_path / "clients.csv", CLIENTS)
    monkeypatch.chdir(tmp_path)
    words = [f"bundle={bundle}", "clients=clients.csv", "output=linked.csv"]
    subprocess.run([sys.executable, "-m", "linkage_rl", "link", *words], check=True)

    linked = linkage_rl.link(pd.read_csv("clients.csv", dtype=str), bundle)

    written = pd.read_csv("linked.csv", dtype={"company_phone": str})
    assert list(linked.columns) == [name for name in written if name not in RUN_COLUMNS]
    same = [name for name in COLUMNS if name != "confidence"]
    assert rows_of(linked[same]) == rows_of(written[same])
    assert linked["confidence"].round(4).tolist() == written["confidence"].tolist()


def test_columns_of_other_names_are_named_by_the_user(bundle: Path) -> None:
    clients = pl.DataFrame({"番号": [7, 8], "会社名": ["株式会社青空商事", None]})

    linked = linkage_rl.link(clients, bundle, columns={"client_id": "番号", "name": "会社名"})

    first, second = linked.select("client_id", "company_id", "会社名").rows()
    assert first == (7, "c1", "株式会社青空商事")
    assert second == (8, None, None)
    assert "番号" not in linked.columns


def test_clients_without_an_id_are_numbered_by_position(bundle: Path) -> None:
    linked = linkage_rl.link([{"name": "青空商事㈱"}, {"name": "合同会社はるか"}], bundle)

    assert [row["client_id"] for row in linked] == [0, 1]
    assert [row["company_id"] for row in linked] == ["c1", "c3"]


def test_a_data_frame_keeps_its_index_and_the_types_of_its_columns(bundle: Path) -> None:
    clients = pd.DataFrame(
        {"name": ["株式会社青空商事", "合同会社はるか"], "sales": [1.5, 2.5]}, index=["x", "y"]
    )

    linked = linkage_rl.link(clients, bundle)

    assert list(linked.index) == ["x", "y"]
    assert linked["sales"].tolist() == [1.5, 2.5]
    assert linked["company_id"].tolist() == ["c1", "c3"]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, ""], ids=str)
def test_missing_values_of_every_kind_are_missing(bundle: Path, missing: object) -> None:
    clients = pd.DataFrame(
        {
            "name": ["株式会社青空商事", missing],
            "phone": pd.Series([missing, 332220001], dtype=object),
        }
    )

    linked = linkage_rl.link(clients, bundle)

    assert linked["decision"].tolist() == ["link", "no_match"]


def test_numbers_with_gaps_are_read_without_their_decimals(bundle: Path) -> None:
    """pandas makes floats of whole numbers as soon as one is missing."""
    with_gap = pd.DataFrame({"name": ["はるか", "山田"], "postal_code": [1000001, None]})
    as_text = pd.DataFrame({"name": ["はるか", "山田"], "postal_code": ["1000001", ""]})

    assert with_gap["postal_code"].dtype == float
    linker = linkage_rl.load_bundle(bundle)
    assert linker.link(with_gap)["reason"].tolist() == linker.link(as_text)["reason"].tolist()


def test_one_address_column_is_read(bundle: Path) -> None:
    client = {"name": "青空商事", "address": "東京都千代田区丸の内1-1"}

    (linked,) = linkage_rl.link([client], bundle)

    assert "same address" in linked["reason"]
    assert linked["address"] == client["address"]


@pytest.mark.parametrize("kind", MAKERS)
def test_a_table_of_companies_is_indexed_in_memory(bundle: Path, kind: str) -> None:
    others = [{"id": f"x{place}", "name": row["name"]} for place, row in enumerate(COMPANY_ROWS)]

    linked = linkage_rl.link(
        CLIENT_ROWS, bundle, MAKERS[kind](others), company_columns={"company_id": "id"}
    )

    assert [row["company_id"] for row in linked] == ["x0", "x1", None, "x2"]


def test_an_address_in_several_columns_is_read(bundle: Path) -> None:
    rows = [{"name": "株式会社青空商事", "a1": "東京都", "a2": "千代田区"}]
    whole = [{"name": "株式会社青空商事", "address": "東京都 千代田区"}]

    linked = linkage_rl.link(rows, bundle, columns={"address": ["a1", "a2"]})

    assert linked[0]["confidence"] == linkage_rl.link(whole, bundle)[0]["confidence"]
    assert linked[0]["a2"] == "千代田区"


def test_companies_in_memory_are_closed_as_those_of_a_table_are() -> None:
    table = [
        {"company_id": "1", "name": "一", "gone": False, "state": "x"},
        {"company_id": "2", "name": "二", "gone": True, "state": "live"},
    ]

    assert company_rows(table, {"closed_at": "gone"}).closed_at == ["", "True"]
    assert company_rows(table, {"closed_when": {"state": ["x"]}}).closed_at == ["true", ""]
    with pytest.raises(SchemaError, match="column 'state' of company table is read as closed_at"):
        company_rows(table, {"closed_at": "state"})


def test_companies_come_from_a_file_a_database_or_a_store(bundle: Path, tmp_path: Path) -> None:
    write_csv(tmp_path / "companies.csv", [COMPANIES[0], COMPANIES[2]])
    database = tmp_path / "companies.db"
    words = [f"source={tmp_path}/companies.csv", f"database={database}"]
    subprocess.run([sys.executable, "-m", "linkage_rl", "companies", *words], check=True)

    with CompanyStore(f"sqlite:///{database}", read_only=True) as store:
        for companies in (tmp_path / "companies.csv", database, f"sqlite:///{database}", store):
            linked = linkage_rl.link(CLIENT_ROWS, bundle, companies)

            assert [row["company_id"] for row in linked] == [None, "c2", None, None]


def test_a_loaded_bundle_links_with_other_companies(bundle: Path) -> None:
    linker = linkage_rl.load_bundle(bundle)

    linked = linkage_rl.link(CLIENT_ROWS, linker, COMPANY_ROWS[:1])

    assert [row["company_id"] for row in linked] == ["c1", None, None, None]
    assert linkage_rl.link(CLIENT_ROWS, linker)[1]["company_id"] == "c2"


def test_a_record_batch_gives_a_linked_batch(bundle: Path) -> None:
    records = linkage_rl.RecordBatch(["k1"], {"name": ["株式会社青空商事"]})

    linked = linkage_rl.load_bundle(bundle).link(records)

    assert isinstance(linked, linkage_rl.LinkedBatch)
    assert linked.company_ids == ["c1"]


def test_an_arrow_batch_is_read_like_a_table(bundle: Path) -> None:
    batch = pa.RecordBatch.from_pylist([{"name": "株式会社青空商事"}])

    linked = linkage_rl.link(batch, bundle)

    assert linked.column("company_id").to_pylist() == ["c1"]


def test_tables_without_rows_come_back_with_their_columns(bundle: Path) -> None:
    empty = pl.DataFrame({"name": []}, schema={"name": pl.String})

    linked = linkage_rl.link(empty, bundle)

    assert linked.columns == [*COLUMNS, "name"]
    assert linkage_rl.link([], bundle) == []


def test_without_a_bundle_a_sentence_says_where_to_get_one() -> None:
    with pytest.raises(ConfigError, match=r"clients=own.*needs no labels.*linkage-rl link trains"):
        linkage_rl.link([{"name": "青空商事"}], companies="companies.db")


@pytest.mark.parametrize(
    ("clients", "columns", "sentence"),
    [
        ([{"naem": "a"}], None, "client table needs column 'name', got ['naem']; did you mean"),
        ([{"name": "a"}], {"name": "会社"}, "client table needs column '会社', got ['name']"),
        ([{"name": "a"}], {"namee": "会社"}, "unknown field 'namee'; did you mean 'name'?"),
        ({"name": "a"}, None, "got dict; put the dict into a list"),
        (pl.LazyFrame({"name": ["a"]}), None, "got LazyFrame; call .collect() first"),
        (5, None, "got int"),
    ],
    ids=["column", "mapping", "field", "dict", "lazy", "number"],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(
    bundle: Path, clients: object, columns: dict[str, str] | None, sentence: str
) -> None:
    with pytest.raises(SchemaError) as raised:
        linkage_rl.link(clients, bundle, columns=columns)

    assert sentence in str(raised.value)


def test_companies_without_ids_of_their_own_are_refused(bundle: Path) -> None:
    twice = [{"company_id": "c1", "name": "a"}, {"company_id": "c1", "name": "b"}]

    with pytest.raises(SchemaError, match="got 'c1' in row 1 again"):
        linkage_rl.link(CLIENT_ROWS, bundle, twice)


def test_a_progress_bar_is_drawn_when_it_is_asked_for(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    linkage_rl.link(CLIENT_ROWS, bundle)
    assert capsys.readouterr().err == ""

    linkage_rl.link(CLIENT_ROWS, bundle, progress=True)
    assert "4/4" in capsys.readouterr().err


def test_the_function_keeps_its_name_beside_the_module_of_the_command() -> None:
    module = importlib.import_module("linkage_rl.link")

    assert callable(module.main)
    assert linkage_rl.link is importlib.import_module("linkage_rl.api").link


def test_importing_the_package_loads_no_library() -> None:
    code = "import sys, linkage_rl; dir(linkage_rl); print('numpy' in sys.modules)"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout == "False\n"
    assert ended.stderr == ""


def test_linking_tables_loads_no_training_library(bundle: Path) -> None:
    code = (
        "import sys, linkage_rl\n"
        f"linkage_rl.link([{{'name': 'a'}}], {str(bundle)!r})\n"
        "print(*sorted({'torch', 'gymnasium', 'pandas', 'polars', 'hydra'} & {*sys.modules}))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )

    assert ended.stdout == "\n"
