"""Inputs that are drawn for the fuzzing: texts, bodies, files, mappings, URLs and manifests."""

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from serving.requests import CLIENT_KEYS
from tests.text.test_properties import PIECES

NAMES: Final = (
    *("株式会社青空商事", "（有）山田製作所", "医療法人社団さくら会", "㈱鈴木組"),
    *("一般社団法人 日本・米国協会", "ｶ)ﾎｸﾄ ｼｮｳｼﾞ", "青空商事(旧 緑商会)"),
    *("Acme Trading K.K.", "合同会社ＡＢＣ＆Ｃｏ．"),
)
ADDRESSES: Final = (
    *("東京都千代田区丸の内1-1-1 丸ビル3階", "大阪市北区梅田一丁目1番3号"),
    *("北海道札幌市中央区北1条西4丁目", "京都市中京区烏丸通御池上る"),
    *("1-1 Marunouchi, Chiyoda-ku, Tokyo", "愛知県名古屋市中区栄３－３－３"),
)
PHONES: Final = (
    *("03-3222-0001", "+81 52 241 0002", "（０６）６３４５－０００３"),
    "090 1234 5678 内線12",
)
URLS: Final = (
    *("https://www.aozora.co.jp/path?q=1#a", "info@acme.jp", "http://[::1]:80/", "日本.jp"),
    *("www.penta-ocean.co.jp", "https://user:pw@host.example:8080", "//x", "http://xn--wgv71a.jp"),
)
_BLOCKS: Final = (
    *((0, 0x20), (0x20, 0x7F), (0x80, 0x250), (0x300, 0x370), (0x2000, 0x2070)),
    *((0x2150, 0x2190), (0x3000, 0x3100), (0x3200, 0x3400), (0x4E00, 0x9FFF)),
    *((0xD800, 0xE000), (0xE000, 0xE100), (0xF900, 0xFB00), (0xFE00, 0xFFFF)),
    *((0x1F100, 0x1F700), (0x20000, 0x20100), (0xE0100, 0xE01F0)),
)
_PIECES: Final = (b'"', b"\n", b"\r", b",", b"{", b"]", b"\x00", b"\xef\xbb\xbf", b"\\u")
_RESTS: Final = ("/crm", "/crm?sslmode=require", "/", "", "/a/b", "?x=1&x=2", "/crm?options=-c")
_COLUMNS: Final = ("name", "会社名", "crm.companies", "", "status=closed|dissolved", "a=b")
LONG: Final = 20_000
"""Characters of the longest texts."""


def text(rng: random.Random, bases: Sequence[str] = NAMES) -> str:
    """A text near one of these, or of pieces, or of any characters; one in five hundred is long."""
    kind = rng.random()
    if kind < 0.002:
        piece = rng.choice(PIECES) or "a"
        return (piece * LONG)[: rng.randint(LONG // 4, LONG)]
    if kind < 0.5:
        return mutated(rng, rng.choice(bases))
    if kind < 0.8:
        return rng.choice(("", " ", "-")).join(rng.choices(PIECES, k=rng.randint(1, 9)))
    return "".join(character(rng) for _ in range(rng.randint(0, 24)))


def mutated(rng: random.Random, base: str) -> str:
    """A text with some of its characters changed, doubled, moved, or left out."""
    for _ in range(rng.randint(0, 4)):
        at, to = sorted((rng.randint(0, len(base)), rng.randint(0, len(base))))
        kind = rng.randrange(5)
        if kind == 0:
            base = base[:at] + base[to:]
        elif kind == 1:
            base = base[:to] + base[at:]
        elif kind == 2:
            base = base[:at] + rng.choice(PIECES) + base[at:]
        elif kind == 3:
            base = base[:at] + character(rng) + base[at + 1 :]
        else:
            base = base[:at] + base[at:to][::-1] + base[to:]
    return base


def character(rng: random.Random) -> str:
    """Any character, those of the difficult blocks more often."""
    low, high = rng.choice(_BLOCKS)
    return chr(rng.randrange(low, high))


def json_value(rng: random.Random, depth: int = 0) -> Any:
    """Any JSON value."""
    kind = rng.randrange(9 if depth < 3 else 6)
    if kind == 0:
        return text(rng)
    if kind == 1:
        return rng.choice((None, True, False))
    if kind == 2:
        return rng.choice((0, -1, 8381505, 10**18, -(2**63), 2**64, 10**40))
    if kind == 3:
        return rng.choice((0.0, -0.0, 1e308, float("nan"), float("inf"), 3.5))
    if kind in (4, 5):
        return rng.choice((*NAMES, *ADDRESSES, *PHONES, "", " "))
    if kind == 6:
        return [json_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    keys = (*CLIENT_KEYS, "mode", "clients", "format", "")
    return {rng.choice(keys): json_value(rng, depth + 1) for _ in range(rng.randrange(5))}


def client(rng: random.Random) -> Any:
    """A client, now and then another value in its place."""
    if rng.random() < 0.05:
        return json_value(rng)
    names = rng.sample(CLIENT_KEYS, rng.randint(0, 5))
    return {name: text(rng) if rng.random() < 0.85 else json_value(rng) for name in names}


def damaged(rng: random.Random, content: bytes, most: int = 4) -> bytes:
    """Bytes of which some are changed, left out, doubled, or cut off."""
    for _ in range(rng.randint(0, most)):
        at = rng.randint(0, len(content))
        length = min(rng.choice((1, 1, 1, 2, 8, 200)), len(content) - at)
        kind = rng.randrange(4)
        if kind == 0:
            content = content[:at] + rng.randbytes(length) + content[at + length :]
        elif kind == 1:
            content = content[:at] + content[at + length :]
        elif kind == 2:
            content = content[:at] + content[at : at + length] * 2 + content[at + length :]
        elif rng.random() < 0.2:
            content = content[:at]
        else:
            piece = rng.choice(
                (b'"', b"\n", b"\r", b",", b"{", b"]", b"\x00", b"\xef\xbb\xbf", b"\\u")
            )
            content = content[:at] + piece + content[at:]
    return content


def body(rng: random.Random) -> tuple[bytes, str, str]:
    """A request body with its Content-Type and Content-Encoding, often damaged."""
    clients = [client(rng) for _ in range(rng.choice((0, 1, 1, 2, 5)))]
    kind = rng.randrange(3)
    if kind == 0:
        content: Any = {"mode": rng.choice(("linkage", "bulk_linkage", "candidates", "info"))}
        content |= {"clients": clients} if rng.random() < 0.9 else {"client": json_value(rng)}
        if rng.random() < 0.05:
            content = json_value(rng)
        written, media = json.dumps(content, ensure_ascii=rng.random() < 0.3), "application/json"
    elif kind == 1:
        lines = (json.dumps(one, ensure_ascii=rng.random() < 0.3) for one in clients)
        written, media = rng.choice(("\n", "\r\n", "\n\n")).join(lines), "application/jsonlines"
    else:
        written, media = table(rng), "text/csv"
    charset = rng.choice(("", "", "", "utf-8", "cp932", "shift_jis", "euc-jp", "utf-16", "latin-9"))
    content_type = media + (f"; charset={charset}" if charset else "")
    if rng.random() < 0.05:
        content_type = mutated(rng, content_type)
    sent = _encoded(written, charset)
    sent = damaged(rng, sent) if rng.random() < 0.6 else sent
    coding = rng.choice(("", "gzip", "identity", "br")) if rng.random() < 0.05 else ""
    if coding == "gzip" or rng.random() < 0.01:
        sent = damaged(rng, gzip.compress(sent, 1), 1)
    return sent, content_type, coding


def table(rng: random.Random, keys: Sequence[str] = (*CLIENT_KEYS, "担当", "company_id")) -> str:
    """A list as CSV, with a header most of the time."""
    columns = rng.sample(keys, rng.randint(1, 5))
    stream = io.StringIO()
    writer = csv.writer(
        stream,
        delimiter=rng.choice(",,,\t;"),
        lineterminator=rng.choice(("\n", "\r\n", "\r")),
        quoting=rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    )
    if rng.random() < 0.9:
        writer.writerow(columns)
    for _ in range(rng.randint(0, 6)):
        writer.writerow([text(rng)[:400] for _ in columns[: None if rng.random() < 0.9 else -1]])
    return stream.getvalue()


def list_file(rng: random.Random, valid: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Name and content of a file: CSV in some encoding, or a damaged file of another kind.

    Args:
        rng: Source of randomness.
        valid: Ending to the content of a file that can be read.
    """
    ending = rng.choice((".csv", ".csv", ".csv", ".tsv", *valid))
    if ending in valid and rng.random() < 0.9:
        return f"list{ending}", damaged(rng, valid[ending])
    encoding = rng.choice(("utf-8", "utf-8-sig", "cp932", "euc_jp", "utf-16"))
    return f"list{ending}", damaged(rng, _encoded(table(rng), encoding))


def url(rng: random.Random) -> str:
    """The URL of a database, or nearly one."""
    driver = rng.choice(
        ("postgresql", "mysql+pymysql", "sqlite", "postgres", "jdbc:postgresql", "oracle", "")
    )
    user = rng.choice(("", "user", "us%40er", "ユーザ"))
    secret = rng.choice(("", SECRET, SECRET))
    host = rng.choice(("localhost", "127.0.0.1:5432", "[::1]", "host:port", "db.example:99999", ""))
    rest = rng.choice(
        ("/crm", "/crm?sslmode=require", "/", "", "/a/b", "?x=1&x=2", "/crm?options=-c")
    )
    login = f"{user}:{secret}@" if user and secret else (f"{user}@" if user else "")
    whole = f"{driver}://{login}{host}{rest}"
    return whole if rng.random() < 0.5 else mutated(rng, whole)


SECRET: Final = "c0rrect-h0rse"
"""Password of the URLs, which no message may show."""


def mapping(rng: random.Random, keys: Sequence[str]) -> dict[str, Any]:
    """The mapping of a table, with wrong keys and values among the right ones."""

    def value() -> Any:
        kind = rng.random()
        if kind < 0.6:
            return rng.choice(
                ("name", "会社名", "crm.companies", "", "status=closed|dissolved", "a=b")
            )
        if kind < 0.75:
            return rng.sample(("street", "town", "", "番地"), rng.randint(0, 3))
        return json_value(rng, 1)

    names = [rng.choice(keys) if rng.random() < 0.9 else text(rng) for _ in range(rng.randrange(6))]
    return {name: value() for name in names}


def changed_json(rng: random.Random, content: Any, most: int = 2) -> Any:
    """A JSON value with some of its parts replaced by another value or left out."""
    found = json.loads(json.dumps(content))
    for _ in range(rng.randint(1, most)):
        places: list[tuple[Any, Any]] = []
        _places(found, places)
        if not places:
            return found
        holder, key = rng.choice(places)
        if rng.random() < 0.2 and isinstance(holder, dict):
            del holder[key]
        elif rng.random() < 0.3 and isinstance(holder[key], int | float):
            holder[key] = rng.choice((0, -1, 1, 10**9, 2**63, 1e308, float("nan"), 0.5))
        else:
            holder[key] = json_value(rng, 1)
    return found


def _places(value: Any, found: list[tuple[Any, Any]]) -> None:
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            _places(value[key], found)


def _encoded(written: str, charset: str) -> bytes:
    known = charset if charset not in ("", "latin-9") else "utf-8"
    handler: str | Callable[..., Any] = "surrogatepass" if known == "utf-8" else "replace"
    return written.encode(known, str(handler))
