"""Companies and client lists from files, good and bad."""

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linkage_rl.errors import InputFileError, LinkageError, SchemaError
from linkage_rl.tables.readers import (
    count_clients,
    iter_clients,
    read_clients,
    read_companies,
)
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore


def written(folder: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_list_keeps_its_order_its_truth_and_its_other_columns(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "client_id,memo,name,address,company_id,rank\n"
        "b,x,株式会社山田,東京都港区1-1,11|12,1\n"
        "a,y,山田商店,,,2\n",
    )

    clients = read_clients(path)

    assert clients.records.ids == ["b", "a"]
    assert clients.records.columns == {
        "name": ["株式会社山田", "山田商店"],
        "street": ["東京都港区1-1", ""],
    }
    assert clients.truth == ["11|12", ""]
    assert clients.extra == {"memo": ["x", "y"], "rank": ["1", "2"]}


def test_a_list_without_truth_says_so(tmp_path: Path) -> None:
    assert read_clients(written(tmp_path, "client_id,name\n1,a\n")).truth is None


def test_a_newline_inside_a_quoted_name_belongs_to_the_name(tmp_path: Path) -> None:
    path = written(tmp_path, 'client_id,name\r\n1,"株式会社\n山田 ""本店"""\r\n2,b\r\n\r\n')

    assert read_clients(path).records.column("name") == ['株式会社\n山田 "本店"', "b"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
def test_the_usual_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "client_id,name\n1,株式会社山田製作所\n".encode(encoding))

    assert read_clients(path).records.column("name") == ["株式会社山田製作所"]


def test_a_given_encoding_is_used(tmp_path: Path) -> None:
    path = written(tmp_path, "client_id,name\n1,ﾔﾏﾀﾞ\n".encode("cp932"))

    assert read_clients(path, encoding="cp932").records.column("name") == ["ﾔﾏﾀﾞ"]


def test_a_long_list_comes_in_chunks(tmp_path: Path) -> None:
    path = written(tmp_path, "client_id,name\n" + "".join(f"{i},n{i}\n" for i in range(25)))

    chunks = list(iter_clients(path, size=10))

    assert list(map(len, chunks)) == [10, 10, 5]
    assert count_clients(path, size=10) == 25
    assert read_clients(path, size=10).records.ids == [str(i) for i in range(25)]


def test_parquet_reads_like_csv_with_null_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "companies.parquet"
    table = {"company_id": [7, 8], "name": ["七", "八"], "phone": [None, "03-1111-2222"]}
    pq.write_table(pa.table(table), path)

    (rows,) = read_companies(path)

    assert rows.records.ids == ["7", "8"]
    assert rows.records.columns == {"name": ["七", "八"], "phone": ["", "03-1111-2222"]}
    assert rows.updated_at == ["", ""]


def test_companies_of_any_column_names_are_read_through_a_mapping(tmp_path: Path) -> None:
    path = written(tmp_path, "code,mei,closed_at\n1,山田,2025-01-31\n")

    (rows,) = read_companies(path, ColumnMapping(company_id="code", name="mei"))

    assert rows.records.column("name") == ("山田",)
    assert rows.closed_at == ["2025-01-31"]


def test_former_names_come_from_any_column_of_a_company_file(tmp_path: Path) -> None:
    path = written(tmp_path, "company_id,name,旧社名\n1,山田,川口|大川\n2,青空,\n")

    (rows,) = read_companies(path, ColumnMapping(former_names="旧社名"))

    assert rows.records.column("former_names") == ("川口|大川", "")


def test_former_names_of_clients_are_an_unused_column(tmp_path: Path) -> None:
    path = written(tmp_path, "client_id,name,former_names\n1,山田,川口\n")

    clients = read_clients(path)

    assert list(clients.extra["former_names"]) == ["川口"]


BAD_LISTS = {
    "ragged": ("client_id,name\n1,a\n2,b,c\n", "line 3: expected 2 fields as in the header, got 3"),
    "ragged after a long record": ('client_id,name\n1,"a\nb"\n2\n', "line 4: expected 2 fields"),
    "unclosed quote": ('client_id,name\n1,a\n2,"b\n3,c\n', "line 3: a quote is opened and never"),
    "text after quote": ('client_id,name\n1,"a"b\n', "line 2: text follows a closing quote"),
    "text after quote in the header": (
        'client_id,name,"x"y\n1,a,\n',
        "line 1: text follows a closing quote",
    ),
    "broken utf-8": ("client_id,name\n1,山\n2,".encode() + b"\xe5\xb1\n", "line 3: the bytes are"),
    "repeated id": (
        "client_id,name\n1,a\n2,b\n1,c\n",
        "line 4: client_id '1' is already used on l",
    ),
    "empty id": ("client_id,name\n1,a\n,b\n", "line 3: client_id is empty"),
    "repeated column": ("client_id,name,name\n1,a,b\n", r"columns \['name'\] occur twice"),
    "no rows": ("client_id,name\n", "got only a header"),
    "nothing": ("", "got an empty file"),
    "nothing but a mark": (b"\xef\xbb\xbf", "expected a header"),
}


@pytest.mark.parametrize(("content", "sentence"), BAD_LISTS.values(), ids=BAD_LISTS)
def test_a_bad_list_is_refused_with_its_line_and_a_remedy(
    tmp_path: Path, content: str | bytes, sentence: str
) -> None:
    path = written(tmp_path, content)

    with pytest.raises(InputFileError, match=sentence) as error:
        count_clients(path, size=2)
    assert "list.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_field_without_an_end_is_refused(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = written(tmp_path, f'client_id,name\n1,a\n2,"{"a" * 2000}\n')
    before = csv.field_size_limit(1000)
    request.addfinalizer(lambda: csv.field_size_limit(before))

    with pytest.raises(InputFileError, match="line 3: a field has more than 16,777,216 charac"):
        count_clients(path)


def test_a_missing_file_and_a_wrong_ending_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="No such file or directory; check the path"):
        count_clients(tmp_path / "none.csv")
    with pytest.raises(InputFileError, match="give a CSV file the ending"):
        count_clients(written(tmp_path, "client_id,name\n1,a\n", "list.parquet"))


def test_an_unknown_encoding_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "client_id,name\n1,a\n")

    with pytest.raises(InputFileError, match="such as utf-8 or cp932"):
        count_clients(path, encoding="sjiss")


def test_a_missing_column_names_the_near_miss(tmp_path: Path) -> None:
    path = written(tmp_path, "company_id,naem\n1,a\n")

    with pytest.raises(SchemaError, match="did you mean to rename 'naem'"):
        next(read_companies(path))


def test_a_bad_company_file_leaves_the_table_untouched(tmp_path: Path) -> None:
    path = written(tmp_path, "company_id,name\n1,a\n2,b\n1,c\n")
    with CompanyStore(f"sqlite:///{tmp_path}/companies.db") as store:
        store.create()

        with pytest.raises(LinkageError, match="line 4: company_id '1' is already used on line 2"):
            store.load(read_companies(path, size=1))

        assert store.count() == 0


def test_a_parquet_file_with_a_column_of_other_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"client_id": ["1"], "address": ["港区"]}), path)
    path.write_bytes(path.read_bytes().replace(b"address", b"add\xbcess"))

    with pytest.raises(InputFileError, match=r"list\.parquet"):
        read_clients(path)
