"""What a log keeps of the clients themselves: their ids and fields, or keyed hashes of both.

The hashes are HMAC-SHA256 (Krawczyk, Bellare and Canetti, RFC 2104) cut to 128 bits. Without its
key nobody can try ids or names until a hash fits.
"""

import hmac
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final, NamedTuple

from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.errors import ConfigError
from linkage_rl.records import FIELDS, RecordBatch

KEY_VARIABLE: Final = "LINKAGE_LOG_KEY"
"""Environment variable with the secret of the hashes, where it shall not lie in the log itself."""
FULL: Final = "full"
HASHES: Final = "hashes"
KINDS: Final = (FULL, HASHES)
"""What a log may keep: everything, or hashes in place of client ids and fields."""

_MIN_KEY: Final = 16
_DIGITS: Final = 32
_TO_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class ClientColumns(NamedTuple):
    """What is logged of N clients, N texts each."""

    client_id: list[str]
    client_hash: list[str]
    client: list[str]


@dataclass(frozen=True)
class Privacy:
    """What a log keeps of clients."""

    key: bytes = b""
    """Secret of the hashes; b'' where it is not known, so that clients can only be read."""
    hashes_only: bool = False
    """Whether client ids and fields are kept as hashes only."""

    def columns(self, records: RecordBatch) -> ClientColumns:
        """What is logged of N clients; `applied` hashes their ids when they are written.

        Raises:
            ConfigError: The key of the log is not known.
        """
        fields = client_texts(records)
        hashes = [self._hash(text) for text in fields]
        kept = [""] * len(hashes) if self.hashes_only else fields
        return ClientColumns(list(records.ids), hashes, kept)

    def stored_id(self, client_id: str) -> str:
        """A client's id as the log holds it: '#' and its hash where only hashes are kept.

        Raises:
            ConfigError: The key of the log is not known.
        """
        if not self.hashes_only or not client_id:
            return storable(client_id)
        return f"#{self._hash(f'id:{storable(client_id)}')}"

    def applied(self, rows: DecisionRows) -> DecisionRows:
        """The rows without what the log must not keep, wherever they were made; once only."""
        if not self.hashes_only:
            return rows
        return replace(
            rows,
            client_id=[self.stored_id(one) for one in rows.client_id],
            client=[""] * len(rows),
        )

    def _hash(self, text: str) -> str:
        if not self.key:
            raise ConfigError(
                f"the hashes of this log are made with the secret of {KEY_VARIABLE}, which is not "
                "set; set it to the value with which the log was created"
            )
        return hmac.digest(self.key, text.encode("utf-8", "backslashreplace"), "sha256").hex()[
            :_DIGITS
        ]


def client_texts(records: RecordBatch) -> list[str]:
    """The filled fields of each client as a JSON object, in the order of `FIELDS`.

    >>> client_texts(RecordBatch(["c1"], {"phone": [""], "name": ["青空"]}))
    ['{"name":"青空"}']
    """
    names = [name for name in FIELDS if name in records.columns]
    rows = zip(*(records.columns[name] for name in names), strict=True)
    if not names:
        return ["{}"] * len(records)
    texts = [_TO_JSON(dict(compress(zip(names, row, strict=True), row))) for row in rows]
    # JSON writes what no database holds as escapes; it leaves lone surrogates as they are
    return [text.encode("utf-8", "backslashreplace").decode() for text in texts]


def storable(text: str) -> str:
    """The text with what a database cannot hold, NUL and lone surrogates, as U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def all_storable(texts: Sequence[str]) -> Sequence[str]:
    """The texts, each as `storable` gives it; one look at all of them where nothing is odd."""
    together = "".join(texts)
    return texts if storable(together) == together else [storable(text) for text in texts]


def outside_key(environ: Mapping[str, str] = os.environ) -> bytes:
    """The secret of `LINKAGE_LOG_KEY`, b'' where there is none; line breaks at its end are cut.

    Raises:
        ConfigError: It is too short to be a secret.
    """
    key = environ.get(KEY_VARIABLE, "").strip("\r\n")
    if key and len(key.strip()) < _MIN_KEY:
        raise ConfigError(
            f"{KEY_VARIABLE} must have at least {_MIN_KEY} characters besides blanks, got "
            f"{len(key.strip())}; make one with `openssl rand -hex 32`"
        )
    return os.fsencode(key)
