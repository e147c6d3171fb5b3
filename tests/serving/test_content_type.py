"""Headers of a request: media types, charsets, codings, and what the caller accepts."""

import encodings
import gzip

import pytest

import serving.content_type
from serving.codec import decode
from serving.content_type import (
    CSV,
    JSON,
    JSON_LINES,
    ContentType,
    decode_marking,
    is_damaged,
    negotiate,
    unpack,
)
from serving.errors import (
    NotAcceptableError,
    RequestError,
    TooLargeError,
    UnsupportedTypeError,
)

TEXT = "client_id,name\n1,㈱髙橋青空\n"


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        *[(name, "cp932") for name in ("cp932", "ms932", "windows-31j", "Windows-31J", "sjis")],
        *[(name, "cp932") for name in ("Shift_JIS", "x-sjis", "MS_Kanji", "csWindows31J")],
        *[(name, "utf-8") for name in ("utf8", "UTF-8", '"utf-8"', "utf_8", "cp65001")],
        *[(name, "utf-8-sig") for name in ("utf-8-sig", "utf8-bom", "utf8")],
        *[(name, "utf-16") for name in ("utf-16", "UTF16")],
        *[("utf-16le", "utf-16-le"), ("utf-16be", "utf-16-be"), ("utf-32", "utf-32")],
    ],
)
def test_a_charset_is_known_by_each_of_its_names(charset: str, codec: str) -> None:
    content_type = ContentType.parse(f"text/csv; charset={charset}")

    request = decode(TEXT.encode(codec), content_type, "bulk_linkage", 10)

    assert request.records.columns == {"name": ["㈱髙橋青空"]}


@pytest.mark.parametrize("charset", ["euc-jp", "x-euc-jp", "iso-2022-jp"])
def test_charsets_of_jis_are_read(charset: str) -> None:
    text = TEXT.replace("㈱髙", "高")
    codec = charset.removeprefix("x-")

    request = decode(
        text.encode(codec), ContentType.parse(f"text/csv; charset={charset}"), "bulk_linkage", 10
    )

    assert request.records.columns == {"name": ["高橋青空"]}


@pytest.mark.parametrize(
    "content_type",
    [
        *(f"text/csv; charset={name}" for name in ("rot13", "hex", "idna", "x" * 500, "utf-9")),
        *("text/xml", "text/plain", "multipart/form-data; boundary=a", "csv", "/"),
        "application/x-www-form-urlencoded",
    ],
)
def test_what_is_no_known_text_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedTypeError, match="expected a Content-Type among"):
        ContentType.parse(content_type)


def test_names_that_callers_make_up_are_not_kept() -> None:
    known = len(encodings._cache)

    for number in range(5):
        with pytest.raises(UnsupportedTypeError):
            ContentType.parse(f"text/csv; charset=made-up-{number}")

    assert len(encodings._cache) == known


@pytest.mark.parametrize("charset", ["utf-8", "euc-jp", "iso-2022-jp", "shift_jis_2004"])
def test_bytes_of_another_charset_are_marked_without_python_code_for_each(
    charset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec = ContentType.parse(f"text/csv; charset={charset}").charset
    # which the handler of errors in Python would exceed
    monkeypatch.setattr(serving.content_type, "_MAX_MARKS", 0)

    lines = decode_marking(b"a,\xff\xff\nb,\xff\nc,c\n", codec).splitlines()

    assert [is_damaged(line) for line in lines] == [True, True, False]
    assert [line[:2] for line in lines] == ["a,", "b,", "c,"]


@pytest.mark.parametrize(
    ("charset", "damage"), [("utf-16-le", b"\0\xd8"), ("cp1252", b"\x81"), ("utf-32", b"\xff" * 4)]
)
def test_too_many_bytes_of_no_charset_refuse_the_list(charset: str, damage: bytes) -> None:
    content_type = ContentType.parse(f"text/csv; charset={charset}")
    few = "client_id,name\n1,a\n2,".encode(content_type.charset) + damage

    assert list(decode(few, content_type, "bulk_linkage", 10).errors) == [1]
    with pytest.raises(RequestError, match="got other bytes at position"):
        decode(few + damage * 10_000, content_type, "bulk_linkage", 10)


@pytest.mark.parametrize(
    ("content_type", "header"),
    [
        ("text/csv", None),
        ("text/csv; header=absent", False),
        ('text/csv; Header="ABSENT"; charset=utf-8', False),
        ("text/csv;header=present", True),
        ("text/csv; header=maybe", None),
    ],
)
def test_a_header_of_csv_may_be_stated(content_type: str, header: bool | None) -> None:
    assert ContentType.parse(content_type).header is header


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", JSON_LINES),
        ("*/*", JSON_LINES),
        ("application/*", JSON_LINES),
        ("text/*", CSV),
        ("text/csv;q=0.5, application/json;q=0.9", JSON),
        ("text/csv; q=0.5, application/json ;Q=0.4", CSV),
        ("application/json;q=0.9, */*;q=0.1", JSON),
        ("*/*, application/jsonlines;q=0", JSON),
        ("application/jsonlines;q=0, application/*;q=0.3, text/csv;q=0.2", JSON),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON_LINES),
        ("image/png, application/x-ndjson", JSON_LINES),
        ("text/csv;q=nan, application/json;q=0.1", JSON),
        ("text/csv;q=7, application/json", CSV),
        (",, application/json ,", JSON),
        ("APPLICATION/JSON; charset=utf-8", JSON),
    ],
)
def test_the_answer_has_the_type_that_the_caller_likes_best(accept: str, media: str) -> None:
    assert negotiate(accept, ContentType(JSON_LINES)).media == media


@pytest.mark.parametrize(
    "accept", ["image/png", "*/*;q=0", "*", "text/csv;q=0", "text/csv;q=high", "json", "text/html"]
)
def test_a_caller_who_accepts_no_known_type_is_told(accept: str) -> None:
    with pytest.raises(NotAcceptableError, match="expected an Accept header with one of"):
        negotiate(accept, ContentType(JSON))


def test_accept_may_state_the_header_of_csv() -> None:
    assert negotiate("text/csv; header=absent", ContentType(JSON)).header is False
    assert negotiate("text/csv", ContentType(CSV, header=False)).header is False


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", " GZIP "])
def test_a_gzip_body_is_unpacked_up_to_the_limit(coding: str) -> None:
    packed = gzip.compress(b"a" * 100)

    assert unpack(packed, coding, 100) == b"a" * 100
    assert unpack(packed + packed, coding, 200) == b"a" * 200
    with pytest.raises(TooLargeError, match="at most 99 bytes when unpacked"):
        unpack(packed, coding, 99)


def test_a_bomb_is_unpacked_no_further_than_the_limit() -> None:
    bomb = gzip.compress(bytes(50 << 20), 1) * 20

    with pytest.raises(TooLargeError):
        unpack(bomb, "gzip", 1 << 20)


@pytest.mark.parametrize("coding", ["", "identity"])
def test_a_plain_body_stays_as_it_is(coding: str) -> None:
    assert unpack(b"\x1f\x8b", coding, 0) == b"\x1f\x8b"


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"abc", mtime=0)[:-1],
        gzip.compress(b"abc", mtime=0)[:5],
        gzip.compress(b"abc", mtime=0)[:-8] + b"\0" * 8,
        gzip.compress(b"abc", mtime=0) + b"x",
        b"{}",
        b"\x1f\x8b",
    ],
)
def test_a_damaged_gzip_body_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError, match="expected a complete body in gzip"):
        unpack(body, "gzip", 1000)


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "x" * 100])
def test_another_coding_is_named(coding: str) -> None:
    with pytest.raises(UnsupportedTypeError, match="Content-Encoding gzip or none, got"):
        unpack(b"", coding, 1000)


def test_gzip_without_its_header_is_recognised() -> None:
    with pytest.raises(RequestError, match="send it with the header Content-Encoding: gzip"):
        decode(gzip.compress(b"{}"), ContentType(JSON), "bulk_linkage", 10)
