"""Media types, charsets and content codings: what the headers of a request and its answer say."""

import codecs
import gzip
import io
import re
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import Message
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache
from typing import Final

from serving.errors import NotAcceptableError, RequestError, TooLargeError, UnsupportedTypeError

JSON: Final = "application/json"
JSON_LINES: Final = "application/jsonlines"
CSV: Final = "text/csv"
_MEDIA_TYPES: Final[Mapping[str, str]] = {
    JSON: JSON,
    "text/json": JSON,
    JSON_LINES: JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    "application/jsonl": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
    CSV: CSV,
    "application/csv": CSV,
}
"""Names in use for the three media types."""
_JIS: Final = (
    *("cp932", "shift_jis_2004", "shift_jisx0213", "euc_jp", "euc_jis_2004", "iso2022_jp_ext"),
)
_CODECS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("utf_8", "utf_8_sig", "ascii"), "utf-8-sig"),
    **{name: name for name in _JIS},
    **{"shift_jis": "cp932", "iso2022_jp": "iso2022_jp_ext"},
    **{"utf_16": "utf-16", "utf_16_le": "utf-16-le", "utf_16_be": "utf-16-be", "utf_32": "utf-32"},
    **dict.fromkeys(("cp1252", "latin_1"), "cp1252"),
}
"""Python's module of each known charset to the codec that reads it: that of UTF-8 skips a byte
order mark, and the others are those that the platforms mean by the name."""
_CHARSETS: Final[Mapping[str, str]] = {
    **_CODECS,
    **{name: _CODECS[module] for name, module in aliases.items() if module in _CODECS},
    **dict.fromkeys(("windows_31j", "cswindows31j", "x_sjis", "x_ms_cp932", "sjis_win"), "cp932"),
    **dict.fromkeys(("x_euc_jp", "eucjp_win", "eucjpms"), "euc_jp"),
    **dict.fromkeys(("utf8_bom", "utf_8_bom", "x_utf_8", "utf8mb4"), "utf-8-sig"),
}
"""Normalised name of a charset, as Python or others call it, to its codec. `codecs.lookup` would
keep every name that a caller makes up."""
_DAMAGED: Final = re.compile("[\udc80-\udfff]")
"""What stands for bytes that are not in the charset of a body: no text holds it after decoding."""
_MARK: Final = "\udfff"
_MAX_MARKS: Final = 10_000
"""Faults after which a body that Python code has to mark, one by one, is refused."""
_REMEMBERED: Final = 128
"""Headers that are parsed only once; callers send few different ones."""
_MAX_CHARSET_LENGTH: Final = 40
_MARKING: Final = "linkage_rl.marking"
"""Name under which Python's codecs find `_mark`."""
_GZIP: Final = ("gzip", "x-gzip")
_GZIP_MARK: Final = b"\x1f\x8b"


class _Marks(threading.local):
    """How many faults the body that this thread decodes may still have."""

    left = 0


_marks = _Marks()


@dataclass(frozen=True)
class ContentType:
    """A media type with its parameters, such as `text/csv; charset=cp932; header=absent`."""

    media: str
    charset: str = "utf-8-sig"
    """Python's name of the codec."""
    header: bool | None = None
    """Whether CSV has a first line with the names of its columns; None where it is not stated."""

    @classmethod
    @lru_cache(maxsize=_REMEMBERED)
    def parse(cls, content_type: str) -> "ContentType":
        """The content type that a Content-Type header names; JSON where there is no header.

        Raises:
            UnsupportedTypeError: The server does not know the media type or the charset.
        """
        if not content_type:
            return cls(JSON)
        message = _as_message(content_type)
        media = _MEDIA_TYPES.get(message.get_content_type(), "")
        codec = _codec(str(message.get_param("charset", "utf-8")))
        if not media or not codec:
            raise UnsupportedTypeError(
                f"expected a Content-Type among {[JSON, CSV, JSON_LINES]} in a known charset, got "
                f"{content_type[:80]!r}; send one of these"
            )
        return cls(media, codec, _header(message))

    @lru_cache(maxsize=_REMEMBERED)  # noqa: B019 - a few small values, of which most live on
    def with_header(self, header: bool) -> "ContentType":
        """The content type with this header where none is stated."""
        return self if self.header is not None else replace(self, header=header)


@lru_cache(maxsize=_REMEMBERED)
def negotiate(accept: str, requested: ContentType) -> ContentType:
    """The content type of the response: the request's own unless the caller prefers another.

    The most specific range that fits a type decides about it (RFC 9110, section 12.5.1).

    Raises:
        NotAcceptableError: The Accept header allows none of the known types.
    """
    ranges = [_as_message(part.strip()) for part in accept.split(",") if part.strip()]
    if not ranges:
        return requested
    # a type that is named may be forbidden although a wildcard allows it
    named = {_MEDIA_TYPES.get(one.get_content_type(), ""): _quality(one) for one in ranges}
    for one in sorted(ranges, key=_quality, reverse=True):
        if _quality(one) <= 0:
            break
        for media in _within(_range_name(one), requested.media):
            if media == requested.media and named.get(media, 1.0) > 0:
                header = _header(one)
                return requested if header is None else replace(requested, header=header)
            if named.get(media, 1.0) > 0:
                return ContentType(media, header=_header(one))
    raise NotAcceptableError(
        f"expected an Accept header with one of {[JSON, CSV, JSON_LINES]}, got {accept[:80]!r}"
    )


def unpack(body: bytes, coding: str, limit: int) -> bytes:
    """A body without its content coding.

    Args:
        body: The bytes as received.
        coding: The Content-Encoding header; '' and `identity` for none.
        limit: Bytes that the body may have when unpacked.

    Raises:
        UnsupportedTypeError: The server does not know the coding.
        RequestError: The body is not in this coding, or is cut off.
        TooLargeError: The body is larger when unpacked.
    """
    name = coding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in _GZIP:
        raise UnsupportedTypeError(
            f"expected the Content-Encoding gzip or none, got {coding[:40]!r}; send one of these"
        )
    try:
        # never unpacks more than it was asked for, so that few bytes cannot fill the memory
        unpacked = gzip.GzipFile(fileobj=io.BytesIO(body)).read(limit + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise RequestError(
            f"expected a complete body in gzip as its Content-Encoding says, got an error: {error};"
            " pack it again, or leave out the header"
        ) from None
    if len(unpacked) > limit:
        raise TooLargeError(
            f"expected a body of at most {limit} bytes when unpacked, got more; split the list"
        )
    return unpacked


def decode_strictly(body: bytes, charset: str) -> str:
    """The text of a body.

    Raises:
        RequestError: It is not in its charset.
    """
    try:
        return body.decode(charset).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        if is_gzip(body):
            raise RequestError(
                "expected text, got a body in gzip; send it with the header Content-Encoding: gzip"
            ) from None
        place = f" at position {error.start}"
        raise RequestError(wrong_charset(charset, place)) from None


def decode_marking(body: bytes, charset: str) -> str:
    """The text of a body, in which `is_damaged` finds the bytes that are not in its charset.

    Raises:
        UnicodeDecodeError: They are too many.
    """
    if charset == "utf-8-sig":
        text = body.decode(charset, "surrogateescape")
    elif charset in _JIS:
        # the sets of JIS do not have the character that Python puts there
        text = body.decode(charset, "replace").replace("\ufffd", _MARK)
    else:
        _marks.left = _MAX_MARKS
        text = body.decode(charset, _MARKING)
    return text.removeprefix("\ufeff")


def is_damaged(text: str) -> bool:
    """Whether a part of a body holds bytes that are not in its charset."""
    return _DAMAGED.search(text) is not None


def wrong_charset(charset: str, place: str = "") -> str:
    """What is wrong with bytes that are not in the charset of their body."""
    return (
        f"expected a body in {charset.removesuffix('-sig')}, got other bytes{place}; encode it so, "
        "or name its charset in the Content-Type"
    )


def is_gzip(body: bytes) -> bool:
    """Whether a body begins as gzip does, and no text."""
    return body.startswith(_GZIP_MARK)


def _mark(error: UnicodeError) -> tuple[str, int]:
    _marks.left -= 1
    if not isinstance(error, UnicodeDecodeError) or _marks.left < 0:
        raise error
    return _MARK, error.end


codecs.register_error(_MARKING, _mark)


def _as_message(header: str) -> Message:
    message = Message()
    message["content-type"] = header.encode("ascii", "replace").decode("ascii")
    return message


def _codec(charset: str) -> str:
    """Python's codec of a charset; '' where it is unknown, or no charset at all."""
    name = charset.strip("'\" ").lower()[:_MAX_CHARSET_LENGTH]
    return _CHARSETS.get(normalize_encoding(name), "")


def _header(message: Message) -> bool | None:
    """What the parameter `header` of RFC 4180 states."""
    stated = str(message.get_param("header", "")).lower()
    return {"present": True, "absent": False}.get(stated)


def _range_name(message: Message) -> str:
    # `get_content_type` takes a wildcard for text/plain
    return str(message["content-type"]).split(";")[0].strip().lower()


def _within(name: str, requested: str) -> Iterator[str]:
    """Media types that a range of an Accept header covers, that of the request first."""
    if name in _MEDIA_TYPES:
        yield _MEDIA_TYPES[name]
        return
    kind, _, rest = name.partition("/")
    ordered: Sequence[str] = sorted((JSON, JSON_LINES, CSV), key=lambda media: media != requested)
    for media in ordered:
        if rest == "*" and kind in ("*", media.partition("/")[0]):
            yield media


def _quality(message: Message) -> float:
    """The weight of a range in [0, 1]; 0, which forbids it, where it cannot be read."""
    try:
        quality = float(str(message.get_param("q", "1")))
    except ValueError:
        return 0.0
    return min(quality, 1.0) if quality > 0 else 0.0
