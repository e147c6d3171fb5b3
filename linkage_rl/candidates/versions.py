"""What an index was built with, so that one built otherwise is noticed and not searched in vain.

An index holds hashes of keys, n-grams and packed rows that the code of its day made. A key that was
added or changed since then would find nothing, or wrong companies, without a word. Saved with the
index is therefore a fingerprint of what each function makes of a few example records; code that
makes the same of them counts as the same, so comments and speed-ups cost no rebuild.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from linkage_rl import candidates, text
from linkage_rl.candidates.encode import ROW, document_keys, encode, hash_texts
from linkage_rl.candidates.keys import COUNTED, KEYS, filings, hashed_keys
from linkage_rl.records import RecordBatch
from linkage_rl.text.canonical import canonicalise

ALWAYS: Final = ("company_id", "former_name")
"""Keys that are read besides those of the key blockers in use, and besides `COUNTED`."""

_EXAMPLES: Final[tuple[dict[str, str], ...]] = (
    {
        "name": "五洋建設株式会社大阪支店",
        "name_kana": "ゴヨウケンセツ",
        "name_en": "Penta-Ocean Construction Co., Ltd.",
        "postal_code": "〒112-8576",
        "prefecture": "東京都",
        "city": "文京区",
        "street": "後楽二丁目2番8号五洋ビル3階",
        "phone": "03-3816-7111",
        "url": "https://www.penta-ocean.co.jp/company/",
        "corporate_number": "1010001000006",
        "former_names": "水野組|(株)ペンタ",
    },
    {
        "name": "㈱ｻ-ﾋﾞｽ･ＡＢＣ",
        "name_kana": "カ)サービスエービーシー",
        "street": "横浜市西区みなとみらい2-3-1-1205",
        "phone": "+81 45 (222) 1234 内線5",
        "url": "info@shop.example.com",
        "corporate_number": "T7000012050002",
        "former_names": "サービスエービーシー",
    },
    {
        "name": "丸尾建設(株)・(有)真組JV",
        "postal_code": "600041",
        "prefecture": "北海道",
        "city": "札幌市中央区",
        "street": "大通東3-甲-2",
        "phone": "0112222222",
        "url": "http://maruo.github.io",
    },
    {
        "name": "医療法人社団 髙島齋藤会 代表 山田太郎",
        "name_kana": "ｲﾘﾖｳﾎｳｼﾞﾝ",
        "street": "京都市下京区四条通室町東入函谷鉾町101番地",
        "phone": "+1 415 555 2671",
        "former_names": "齋藤医院|髙島齋藤会|高島",
    },
    {"name": "JFE", "name_en": "JFE Holdings, Inc.", "url": "jfe-holdings.co.jp"},
    {"name": "Yamada Trading Ltd.", "street": "1-2-3 Honmachi, Chuo-ku, Osaka"},
    {"name": "・・・", "postal_code": "none"},
    {},
)
"""Records with every field, in several writings. A change here makes every saved index old."""


@dataclass(frozen=True)
class Versions:
    """Fingerprints of an index, or of the code that is running."""

    encoding: str
    """Of packed rows, documents and their n-grams."""
    counted: tuple[str, ...]
    """Names of the counted keys, in the order of the columns of `Segment.counts`."""
    keys: Mapping[str, str]
    """Fingerprint of every key by name."""
    code: str
    """Digest of the source of `text` and `candidates`. Training wants an index of exactly its code,
    since the examples may miss what a researcher has just changed."""

    @classmethod
    def current(cls) -> "Versions":
        """Those of the code that is running."""
        names = {name for example in _EXAMPLES for name in example}
        raw = RecordBatch(
            [f"{place}" for place in range(len(_EXAMPLES))],
            {name: [example.get(name, "") for example in _EXAMPLES] for name in sorted(names)},
        )
        records = canonicalise(raw)
        encoded = encode(records)
        keys: dict[str, list[NDArray[Any]]] = {
            name: [hashes] for name, hashes in hashed_keys(records).items()
        }
        for name, filed in filings(records).items():
            keys[name] += filed
        keys["company_id"] = [hash_texts(raw.ids)]
        encoding = [encoded.rows, encoded.gram_offsets, encoded.grams, document_keys(records)]
        return cls(
            encoding=_digest([*encoding, np.frombuffer(repr(ROW.descr).encode(), np.uint8)]),
            counted=tuple(COUNTED),
            keys={name: _digest(arrays) for name, arrays in sorted(keys.items())},
            code=code_digest(text, candidates),
        )

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Versions":
        """Those that `content` was saved with."""
        return cls(
            content["encoding"], tuple(content["counted"]), dict(content["keys"]), content["code"]
        )

    def usable_keys(self, saved: "Versions") -> set[str]:
        """Names of the keys that a saved index holds as the running code makes them."""
        return {name for name, version in saved.keys.items() if self.keys.get(name) == version}

    def difference(self, saved: "Versions", needed: Collection[str] | None = None) -> str:
        """Why an index cannot be searched by the running code, in words; '' where it can.

        Args:
            saved: What the index was built with.
            needed: Keys of the key blockers in use; None needs every one of `KEYS`.
        """
        if saved.encoding != self.encoding:
            return "its names and n-grams are written otherwise than by this version"
        if saved.counted != self.counted:
            return f"it counts the keys {list(saved.counted)}, this version {list(self.counted)}"
        wanted = {*(KEYS if needed is None else needed), *COUNTED, *ALWAYS}
        usable = self.usable_keys(saved)
        if changed := sorted((wanted - usable) & saved.keys.keys()):
            return f"its keys {changed} were made by other functions than today's"
        lacking = sorted(wanted - usable)
        return f"it lacks the keys {lacking}" if lacking else ""


_SOURCES: Final = (".py", ".pyx", ".pxd", ".tsv", ".txt", ".xz")


def code_digest(*packages: ModuleType) -> str:
    """Changes with any source or data file of these packages, comments included."""
    digest = xxhash.xxh3_128()
    for package in packages:
        for path in sorted(Path(package.__path__[0]).iterdir()):
            if path.suffix in _SOURCES:
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _digest(arrays: Collection[NDArray[Any]]) -> str:
    digest = xxhash.xxh3_64()
    for array in arrays:
        digest.update(f"{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
