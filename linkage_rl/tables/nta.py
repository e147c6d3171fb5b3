"""Reads the National Tax Agency's corporate-number files: the full file and its daily updates."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zipfile import BadZipFile, ZipFile

from linkage_rl.errors import InputFileError
from linkage_rl.protocols import CompanySource
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.encodings import HEAD_BYTES, guess_encoding

COLUMNS: Final = (
    "sequenceNumber",
    "corporateNumber",
    "process",
    "correct",
    "updateDate",
    "changeDate",
    "name",
    "nameImageId",
    "kind",
    "prefectureName",
    "cityName",
    "streetNumber",
    "addressImageId",
    "prefectureCode",
    "cityCode",
    "postCode",
    "addressOutside",
    "addressOutsideImageId",
    "closeDate",
    "closeCause",
    "successorCorporateNumber",
    "changeCause",
    "assignmentDate",
    "latest",
    "enName",
    "enPrefectureName",
    "enCityName",
    "enAddressOutside",
    "furigana",
    "hihyoji",
)
"""The thirty columns of the file, which has no header (法人番号公表サイト, リソース定義書)."""

NUMBER: Final = COLUMNS.index("corporateNumber")
NAME: Final = COLUMNS.index("name")
LATEST: Final = COLUMNS.index("latest")

FIELDS_OF: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "name": ("name", "name"),
        "name_kana": ("furigana", "furigana"),
        "name_en": ("enName", "enName"),
        "postal_code": ("postCode", "postCode"),
        "prefecture": ("prefectureName", "prefectureName"),
        "city": ("cityName", "cityName"),
        "street": ("streetNumber", "addressOutside"),
        "corporate_number": ("corporateNumber", "corporateNumber"),
    }
)
"""Field to the column that holds it, and the column to use where that one is empty."""

CLOSING: Final = ("21", "99")
"""Kinds of change (process) that close a row: register closed, number deleted. An absorbed company
(71) has a closing date; a restored one (22) or an annulled merger (72) has none."""

CHUNK: Final = 50_000


def read_nta(
    path: Path, source: CompanySource | None = None, size: int = CHUNK
) -> Iterator[CompanyRows]:
    """Companies of a full file or a daily difference, for `CompanyStore.load`.

    A closed company has `closed_at` set, a restored one does not. Names in rows of history
    (latest = 0) become former names of the company.

    Args:
        path: The zip as downloaded, or the CSV inside; Unicode or Shift-JIS.
        source: Where companies are looked up that have history in the file but no latest row;
            they come last, with their fields of there. None leaves their history out. It is queried
            before the first chunk, so it may be the table that the chunks are loaded into.
        size: Rows per chunk.

    Raises:
        InputFileError: The file is missing, damaged, empty, or of another format.
    """
    former: dict[str, list[str]] = {}
    for lines in _blocks(path, size):
        for line in lines:
            if line[LATEST] == "0":
                former.setdefault(line[NUMBER], []).append(line[NAME])
    known = source.fetch(list(former)) if source is not None and former else None
    for lines in _blocks(path, size):
        yield _companies(lines, former)
    if known is not None:
        yield _with_former_names(known, former)


def is_difference(path: Path) -> bool:
    """Whether a file is a daily difference, by its name or that of the CSV file in its zip.

    The agency calls them diff_20251201.zip, and full files 00_zenkoku_all_20251128.zip.

    Raises:
        InputFileError: The file is missing or damaged.
    """
    names = [path.name]
    if path.suffix == ".zip":
        try:
            with ZipFile(path) as archive:
                names += archive.namelist()
        except (OSError, BadZipFile) as error:
            raise InputFileError(f"cannot read {path}: {error}; download the file again") from None
    return any("diff" in name.lower() for name in names)


def _blocks(path: Path, size: int) -> Iterator[list[list[str]]]:
    """Checked lines of the file, up to `size` at a time."""
    read = 0
    with _opened(path) as stream:
        reader = csv.reader(stream, strict=True)
        try:
            while lines := list(islice(reader, size)):
                _check_format(path, lines, read)
                read += len(lines)
                yield lines
        except (csv.Error, UnicodeDecodeError, BadZipFile) as error:
            raise InputFileError(
                f"{path} after line {read}: {error}; download the file again"
            ) from None
    if not read:
        raise InputFileError(f"expected corporate numbers in {path}, got an empty file")


def _companies(lines: Sequence[Sequence[str]], former: dict[str, list[str]]) -> CompanyRows:
    """The latest rows among the lines; their former names are removed from `former`."""
    current = [dict(zip(COLUMNS, line, strict=True)) for line in lines if line[LATEST] != "0"]
    numbers = [row["corporateNumber"] for row in current]
    fields = {
        field: [row[column] or row[instead] for row in current]
        for field, (column, instead) in FIELDS_OF.items()
    }
    fields["former_names"] = ["|".join(former.pop(number, ())) for number in numbers]
    return CompanyRows(
        RecordBatch(numbers, fields),
        updated_at=[row["updateDate"] for row in current],
        closed_at=[_closed_at(row) for row in current],
    )


def _with_former_names(known: CompanyRows, former: Mapping[str, Sequence[str]]) -> CompanyRows:
    """Those of the known companies that have former names, with them, without a time of change."""
    rows = [row for row, number in enumerate(known.records.ids) if number in former]
    records = known.records.take(rows)
    names = ["|".join(former[number]) for number in records.ids]
    return CompanyRows(
        RecordBatch(records.ids, {**records.columns, "former_names": names}),
        updated_at=[""] * len(rows),
        closed_at=[known.closed_at[row] for row in rows],
    )


def _closed_at(row: Mapping[str, str]) -> str:
    if row["closeDate"] or row["process"] not in CLOSING:
        return row["closeDate"]
    return row["changeDate"] or row["updateDate"]


def _check_format(path: Path, lines: Sequence[Sequence[str]], before: int) -> None:
    for line, fields in enumerate(lines, before + 1):
        if len(fields) != len(COLUMNS) or len(fields[1]) != 13 or not fields[1].isdecimal():
            raise InputFileError(
                f"{path} row {line}: expected {len(COLUMNS)} fields, the second a corporate "
                f"number of 13 digits, got {len(fields)} fields; use the CSV file of the "
                "corporate number site (法人番号公表サイト), or read other files with a header"
            )


@contextmanager
def _opened(path: Path) -> Iterator[TextIOWrapper]:
    try:
        with ExitStack() as stack:
            if path.suffix == ".zip":
                archive = stack.enter_context(ZipFile(path))
                member = next((name for name in archive.namelist() if name.endswith(".csv")), None)
                if member is None:
                    raise InputFileError(
                        f"expected a .csv in {path}, got {archive.namelist()}; "
                        "download the CSV edition"
                    )
                head = stack.enter_context(archive.open(member)).read(HEAD_BYTES)
                stream = stack.enter_context(archive.open(member))
            else:
                head = stack.enter_context(path.open("rb")).read(HEAD_BYTES)
                stream = stack.enter_context(path.open("rb"))
            yield TextIOWrapper(stream, encoding=guess_encoding(head), newline="")
    except (OSError, BadZipFile) as error:
        raise InputFileError(f"cannot read {path}: {error}; download the file again") from None
