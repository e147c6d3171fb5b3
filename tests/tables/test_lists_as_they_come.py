"""Lists as people have them: separators, encodings, workbooks, titles, other headers, no ids."""

from pathlib import Path

import pytest

from linkage_rl.errors import InputFileError, SchemaError
from linkage_rl.tables import xlsx_file
from linkage_rl.tables.headers import recognise
from linkage_rl.tables.readers import (
    count_clients,
    iter_clients,
    open_clients,
    open_companies,
    read_clients,
    read_companies,
)
from linkage_rl.tables.schema import CANONICAL, ColumnMapping
from tests.tables.workbook import write_workbook

IDS, NAMES, STREETS = ["7", "8"], ["㈱朝日屋", "星野製菓"], ["長野市南千歳1-2", "津市栄町3-4"]

FORMATS = {
    "comma": (
        "client_id,name,address\r\n7,㈱朝日屋,長野市南千歳1-2\r\n8,星野製菓,津市栄町3-4\r\n",
        ".csv",
    ),
    "tab": (
        "client_id\tname\taddress\n7\t㈱朝日屋\t長野市南千歳1-2\n8\t星野製菓\t津市栄町3-4\n",
        ".tsv",
    ),
    "tab named csv": (
        "client_id\tname\taddress\n7\t㈱朝日屋\t長野市南千歳1-2\n8\t星野製菓\t津市栄町3-4\n",
        ".csv",
    ),
    "semicolon": (
        "client_id;name;address\n7;㈱朝日屋;長野市南千歳1-2\n8;星野製菓;津市栄町3-4\n",
        ".csv",
    ),
    "vertical bar": (
        "client_id|name|address\n7|㈱朝日屋|長野市南千歳1-2\n8|星野製菓|津市栄町3-4\n",
        ".csv",
    ),
    "separator named in the first line": (
        "sep=;\nclient_id;name;address\n7;㈱朝日屋;長野市南千歳1-2\n8;星野製菓;津市栄町3-4\n",
        ".csv",
    ),
    "title and blank lines": (
        "取引先一覧,,\n作成,2024/4/1,\n\n,,\nclient_id,name,address\n7,㈱朝日屋,長野市南千歳1-2\n"
        "8,星野製菓,津市栄町3-4\n",
        ".csv",
    ),
    "empty rows, also between": (
        "client_id,name,address\n7,㈱朝日屋,長野市南千歳1-2\n,,\n　, ,\n8,星野製菓,津市栄町3-4\n"
        "\n,,\n,,\n",
        ".csv",
    ),
    "short and long empty rows": (
        "client_id,name,address\n7,㈱朝日屋,長野市南千歳1-2\n8,星野製菓,津市栄町3-4\n,\n,,,,\n",
        ".csv",
    ),
    "ctrl-z on a line of its own": (
        "client_id,name,address\n7,㈱朝日屋,長野市南千歳1-2\n8,星野製菓,津市栄町3-4\n\x1a",
        ".csv",
    ),
    "ctrl-z behind the last cell": (
        "client_id,name,address\n7,㈱朝日屋,長野市南千歳1-2\n8,星野製菓,津市栄町3-4\x1a",
        ".csv",
    ),
    "empty columns at the end": (
        "client_id,name,address,,\n7,㈱朝日屋,長野市南千歳1-2,,\n8,星野製菓,津市栄町3-4,,\n",
        ".csv",
    ),
    "empty columns without header": (
        "client_id,name,address\n7,㈱朝日屋,長野市南千歳1-2,\n8,星野製菓,津市栄町3-4,\n",
        ".csv",
    ),
    "an empty column in front": (
        ",client_id,name,address\n,7,㈱朝日屋,長野市南千歳1-2\n,8,星野製菓,津市栄町3-4\n",
        ".csv",
    ),
    "case": (
        "CLIENT_ID,Name,Address\n7,㈱朝日屋,長野市南千歳1-2\n8,星野製菓,津市栄町3-4\n",
        ".csv",
    ),
    "blanks": (
        "Client ID ,　name , address\n7,㈱朝日屋,長野市南千歳1-2\n8,星野製菓,津市栄町3-4\n",
        ".csv",
    ),
    "width": (
        "ｃｌｉｅｎｔ＿ｉｄ,ｎａｍｅ,住所\n7,㈱朝日屋,長野市南千歳1-2\n8,星野製菓,津市栄町3-4\n",
        ".csv",
    ),
    "japanese headers": (
        "得意先コード,得意先名,所在地\n7,㈱朝日屋,長野市南千歳1-2\n8,星野製菓,津市栄町3-4\n",
        ".csv",
    ),
    "marks in headers": (
        "No.,会社名【必須】,※住所\n7,㈱朝日屋,長野市南千歳1-2\n8,星野製菓,津市栄町3-4\n",
        ".csv",
    ),
    "english headers": (
        "Account Number,Account Name,Billing Address\n7,㈱朝日屋,長野市南千歳1-2\n"
        "8,星野製菓,津市栄町3-4\n",
        ".csv",
    ),
}


def written(folder: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(("text", "ending"), FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "utf-16-le"])
def test_a_list_is_read_whatever_its_form(
    tmp_path: Path, text: str, ending: str, encoding: str
) -> None:
    clients = read_clients(written(tmp_path, text.encode(encoding), f"list{ending}"))

    assert list(clients.records.ids) == IDS
    assert list(clients.records.column("name")) == NAMES
    assert list(clients.records.column("street")) == STREETS
    assert not clients.extra


@pytest.mark.parametrize(("text", "ending"), FORMATS.values(), ids=FORMATS)
def test_chunks_of_one_row_hold_the_same_clients(tmp_path: Path, text: str, ending: str) -> None:
    path = written(tmp_path, text, f"list{ending}")

    assert [chunk.records.ids[0] for chunk in iter_clients(path, size=1) if len(chunk)] == IDS


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("cp932", "cp932"),
        ("cp932", "MS932"),
        ("cp932", "windows-31j"),
        ("cp932", "Windows-31J"),
        ("cp932", "Shift_JIS"),
        ("cp932", "sjis"),
        ("utf-8", "UTF8"),
        ("utf-8", "utf-8-sig"),
        ("utf-8-sig", "utf-8"),
        ("utf-8-sig", "utf_8_sig"),
        ("utf-16", "utf-16"),
        ("utf-16", "Unicode"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
        ("euc-jp", "euc-jp"),
    ],
)
def test_an_encoding_may_be_named_in_many_ways(tmp_path: Path, encoding: str, named: str) -> None:
    text = (
        "client_id,name\n1,株式会社①番館\n" if encoding != "euc-jp" else "client_id,name\n1,東屋\n"
    )
    path = written(tmp_path, text.encode(encoding))

    (name,) = read_clients(path, encoding=named).records.column("name")

    assert name in ("株式会社①番館", "東屋")


@pytest.mark.parametrize(
    ("encoding", "named", "sentence"),
    [
        ("utf-8", "cp932", "is in utf-8, got encoding=cp932; leave encoding= out, or name utf-8"),
        ("utf-8", "utf-16", "is in utf-8, got encoding=utf-16"),
        ("utf-16", "cp932", "is in utf-16, got encoding=cp932"),
        ("cp932", "utf-16", "is in cp932, got encoding=utf-16"),
        ("cp932", "utf-8", "line 2: the bytes are not utf-8; save the file as UTF-8, or name"),
        ("utf-8", "utf-9", "expected an encoding such as utf-8 or cp932"),
        ("utf-8", "hex", "expected an encoding such as utf-8 or cp932"),
    ],
)
def test_a_wrong_encoding_is_refused(
    tmp_path: Path, encoding: str, named: str, sentence: str
) -> None:
    path = written(tmp_path, "client_id,name\n1,株式会社朝日屋\n".encode(encoding))

    with pytest.raises(InputFileError, match=sentence):
        count_clients(path, encoding=named)


def test_a_list_without_ids_is_numbered_through_all_chunks(tmp_path: Path) -> None:
    path = written(tmp_path, "会社名,備考\n朝日屋,a\n,,\n\n朝日屋,b\n星野,c\n")

    chunks = list(iter_clients(path, size=2))

    assert [one for chunk in chunks for one in chunk.records.ids] == ["1", "2", "3"]
    assert [one for chunk in chunks for one in chunk.extra["備考"]] == ["a", "b", "c"]


def test_the_user_may_have_the_rows_numbered(tmp_path: Path) -> None:
    path = written(tmp_path, "client_id,name\nx,a\nx,b\n")

    clients = read_clients(path, ColumnMapping(client_id=""))

    assert clients.records.ids == ["1", "2"]
    assert clients.extra["client_id"] == ["x", "x"]


def test_an_id_that_repeats_is_no_key_and_that_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "取引先コード,取引先名\nA,朝日屋\nA,朝日屋支店\n")

    opened = open_clients(path)

    assert opened.mapping.client_id == ""
    assert "row numbers as client_id, since 取引先コード is empty or the same" in str(opened)


def test_a_recognised_id_that_repeats_far_below_names_both_remedies(tmp_path: Path) -> None:
    rows = "".join(f"{place},n{place}\n" for place in range(100))
    path = written(tmp_path, f"No.,会社名\n{rows}5,n\n")

    with pytest.raises(InputFileError, match=r"'5' is already used .* columns.client_id=''"):
        count_clients(path)


def test_what_was_recognised_is_said_in_one_line(tmp_path: Path) -> None:
    text = "名簿\n会社名,フリガナ,〒,本社所在地,代表ＴＥＬ,ホームページ,法人番号\na,b,c,d,e,f,g\n"
    path = written(tmp_path, text.encode("cp932"))

    assert str(open_clients(path)) == (
        f"{path}: header in row 2, cp932; 会社名 -> name, フリガナ -> name_kana, "
        "〒 -> postal_code, 代表ＴＥＬ -> phone, ホームページ -> url, "
        "法人番号 -> corporate_number, 本社所在地 -> address, row numbers as client_id"
    )


def test_nothing_is_said_of_a_list_as_the_manual_describes_it(tmp_path: Path) -> None:
    assert not str(open_clients(written(tmp_path, "client_id,name,address\n1,a,b\n")))


HEADERS = {
    "会社名": "name",
    "企業名": "name",
    "取引先名": "name",
    "仕入先名": "name",
    "顧客名": "name",
    "法人名": "name",
    "商号": "name",
    "社名": "name",
    "名称": "name",
    "Company": "name",
    "Company Name": "name",
    "account_name": "name",
    "Organization": "name",
    "会社名カナ": "name_kana",
    "会社名（フリガナ）": "name_kana",
    "ﾌﾘｶﾞﾅ": "name_kana",
    "カナ": "name_kana",
    "英文社名": "name_en",
    "郵便番号": "postal_code",
    "Zip": "postal_code",
    "PostCode": "postal_code",
    "都道府県": "prefecture",
    "市区町村": "city",
    "町名・番地": "street",
    "TEL": "phone",
    "電話": "phone",
    "電話番号（代表）": "phone",
    "Phone Number": "phone",
    "HP": "url",
    "URL": "url",
    "WEBサイト": "url",
    "Website": "url",
    "Corporate Number": "corporate_number",
    "法人番号(13桁)": "corporate_number",
    "顧客ID": "client_id",
    "取引先コード": "client_id",
    "No.": "client_id",
    "#": "client_id",
    "所在地": "address",
    "本社住所": "address",
}


@pytest.mark.parametrize(("header", "field"), HEADERS.items())
def test_the_usual_headers_are_recognised(header: str, field: str) -> None:
    recognised = recognise(CANONICAL, [header, "備考", "担当者", "メモ"], "client_id")

    assert dict(recognised.found) == {header: field}


@pytest.mark.parametrize(
    "header",
    ["備考", "担当者", "FAX", "携帯電話", "メール", "部署名", "代表者名", "資本金", "登録日", "en"],
)
def test_other_headers_are_not(header: str) -> None:
    assert not recognise(CANONICAL, [header], "client_id").found


def test_of_two_columns_the_better_one_is_taken_and_the_other_is_said() -> None:
    recognised = recognise(CANONICAL, ["取引先名", "正式名称", "会社名"], "client_id")

    assert recognised.found == {"会社名": "name"}
    assert "正式名称 could be name, too" in recognised.notes
    assert "取引先名 could be name, too" in recognised.notes


def test_a_name_beside_a_company_name_is_that_of_a_person() -> None:
    assert recognise(CANONICAL, ["Name", "Company"], "client_id").mapping.name == "Company"
    assert recognise(CANONICAL, ["Name", "Phone"], "client_id").mapping.name == "Name"
    assert recognise(CANONICAL, ["name", "Company"], "client_id").mapping.name == "name"


def test_a_column_of_numbers_is_no_name(tmp_path: Path) -> None:
    path = written(tmp_path, "得意先,名称1,名称2\n100,朝日屋,\n101,星野製菓,\n")

    assert list(read_clients(path).records.column("name")) == ["朝日屋", "星野製菓"]


def test_the_reading_of_a_person_is_not_that_of_the_company() -> None:
    header = ["会社名", "担当者名", "フリガナ"]

    assert "name_kana" not in recognise(CANONICAL, header, "client_id").found.values()


def test_what_the_user_names_wins_and_what_he_empties_is_left_out() -> None:
    mapping = ColumnMapping(name="名称", phone="")

    recognised = recognise(mapping, ["会社名", "名称", "TEL"], "client_id")

    assert recognised.mapping.name == "名称"
    assert not recognised.found
    assert "phone" not in recognised.mapping.of_clients(["会社名", "名称", "TEL"], "list")


def test_a_column_that_the_user_names_may_differ_in_width_and_blanks(tmp_path: Path) -> None:
    path = written(tmp_path, "番号,ﾒｲ (正)\n1,朝日屋\n")

    clients = read_clients(path, ColumnMapping(name="メイ（正）"))

    assert list(clients.records.column("name")) == ["朝日屋"]


def test_the_number_of_a_company_in_a_client_list_is_no_truth() -> None:
    recognised = recognise(CANONICAL, ["Company ID", "Company"], "client_id")

    assert recognised.mapping.client_id == "Company ID"
    assert recognise(CANONICAL, ["Company_ID"], "client_id").found == {"Company_ID": "company_id"}


def test_an_address_in_two_columns_is_joined_and_both_come_back(tmp_path: Path) -> None:
    path = written(tmp_path, "会社名,住所1,住所2\na,津市栄町3-4,星野ビル\nb,長野市1,\n")

    clients = read_clients(path)

    assert list(clients.records.column("street")) == ["津市栄町3-4 星野ビル", "長野市1"]
    assert clients.extra == {"住所1": ["津市栄町3-4", "長野市1"], "住所2": ["星野ビル", ""]}
    assert "住所1+住所2 -> address" in str(open_clients(path))


def test_a_field_may_be_named_as_a_list_of_columns(tmp_path: Path) -> None:
    path = written(
        tmp_path, "会社名,住所1,住所2,住所3,代表,携帯\na,津市,栄町,3-4,03-1,\nb,,長野市,,,090\n"
    )
    mapping = ColumnMapping(address=["住所1", "住所2", "住所3"], phone=["代表", "携帯"])

    clients = read_clients(path, mapping)

    assert list(clients.records.column("street")) == ["津市 栄町 3-4", "長野市"]
    assert list(clients.records.column("phone")) == ["03-1", "090"]
    assert set(clients.extra) == {"住所1", "住所2", "住所3", "代表", "携帯"}
    with pytest.raises(SchemaError, match="needs column '住所4'"):
        read_clients(path, ColumnMapping(address=["住所1", "住所4"]))


def test_a_title_with_a_header_word_is_not_the_header(tmp_path: Path) -> None:
    path = written(tmp_path, "会社名,朝日屋の取引先\n\nNo,会社名,住所\n1,星野製菓,津市\n")

    assert list(read_clients(path).records.column("name")) == ["星野製菓"]


def test_the_row_of_the_header_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, "会社名,住所\nname,client_id\na,1\n")

    assert read_clients(path, header_row=2).records.ids == ["1"]
    assert list(read_clients(path, header_row=1).records.column("name")) == ["name", "a"]
    with pytest.raises(InputFileError, match="expected a header in row 9"):
        count_clients(path, header_row=9)


def test_columns_without_a_header_are_called_by_their_place(tmp_path: Path) -> None:
    path = written(tmp_path, "client_id,name,,\n1,a,x,\n2,b,,\n")

    assert read_clients(path).extra == {"column_3": ["x", ""]}


def test_text_far_below_in_a_column_without_header_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"{place},n,\n" for place in range(100))
    path = written(tmp_path, f"client_id,name,\n{rows}x,n,late\n")

    with pytest.raises(InputFileError, match="line 102: column 3 holds 'late' but has no header"):
        count_clients(path)


def test_the_line_of_a_fault_counts_title_lines(tmp_path: Path) -> None:
    path = written(tmp_path, "名簿\n\nclient_id,name\n1,a\n,,\n2,b,c\n")

    with pytest.raises(InputFileError, match="line 6: expected 2 fields as in the header, got 3"):
        count_clients(path)
    repeated = written(tmp_path, "名簿\n\nclient_id,name\n1,a\n,,\n1,b\n")
    with pytest.raises(InputFileError, match="line 6: client_id '1' is already used on line 4"):
        count_clients(repeated)


def test_a_company_file_needs_an_id_and_its_usual_headers_are_recognised(tmp_path: Path) -> None:
    path = written(tmp_path, "会社コード,商号,本店所在地,旧社名\n7,朝日屋,津市,川口\n")

    (rows,) = read_companies(path)

    assert list(rows.records.ids) == ["7"]
    assert list(rows.records.column("former_names")) == ["川口"]
    assert open_companies(path).mapping.company_id == "会社コード"
    with pytest.raises(SchemaError, match="needs column 'company_id'"):
        next(read_companies(written(tmp_path, "商号,住所\n朝日屋,津市\n")))


SHEET: list[list[object]] = [
    ["取引先名簿"],
    [],
    [None, "No", "会社名", "電話番号", "法人番号"],
    [None, 1, "朝日屋 & 星野", 262261234.0, 7010001000001],
    [None, None, None],
    [None, 2, "星野製菓", "059-226-1234", None],
]


def test_a_workbook_is_read_like_a_list(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "名簿.xlsx", {"表紙": [["説明"]], "顧客": SHEET, "旧": []})

    clients = read_clients(path, size=1)

    assert clients.records.ids == ["1", "2"]
    assert clients.records.column("name") == ["朝日屋 & 星野", "星野製菓"]
    assert clients.records.column("phone") == ["262261234", "059-226-1234"]
    assert clients.records.column("corporate_number") == ["7010001000001", ""]
    assert str(open_clients(path)).startswith(
        f"{path}: sheet '顧客', header in row 3, not read: '表紙', '旧'; No -> client_id"
    )


def test_sheet_and_header_row_can_be_named(tmp_path: Path) -> None:
    sheets: dict[str, list[list[object]]] = {
        "A": [["name", "住所"], ["name", "client_id"], ["a", 1]],
        "隠": [["会社名"], ["b"]],
    }
    path = write_workbook(tmp_path / "two.XLSX", sheets, hidden=["隠"])

    assert list(read_clients(path, header_row=2).records.ids) == ["1"]
    assert list(read_clients(path, sheet=" 隠").records.column("name")) == ["b"]
    with pytest.raises(InputFileError, match=r"expected a sheet 'C' in .*, got \['A', '隠'\]"):
        count_clients(path, sheet="C")


def test_bad_workbooks_end_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repeated: list[list[object]] = [["client_id", "会社名"], [1, "a"], [], [1, "b"]]
    path = write_workbook(tmp_path / "list.xlsx", {"S": repeated})

    with pytest.raises(InputFileError, match="row 4: client_id '1' is already used on row 2"):
        count_clients(path)
    with pytest.raises(InputFileError, match=r"expected a workbook in .*, got text"):
        count_clients(written(tmp_path, "client_id,name\n1,a\n", "text.xlsx"))
    with pytest.raises(InputFileError, match=r"cannot read .* as a workbook: .*; save it again"):
        count_clients(written(tmp_path, path.read_bytes()[:300], "cut.xlsx"))
    with pytest.raises(InputFileError, match="got a workbook; give it the ending of one"):
        count_clients(written(tmp_path, path.read_bytes(), "book.csv"))
    with pytest.raises(InputFileError, match=r"No such file or directory.*; check the path"):
        count_clients(tmp_path / "none.xlsx")
    with pytest.raises(InputFileError, match=r"got empty sheets \['S'\]"):
        count_clients(write_workbook(tmp_path / "empty.xlsx", {"S": []}))
    with pytest.raises(InputFileError, match=r"is no workbook .* got sheet=S; leave it out"):
        count_clients(written(tmp_path, "client_id,name\n1,a\n"), sheet="S")
    monkeypatch.setattr(xlsx_file, "calamine", None)
    with pytest.raises(InputFileError, match=r"needs python-calamine, .*pip install python-cal"):
        count_clients(path)
