"""CSV bodies: a fault of one line is the error of that line, and every record keeps its place."""

import csv
import io
import time
from typing import Any

import pytest

from serving.csv_body import CsvBody, read_csv
from serving.errors import RequestError, TooLargeError
from serving.requests import InvalidClient

COLUMNS = ("client_id", "name")


def read(text: str, header: bool | None = None, configured: tuple[str, ...] = ()) -> CsvBody:
    return read_csv(text, header, configured, "bulk_linkage", 20_000)


def briefly(body: CsvBody) -> list[Any]:
    """Id and name of each client, and the line and id of each that could not be read."""
    return [
        (int(one.reason.split()[1].rstrip(":")), one.client_id)
        if isinstance(one, InvalidClient)
        else (one["client_id"], one["name"])
        for one in body.clients
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # a lone quote in the first, a middle, and the last row, and in a row without a line break
        ('1,"a\n2,b\n3,c\n', [(2, "1"), ("2", "b"), ("3", "c")]),
        ('1,a\n2,"b\n3,c\n', [("1", "a"), (3, "2"), ("3", "c")]),
        ('1,a\n2,b\n3,"c\n', [("1", "a"), ("2", "b"), (4, "3")]),
        ('1,a\n2,b\n3,"c', [("1", "a"), ("2", "b"), (4, "3")]),
        # of two lone quotes, the second would close the first
        ('1,"a\n2,"b\n3,c\n', [(2, "1"), (3, "2"), ("3", "c")]),
        ('1,"a\n2,b\n3,"c"\n4,d\n', [(2, "1"), ("2", "b"), ("3", "c"), ("4", "d")]),
        ('1,"a\n2,b","\n3,c\n', [(2, "1"), (3, "2"), ("3", "c")]),
        ('"1,a\n2,b\n', [(2, None), ("2", "b")]),
        ('1,a"b\n2,b\n', [("1", 'a"b'), ("2", "b")]),
        ('1,"a"b\n2,"b"\n', [(2, "1"), ("2", "b")]),
        # line breaks within well-formed quotes, also beside a lone one
        ('1,"a\nb"\n2,c\n', [("1", "a\nb"), ("2", "c")]),
        ('1,"a\r\n\r\nb"\r\n2,"c\r\n3,d\r\n', [("1", "a\r\n\r\nb"), (5, "2"), ("3", "d")]),
        # too few and too many cells
        ("1\n2,b\n3,c,d\n", [(2, None), ("2", "b"), (4, "3")]),
        # blank lines at the start, in the middle, and at the end
        ("\n1,a\n\n2,b\n\n", [(2, None), ("1", "a"), (4, None), ("2", "b"), (6, None)]),
        ("1,a\r\n\r\n2,b\r\n", [("1", "a"), (3, None), ("2", "b")]),
        ("1,a\r\r2,b\r", [("1", "a"), (3, None), ("2", "b")]),
        # an empty id is missing
        (",a\n2,b\n", [(None, "a"), ("2", "b")]),
        ("1,a\0b\n2,\u2028\n", [("1", "a\0b"), ("2", "\u2028")]),
        ("", []),
    ],
)
def test_a_broken_line_spoils_no_other(text: str, expected: list[Any]) -> None:
    assert briefly(read(f"client_id,name\n{text}")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,a\n\n2,b\n", [("1", "a"), (2, None), ("2", "b")]),
        ("\n1,a\n\n", [(1, None), ("1", "a"), (3, None)]),
        ("\r\n1,a\r\n\r\n", [(1, None), ("1", "a"), (3, None)]),
        ('1,"a\n2,b"\n3,"c"\n', [(1, "1"), ("2", 'b"'), ("3", "c")]),
        ('1,a\n2,"b', [("1", "a"), (2, "2")]),
        ('1,"a\rb"\n2,a\rb\n', [("1", "a\rb"), (2, "2")]),
        ("1,a\r2,b\r", [("1", "a"), ("2", "b")]),
        ("\n", [(1, None)]),
        ("", []),
    ],
)
def test_without_a_header_every_line_is_a_record(text: str, expected: list[Any]) -> None:
    assert briefly(read(text, header=False, configured=COLUMNS)) == expected


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("1,a\n", False),
        ("\n1,a\n", False),
        ("client_id,name\n1,a\n", True),
        ('"client_id","name"\n1,a\n', True),
        ("memo,name, client_id \nx,a,1\n", True),
        ("client_id;name\n1;a\n", True),
    ],
)
def test_configured_columns_are_used_where_the_first_line_names_none(
    text: str, header: bool
) -> None:
    body = read(text, configured=(" client_id", "name "))

    assert body.header is header
    assert ("1", "a") in briefly(body)


@pytest.mark.parametrize("stated", [True, False])
def test_what_the_caller_states_of_the_header_counts(stated: bool) -> None:
    body = read("client_id,name\n", header=stated, configured=COLUMNS)

    assert len(body.clients) == 1 - stated


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_that_of_the_header(separator: str) -> None:
    text = '"client_id",name,memo\n1,"a,;\tb",x\n2,c,y\n'
    rows = list(csv.reader(io.StringIO(text)))
    written = io.StringIO()
    csv.writer(written, delimiter=separator).writerows(rows)

    body = read(written.getvalue())

    assert briefly(body) == [("1", "a,;\tb"), ("2", "c")]
    assert body.unknown_columns == ("memo",)


@pytest.mark.parametrize(
    ("text", "configured", "words"),
    [
        ("x,y\n1,2\n", (), r"got \['x', 'y'\]; send one, or set LINKAGE_CSV_COLUMNS"),
        ("", (), r"got \[\]"),
        ("client_id,name,name\n1,a,b\n", (), r"several of \['name'\]"),
        ("1,a\n", ("name", "name"), r"several of \['name'\]"),
        ("1,a\n", ("x", "y"), r"got \['x', 'y'\]"),
        ('client_id,"name\n1,a\n2,b\n', (), "error in its first record"),
        ('{"clients": [{"name": "a"}]}', (), "expected CSV with a header"),
    ],
)
def test_a_list_without_usable_columns_is_refused(
    text: str, configured: tuple[str, ...], words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        read(text, configured=configured)


def test_columns_that_nobody_reads_may_be_repeated_or_empty() -> None:
    body = read("client_id,memo,memo,,name\n1,x,y,z,a\n")

    assert body.clients == [{"client_id": "1", "name": "a"}]
    assert body.unknown_columns == ("memo", "memo")


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("line", ["\n", "\r\n", "1,a\n", '1,"a\n', '1,"""\n'])
def test_more_lines_than_clients_allowed_are_refused_before_they_are_read(
    header: bool, line: str
) -> None:
    text = "client_id,name\n" * header + "1,a\n" + line * 200_000

    with pytest.raises(TooLargeError, match="at most 20000 clients"):
        read(text, header, COLUMNS)


@pytest.mark.parametrize("line", ['1,"""\n', '1,a","""b\n', '1,"a\n'])
def test_time_grows_with_the_length_of_a_broken_list(line: str) -> None:
    def seconds(count: int) -> float:
        begin = time.process_time()
        read('client_id,name\n0,"x\n' + line * count)
        return time.process_time() - begin

    seconds(100)
    short, long = (min(seconds(count) for _ in range(2)) for count in (1_000, 8_000))

    assert long < 24 * short + 0.05


def test_an_overlong_field_over_many_lines_is_taken_for_a_lone_quote() -> None:
    lines = "".join(f"{number},{'x' * 100}\n" for number in range(2, 22))

    found = briefly(read(f'client_id,name\n1,"a\n{lines}22,b"\n'))

    assert found[:2] == [(2, "1"), ("2", "x" * 100)]
    assert found[-1] == ("22", 'b"')
    assert len(found) == 22
