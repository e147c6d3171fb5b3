from pathlib import Path

import pytest

from linkage_rl.errors import InputFileError, SchemaError
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.two_tables import read_two_tables

PRODUCTS = Schema("product", title=["title", "name"], text=["brand"], numbers=["price"])
PAIRS = {
    "train": "a1,b1,1\na1,b2,0\na2,b1,0\n",
    "valid": "a1,b3,0\na3,b1,1\n",
    "test": "a3,b2,1\na2,b3,0\na4,b1,0\n",
}


def folder_with(folder: Path, pairs: dict[str, str] = PAIRS) -> Path:
    (folder / "tableA.csv").write_text(
        "id,name,price\na1,red cup,1.50\na2,bowl,\na3,cup,2\na4,jug,3\na5,unlabelled,4\n"
    )
    (folder / "tableB.csv").write_text(
        "id,title,brand,price\nb1,cup,Acme,2.00\nb2,large cup,Acme,\nb3,plate,,1\n"
    )
    for split, lines in pairs.items():
        (folder / f"{split}.csv").write_text(f"ltable_id,rtable_id,label\n{lines}")
    return folder


def test_table_a_becomes_clients_and_table_b_companies(tmp_path: Path) -> None:
    tables = read_two_tables(folder_with(tmp_path), PRODUCTS)

    assert list(tables.companies.records.ids) == ["b1", "b2", "b3"]
    assert tables.companies.records.column("name") == ["cup", "large cup", "plate"]
    assert tables.companies.records.column("name_kana") == ["Acme", "Acme", ""]
    assert tables.companies.records.column("street") == ["2-0", "", "1"]
    assert tables.lists["train"].records.column("name") == ["red cup"]


def test_a_client_is_in_the_last_split_that_labels_a_pair_of_it_as_matching(tmp_path: Path) -> None:
    lists = read_two_tables(folder_with(tmp_path), PRODUCTS).lists

    assert [(list(part.records.ids), part.truth) for part in lists.values()] == [
        (["a1"], ["b1"]),
        ([], []),
        (["a2", "a3", "a4"], ["", "b1|b2", ""]),
    ]


@pytest.mark.parametrize("pair", ["a9,b1,1", "a1,b9,1", "a1,b1,2"])
def test_a_pair_of_unknown_rows_or_label_is_refused_with_its_place(
    tmp_path: Path, pair: str
) -> None:
    folder = folder_with(tmp_path, PAIRS | {"test": f"a1,b1,1\n{pair}\n"})

    with pytest.raises(InputFileError, match=r"test\.csv pair 2: expected ids of tableA"):
        read_two_tables(folder, PRODUCTS)


def test_a_schema_that_names_no_record_is_refused(tmp_path: Path) -> None:
    citations = Schema("citation", title=["subject"])

    with pytest.raises(SchemaError, match=r"needs one of the columns \['subject'\]"):
        read_two_tables(folder_with(tmp_path), citations)


def test_a_schema_without_columns_takes_the_canonical_ones() -> None:
    records = Schema().apply(["1"], {"name": ["Acme"], "phone": ["1"], "colour": ["red"]}, "list")

    assert dict(records.columns) == {"name": ["Acme"], "phone": ["1"]}
