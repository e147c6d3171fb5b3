"""Facts of a log itself, chosen when it is created: its format, its privacy, its retention."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import mysql, postgresql, sqlite

from linkage_rl.decision_log.privacy import FULL, HASHES, KEY_VARIABLE, KINDS, Privacy, outside_key
from linkage_rl.decision_log.schema import NOTES
from linkage_rl.errors import ConfigError, SchemaError

FORMAT: Final = 1
"""Version of the tables; a program refuses logs of later ones."""
_CHECK: Final = b"key of this log"


@dataclass(frozen=True)
class Notes:
    """Facts of a log."""

    privacy: Privacy
    retention_days: int
    """Days after which decisions are deleted, 0 for never."""


def new_notes(privacy: str, retention_days: int) -> dict[str, str]:
    """The notes of a log that is created now.

    Args:
        privacy: 'full' or 'hashes'.
        retention_days: Days after which decisions are deleted, 0 for never.
    """
    key = outside_key()
    own = b"" if key else secrets.token_bytes(32)
    return {
        "format": str(FORMAT),
        "privacy": privacy,
        "retention_days": str(retention_days),
        "hash_key": own.hex(),
        "hash_check": _check(key or own),
    }


def read_notes(connection: Connection) -> dict[str, str]:
    """The notes of a log, name to text; {} where it has none yet."""
    rows = connection.execute(select(NOTES.c.name, NOTES.c.text)).mappings()
    return {row["name"]: row["text"] for row in rows}


def write_missing(connection: Connection, notes: Mapping[str, str]) -> None:
    """Write notes but for those that are there, so that of two programs the first one counts."""
    rows = [{"name": name, "text": text} for name, text in notes.items()]
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.execute(postgresql.insert(NOTES).on_conflict_do_nothing(), rows)
    elif dialect in ("mysql", "mariadb"):
        known = mysql.insert(NOTES)
        connection.execute(known.on_duplicate_key_update(name=known.inserted.name), rows)
    elif dialect == "sqlite":
        connection.execute(sqlite.insert(NOTES).on_conflict_do_nothing(), rows)
    else:
        connection.execute(insert(NOTES), rows)


def set_retention(connection: Connection, days: int) -> None:
    """Change after how many days decisions are deleted, 0 for never."""
    statement = update(NOTES).where(NOTES.c.name == "retention_days").values(text=str(days))
    connection.execute(statement)


def facts(notes: Mapping[str, str], log: str) -> Notes:
    """The notes as values.

    Args:
        notes: What `read_notes` gave.
        log: The log in words, for messages.

    Raises:
        SchemaError: The log is of a later format.
        ConfigError: `LINKAGE_LOG_KEY` is not the secret with which the log was created.
    """
    version = notes["format"]
    if version != str(FORMAT):
        raise SchemaError(
            f"expected a decision log of format {FORMAT}, got format {version[:20]} in {log}; "
            "install the version of linkage_rl that wrote it, or a later one"
        )
    key = bytes.fromhex(notes["hash_key"]) or outside_key()
    if key and not hmac.compare_digest(_check(key), notes["hash_check"]):
        raise ConfigError(
            f"expected in {KEY_VARIABLE} the secret with which {log} was created, got another "
            "one; set it to that value"
        )
    return Notes(Privacy(key, notes["privacy"] == HASHES), int(notes["retention_days"]))


def check_choices(privacy: str, retention_days: int | None) -> None:
    """Refuse choices that no log can have; '' and None choose nothing.

    Raises:
        ConfigError: One is not possible.
    """
    if privacy and privacy not in KINDS:
        raise ConfigError(f"privacy takes one of {', '.join(KINDS)}, got {privacy!r}")
    if retention_days is not None and retention_days < 0:
        raise ConfigError(
            f"retention_days expects a number of days, 0 for no end, got {retention_days}"
        )


def refuse_other_privacy(found: Privacy, privacy: str, log: str) -> None:
    """Refuse a choice that the log was not created with; '' chooses nothing.

    Raises:
        ConfigError: It keeps something else.
    """
    kept = HASHES if found.hashes_only else FULL
    if privacy and privacy != kept:
        raise ConfigError(
            f"expected a log with privacy={privacy}, but {log} was created with privacy={kept}; "
            "create another log, since what was written cannot be changed"
        )


def _check(key: bytes) -> str:
    return hmac.digest(key, _CHECK, "sha256").hex()[:16]
