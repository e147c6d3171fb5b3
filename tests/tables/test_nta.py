"""Corporate-number files of the National Tax Agency, in miniature."""

from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from linkage_rl.errors import InputFileError
from linkage_rl.tables.nta import COLUMNS, read_nta
from linkage_rl.tables.store import CompanyStore


def line(number: str, name: str, **columns: str) -> str:
    """One row of the file; columns that are not given are empty."""
    row = {
        "corporateNumber": number,
        "name": name,
        "process": "01",
        "updateDate": "2025-04-01",
        "latest": "1",
        **columns,
    }
    return ",".join(f'"{row.get(column, "")}"' for column in COLUMNS) + "\n"


FULL_FILE = (
    line(
        "7000012050002", "国税庁", prefectureName="東京都", cityName="千代田区", postCode="1000013"
    )
    + line("1180001017009", "株式会社山田髙", streetNumber="栄１丁目１番", furigana="ヤマダタカ")
    + line("1180001017009", "株式会社旧山田", latest="0")
    + line("5700150000012", "ＡＣＭＥ　ＬＬＣ", addressOutside="アメリカ合衆国")
)

DAILY_DIFFERENCE = (
    line("7000012050002", "新国税庁", process="11", updateDate="2025-04-02")
    + line("1180001017009", "株式会社山田髙", process="21", closeDate="2025-03-30", closeCause="01")
    + line("5700150000012", "ＡＣＭＥ　ＬＬＣ", process="99", updateDate="2025-04-02")
)


@pytest.fixture
def store(database_url: str) -> Iterator[CompanyStore]:
    with CompanyStore(database_url) as opened:
        opened.create()
        yield opened


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "diff_20250402.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_zip_as_downloaded_gives_the_current_companies(tmp_path: Path) -> None:
    path = tmp_path / "00_zenkoku_all_20250401.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("00_zenkoku_all_20250401.csv.asc", "signature")
        archive.writestr("00_zenkoku_all_20250401.csv", FULL_FILE)

    (rows,) = read_nta(path)

    assert rows.records.ids == ["7000012050002", "1180001017009", "5700150000012"]
    assert rows.records.column("name") == ["国税庁", "株式会社山田髙", "ＡＣＭＥ　ＬＬＣ"]
    assert rows.records.column("name_kana") == ["", "ヤマダタカ", ""]
    assert rows.records.column("street") == ["", "栄１丁目１番", "アメリカ合衆国"]
    assert rows.records.column("postal_code") == ["1000013", "", ""]
    assert rows.records.column("former_names") == ["", "株式会社旧山田", ""]
    assert rows.closed_at == ["", "", ""]


def test_the_shift_jis_edition_reads_like_the_unicode_one(tmp_path: Path) -> None:
    path = written(tmp_path, FULL_FILE, encoding="cp932")

    (rows,) = read_nta(path)

    assert rows.records.column("name") == ["国税庁", "株式会社山田髙", "ＡＣＭＥ　ＬＬＣ"]


def test_a_daily_difference_renames_and_closes_rows(store: CompanyStore, tmp_path: Path) -> None:
    store.load(read_nta(written(tmp_path, FULL_FILE)))
    mark = store.watermark()

    store.load(read_nta(written(tmp_path, DAILY_DIFFERENCE)))

    found = store.fetch(["7000012050002", "1180001017009", "5700150000012"])
    assert found.records.column("name")[0] == "新国税庁"
    assert found.closed_at == ["", "2025-03-30", "2025-04-02"]
    assert sum(when > mark for rows in store.chunks() for when in rows.updated_at) == 3


def former_names(store: CompanyStore, *numbers: str) -> list[str]:
    return list(store.fetch(numbers).records.column("former_names"))


def test_a_renamed_company_has_its_old_name_as_a_former_name(
    store: CompanyStore, tmp_path: Path
) -> None:
    store.load(read_nta(written(tmp_path, FULL_FILE), store))

    store.load(read_nta(written(tmp_path, DAILY_DIFFERENCE), store))

    assert former_names(store, "7000012050002", "1180001017009", "5700150000012") == [
        "国税庁",
        "株式会社旧山田",
        "",
    ]


@pytest.mark.parametrize("size", [1, 2, 50_000])
def test_history_finds_its_company_anywhere_in_the_file(tmp_path: Path, size: int) -> None:
    number = "1180001017009"
    path = written(
        tmp_path,
        line(number, "株式会社甲", latest="0", updateDate="2020-01-01")
        + line("7000012050002", "国税庁")
        + line(number, "株式会社丙")
        + line(number, "株式会社乙", latest="0", updateDate="2021-01-01"),
    )

    names = {
        company_id: former
        for rows in read_nta(path, size=size)
        for company_id, former in zip(
            rows.records.ids, rows.records.column("former_names"), strict=True
        )
    }

    assert names == {number: "株式会社甲|株式会社乙", "7000012050002": ""}


def test_history_without_a_latest_row_joins_the_company_of_the_table(
    store: CompanyStore, tmp_path: Path
) -> None:
    store.load(read_nta(written(tmp_path, FULL_FILE), store))
    mark = store.watermark()
    corrected = line("1180001017009", "株式会社旧々山田", latest="0", correct="1")
    nobodys = line("9999999999999", "株式会社誰か", latest="0")

    store.load(read_nta(written(tmp_path, corrected + nobodys), store))

    found = store.fetch(["1180001017009", "9999999999999"])
    assert found.records.ids == ["1180001017009"]
    assert found.records.column("name") == ["株式会社山田髙"]
    assert found.records.column("former_names") == ["株式会社旧山田|株式会社旧々山田"]
    assert found.updated_at[0] > mark


def test_history_of_an_address_is_no_former_name(store: CompanyStore, tmp_path: Path) -> None:
    number = "1180001017009"
    moved = line(number, "株式会社山田髙", cityName="旧市", latest="0")

    store.load(read_nta(written(tmp_path, FULL_FILE + moved), store))

    assert former_names(store, number) == ["株式会社旧山田"]


def test_a_restored_company_is_open_again(store: CompanyStore, tmp_path: Path) -> None:
    number = "1180001017009"
    closed = line(number, "株式会社山田", process="21", closeDate="2025-03-30")
    store.load(read_nta(written(tmp_path, closed)))

    store.load(read_nta(written(tmp_path, line(number, "株式会社山田", process="22"))))

    assert store.fetch([number]).closed_at == [""]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("company_id,name\n1,a\n", "row 1: expected 30 fields, the second a corporate number"),
        (line("123", "短い"), "corporate number of 13 digits"),
        ("", "got an empty file"),
        (FULL_FILE + '"unclosed', "after line 0: unexpected end of data; download"),
    ],
)
def test_a_file_of_another_format_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputFileError, match=sentence):
        list(read_nta(written(tmp_path, text)))


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.zip"
    path.write_bytes(b"PK\x03\x04 broken")

    with pytest.raises(InputFileError, match="download the file again"):
        list(read_nta(path))
