"""The encoding of a text file: as it is named, or as its first bytes tell."""

import codecs
import re
from pathlib import Path
from typing import Final

from linkage_rl.errors import InputFileError

HEAD_BYTES: Final = 1 << 20
"""Bytes at the beginning of a file that are read to guess its encoding."""

BOMS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", b"\xfe\xff": "utf-16"}

WORKBOOK_MARKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of .xlsx and .xls files, which are no text."""

MAX_ACCIDENTAL_UTF8: Final = 0.2
"""Share of non-ASCII lines that may be valid UTF-8 in a Shift-JIS file. A Shift-JIS line is rarely
valid UTF-8, but broken UTF-8 is often valid Shift-JIS."""

ALIASES: Final = {
    # Python's own shift_jis lacks ㈱, ① and every other character that Windows added
    **dict.fromkeys(("shiftjis", "sjis", "xsjis", "windows31j", "cswindows31j", "ms932"), "cp932"),
    **dict.fromkeys(("utf8bom", "utf8withbom", "utf8sig"), "utf-8-sig"),
    # what Excel calls UTF-16
    **dict.fromkeys(("unicode", "unicodetext"), "utf-16"),
}
"""Names that Python does not know or understands otherwise, without marks, in small letters."""

_JAPANESE: Final = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uff00-\uffef]")


def encoding_of(path: Path, head: bytes, named: str = "") -> str:
    """Encoding with which to open a file.

    Args:
        path: The file, for the error.
        head: Its first bytes.
        named: The encoding that the user names; '' finds it out.

    Raises:
        InputFileError: There is no such encoding, or the file is visibly in another one.
    """
    if not named:
        return guess_encoding(head)
    name = ALIASES.get(re.sub(r"[\W_]", "", named).lower(), named)
    try:
        family = codecs.lookup(name).name.removesuffix("-sig").removesuffix("-le")
        "x".encode(name)
    except LookupError:
        raise InputFileError(
            f"expected an encoding such as utf-8 or cp932 for {path}, got {named!r}"
        ) from None
    found = _visible(head)
    if not found:
        if not family.startswith("utf-16"):
            return name
        if b"\0" not in head:
            raise _refused(path, named, guess_encoding(head))
        return _unmarked_utf16(head) or name
    if family.removesuffix("-be") != found.removesuffix("-sig"):
        raise _refused(path, named, found)
    return found if found != "utf-8" else name


def guess_encoding(head: bytes) -> str:
    """Encoding of a file that begins with these bytes; UTF-8 unless they are not valid UTF-8.

    >>> guess_encoding("株式会社".encode("cp932"))
    'cp932'
    """
    for mark, encoding in BOMS.items():
        if head.startswith(mark):
            return encoding
    if unmarked := _unmarked_utf16(head):
        return unmarked
    if decoded(head, "utf-8") is not None or decoded(head, "cp932") is None:
        return "utf-8"
    odd = [line for line in head.splitlines() if not line.isascii()]
    readable = sum(decoded(line, "utf-8") is not None for line in odd)
    return "utf-8" if readable > MAX_ACCIDENTAL_UTF8 * len(odd) else "cp932"


def undecodable(path: Path, encoding: str) -> InputFileError:
    """The error for a file that is not in this encoding; names the first line that is not."""
    place = ""
    if not encoding.startswith("utf-16"):
        with path.open("rb") as stream:
            lines = enumerate(stream, 1)
            bad = next((line for line, raw in lines if decoded(raw, encoding) is None), None)
        place = f" line {bad}" if bad else ""
    return InputFileError(
        f"{path}{place}: the bytes are not {encoding}; save the file as UTF-8, or name its "
        "encoding, as in encoding=cp932"
    )


def decoded(raw: bytes, encoding: str) -> str | None:
    """The text without a character cut off at its end; None if it is not in this encoding."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(raw)
    except UnicodeDecodeError:
        return None


def _visible(head: bytes) -> str:
    """The encoding that a byte order mark or Japanese UTF-8 leaves no doubt about; else ''."""
    for mark, encoding in BOMS.items():
        if head.startswith(mark):
            return encoding
    text = decoded(head, "utf-8")
    return "utf-8" if text and _JAPANESE.search(text) else ""


def _unmarked_utf16(head: bytes) -> str:
    """UTF-16 without a byte order mark: most line ends have a zero byte, on one side of them."""
    for encoding, end in (("utf-16-le", b"\n\0"), ("utf-16-be", b"\0\n")):
        wide = sum(found.start() % 2 == 0 for found in re.finditer(re.escape(end), head))
        if 2 * wide > head.count(b"\n"):
            return encoding
    return ""


def _refused(path: Path, named: str, found: str) -> InputFileError:
    return InputFileError(
        f"{path} is in {found}, got encoding={named}; leave encoding= out, or name {found}"
    )
