"""The tables of a decision log: `decisions`, `verdicts`, and the questions put to people."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import mysql

METADATA: Final = MetaData()
LONGEST_NAME: Final = 128
"""Characters of the id of a customer or list."""

# ids are compared byte by byte: MariaDB takes 'a' and 'A' for one id otherwise
_BINARY: Final = "utf8mb4_bin"
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")


def _text(length: int) -> String:
    return (
        String(length)
        .with_variant(
            mysql.VARCHAR(length, charset="utf8mb4", collation=_BINARY), "mysql", "mariadb"
        )
        .with_variant(String(length, collation="C"), "postgresql")
    )


def _long_text() -> Text:
    long = mysql.LONGTEXT(charset="utf8mb4", collation=_BINARY)
    return Text().with_variant(long, "mysql", "mariadb")


def _bytes() -> LargeBinary:
    return LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


DECISIONS: Final = Table(
    "decisions",
    METADATA,
    Column("decision_id", _text(32), primary_key=True),
    Column("decided_at", _text(24), nullable=False),
    Column("source", _text(16), nullable=False),
    Column("customer", _text(LONGEST_NAME), nullable=False),
    Column("list_id", _text(LONGEST_NAME), nullable=False),
    Column("client_id", _long_text(), nullable=False),
    Column("client_hash", _text(32), nullable=False),
    Column("client", _long_text(), nullable=False),
    Column("bundle", _text(16), nullable=False),
    Column("table_state", _text(32), nullable=False),
    Column("features", _text(32), nullable=False),
    Column("shown", _long_text(), nullable=False),
    Column("no_match", Double, nullable=False),
    Column("ran", Integer, nullable=False),
    Column("action", _text(16), nullable=False),
    Column("company_id", _long_text(), nullable=False),
    Column("raw_confidence", Double, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("link_threshold", Double, nullable=False),
    Column("review_threshold", Double, nullable=False),
    Column("greedy_action", _text(16), nullable=False),
    Column("propensity", Double, nullable=False),
    Column("exploration", _text(32), nullable=False),
    Column("reason", _long_text(), nullable=False),
    Column("evidence", _bytes(), nullable=False),
    Index("decisions_by_list", "list_id", "decision_id"),
    Index("decisions_by_customer", "customer", "decided_at"),
    Index(
        "decisions_by_client",
        "client_id",
        # ids of any length: a B-tree of PostgreSQL takes 2,700 bytes, MariaDB the first characters
        postgresql_using="hash",
        mysql_length=64,
        mariadb_length=64,
    ),
    Index("decisions_by_time", "decided_at"),
)
"""One row per decision; see `rows.DecisionRows`."""

VERDICTS: Final = Table(
    "verdicts",
    METADATA,
    Column("verdict_id", _NUMBER, primary_key=True, autoincrement=True),
    Column("decision_id", _text(32), nullable=False, index=True),
    Column("answer", _text(16), nullable=False),
    Column("company_id", _long_text(), nullable=False),
    Column("reviewer", _text(255), nullable=False),
    Column("given_at", _text(24), nullable=False),
    Column("why_asked", _text(32), nullable=False),
    Column("chance", Double, nullable=False),
    Column("question_id", _NUMBER, nullable=True),
    Index("verdicts_by_reviewer", "reviewer", "verdict_id"),
    sqlite_autoincrement=True,
)
"""One row per verdict, never changed; see `rows.Verdict`."""

QUEUES: Final = Table(
    "review_queues",
    METADATA,
    Column("queue_id", _text(32), primary_key=True),
    Column("kind", _text(32), nullable=False),
    Column("created_at", _text(24), nullable=False),
    Column("settings", _long_text(), nullable=False),
)
"""What is asked of people and why; `settings` is a JSON object."""

QUESTIONS: Final = Table(
    "review_questions",
    METADATA,
    Column("question_id", _NUMBER, primary_key=True, autoincrement=True),
    Column("queue_id", _text(32), ForeignKey("review_queues.queue_id"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("decision_id", _text(32), nullable=False),
    Column("chance", Double, nullable=False),
    Column("reviewer", _text(255), nullable=False),
    Column("taken_at", _text(24), nullable=False),
    Column("answered", Integer, nullable=False),
    Index("questions_in_order", "queue_id", "place", unique=True),
    Index("questions_open", "queue_id", "answered", "place"),
    Index("questions_by_reviewer", "reviewer", "answered", "queue_id"),
    Index("questions_by_decision", "decision_id"),
    sqlite_autoincrement=True,
)
"""The clients of a queue in the order in which they are asked about, from place 0 on. `chance` is
that of the draw. `reviewer` and `taken_at` say who looks at it now, '' for nobody. `answered` is 0
for an open question, 1 for an answered one, and 2 for a client that an earlier place of the queue
asks about: it is never asked, and is answered with that one."""

NOTES: Final = Table(
    "log_notes",
    METADATA,
    Column("name", _text(64), primary_key=True),
    Column("text", _long_text(), nullable=False),
)
"""Facts of the log itself: its format, the key of its hashes, whether it keeps hashes only."""
