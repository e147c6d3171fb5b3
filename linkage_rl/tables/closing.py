"""Which companies are closed: by a date, a flag or a status, in SQL and in the texts of files."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    CHAR,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    Integer,
    String,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects import mysql

from linkage_rl.errors import SchemaError

TRUE: Final = ("true", "t", "1", "yes", "y", "1.0")
FALSE: Final = ("false", "f", "0", "no", "n", "0.0")
"""Texts of a flag: booleans and whole numbers of databases, and what exports write for them."""

CLOSED: Final = "true"
"""What stands for the date of a company that is closed on an unknown day."""

CLOSED_WHEN: Final = "table.mapping.closed_when"
"""Setting of the conditions under which companies are closed."""

SHOWN_VALUES: Final = 10
"""Values of the column of a condition that a message names."""

BLANKS: Final = " \t\r\n\u3000"
"""What may stand around a value, in databases and files alike."""

_ZERO_DATE: Final = "0000-00-00"
_OR: Final = re.compile(r"\s+or\s+")
_DATED: Final = "(1[89]|20|99)[0-9]{2}|[0-9][年./-] ?[0-9]|[0-9]{9}|infinity"
"""Part of a date in any notation, or of an epoch, in lower case: a status code has none of these.
In the syntax that Python and all databases have."""
_ISO_DATE: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


_BLANKS_OF_POSTGRESQL: Final = literal_column(
    "' ' || chr(9) || chr(13) || chr(10) || "
    "chr(CASE WHEN getdatabaseencoding() = 'UTF8' THEN 12288 ELSE 32 END)",
    Text,
)
"""`BLANKS` without the wide one where the database cannot hold it; a literal of it would fail."""


@dataclass(frozen=True)
class ClosedWhen:
    """One condition under which a company is closed."""

    column: str
    """Column of the table or file."""
    values: tuple[str, ...]
    """Its values that mean closed, in lower case."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text of these values: true is also written 1 or t, false 0 or f, and 2 2.0."""
        flags = {"true": TRUE, "false": FALSE}
        ways = {one: (one, f"{one}.0") if one.isdecimal() else (one,) for one in self.values}
        return tuple(text for one in self.values for text in flags.get(one, ways[one]))


def said_values(condition: ClosedWhen, values: Sequence[Sequence[Any]]) -> str:
    """The values of a condition's column in words, and which of them mean closed.

    Args:
        condition: The condition.
        values: Its most frequent values, each with its number of rows, and whether it is met.

    >>> said_values(ClosedWhen("state", ("closed",)), [("live", 3, False), ("Closed", 2, True)])
    'state: live 3, Closed 2 closed'
    """
    met = [bool(closed) for _, _, closed in values]
    parts = (
        f"{str(text or '').strip(BLANKS) or '(empty)'} {number:,}{' closed' if closed else ''}"
        for text, number, closed in values
    )
    nothing = f"; closed means {' or '.join(condition.values)}, which none of these is"
    return f"{condition.column}: {', '.join(parts)}{'' if any(met) else nothing}"


def closed_when_text(conditions: Mapping[str, Any]) -> str:
    """The conditions of a mapping from column to value or values, as one text.

    Raises:
        SchemaError: They are no mapping.

    >>> closed_when_text({"status": ["closed", "dissolved"], "is_deleted": True})
    'status=closed|dissolved or is_deleted=true'
    """
    if not isinstance(conditions, Mapping):
        raise SchemaError(
            "expected closed_when as {column: [value, ...]} or 'column=value|value', got "
            f"{type(conditions).__name__}; name the column"
        )
    return " or ".join(
        f"{column}={'|'.join(map(_value, [values] if _is_one(values) else values))}"
        for column, values in conditions.items()
    )


def read_closed_when(text: str) -> tuple[ClosedWhen, ...]:
    """The conditions of a text such as 'status=closed|dissolved or is_deleted=true'.

    Raises:
        SchemaError: The text has another form.
    """
    found = []
    for part in _OR.split(text.strip()) if text.strip() else ():
        column, _, values = (one.strip() for one in part.partition("="))
        listed = tuple(value.strip().lower() for value in values.split("|"))
        if not column or not all(listed):
            raise SchemaError(
                "closed_when needs a column and its values that mean closed, as "
                f"'status=closed|dissolved' or 'is_deleted=true', got {text!r}"
            )
        found.append(ClosedWhen(column, listed))
    return tuple(found)


def is_met(dialect: str, condition: ClosedWhen, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """SQL condition: a value of this column means closed.

    Args:
        dialect: 'sqlite', 'postgresql' or another name of SQLAlchemy.
        condition: Which values do.
        column: Its column.
    """
    plain = _plain(dialect, column)
    for letter in sorted(set("".join(condition.values))):
        # lower() of SQLite, and of PostgreSQL with collation C, knows the letters of ASCII only
        if not letter.isascii() and len(letter.upper()) == 1 and letter.upper() != letter:
            plain = func.replace(plain, letter.upper(), letter)
    return plain.in_(condition.texts)


def may_be_empty(column: ColumnElement[Any]) -> bool:
    """Whether a column of texts can be compared with ''; an enum of PostgreSQL cannot."""
    return isinstance(column.type, String) and not isinstance(column.type, Enum)


def closed_in_sql(
    dialect: str,
    closed_at: ColumnElement[Any] | None,
    conditions: Iterable[tuple[ClosedWhen, ColumnElement[Any]]],
) -> ColumnElement[Any]:
    """SQL text: '' while a company is open, else its date, or `CLOSED` where that is unknown.

    A date in the future has not come: until then the company is open.

    Args:
        dialect: 'sqlite', 'postgresql' or another name of SQLAlchemy.
        closed_at: Column of a date, a time or a flag; None where there is none.
        conditions: Each with its column.
    """
    met = or_(
        literal_column("1") == literal_column("0"),
        *(is_met(dialect, one, column) for one, column in conditions),
    )
    by_condition = case((met, literal(CLOSED, Text)), else_=literal("", Text))
    if closed_at is None:
        return by_condition
    plain = _plain(dialect, closed_at)
    is_open = or_(
        closed_at.is_(None),
        # first, as it is so in most rows and takes no time
        *((closed_at == "",) if may_be_empty(closed_at) else ()),
        plain.in_(("", *FALSE)),
        plain.like(f"{_ZERO_DATE}%"),
        _in_future(dialect, closed_at, plain),
    )
    return case((is_open, by_condition), else_=_text(dialect, closed_at))


def unclear_in_sql(dialect: str, closed: ColumnElement[Any]) -> ColumnElement[bool]:
    """SQL condition: a text of `closed_in_sql` that `check_dates` refuses.

    Args:
        dialect: 'sqlite', 'postgresql' or another name of SQLAlchemy.
        closed: The SQL text.
    """
    plain = _plain(dialect, closed)
    # few texts are left for the expression, which SQLite calls back for
    odd = and_(closed != "", not_(closed.like("____-__-__%")), plain.not_in(TRUE))
    return and_(odd, not_(plain.regexp_match(_DATED)))


def check_dates(
    texts: Sequence[str], column: str, what: str, closed_when: str = CLOSED_WHEN
) -> None:
    """Refuse texts of a `closed_at` that are neither dates nor flags.

    Args:
        texts: '' while open.
        column: Where they stand.
        what: Table or file in words.
        closed_when: Setting of its conditions.

    Raises:
        SchemaError: It is unclear whether such a company is closed.
    """
    for text in set(texts):
        plain = _plain_text(text)
        if plain and plain not in TRUE and not re.search(_DATED, plain):
            raise SchemaError(
                f"column {column!r} of {what} is read as closed_at, which needs dates or true and "
                f"false, got {text!r}; say which of its values mean closed, as "
                f"{closed_when}='{column}=VALUE|VALUE'"
            )


def closed_in_texts(
    closed_at: Sequence[str] | None,
    conditions: Iterable[tuple[ClosedWhen, Sequence[str]]],
    rows: int,
) -> list[str]:
    """What `closed_in_sql` gives, for columns of a file; dates in the future stay as they are."""
    closed = [""] * rows
    for one, texts in conditions:
        meant = frozenset(one.texts)
        closed = [
            CLOSED if _plain_text(text) in meant else known
            for text, known in zip(texts, closed, strict=True)
        ]
    if closed_at is None:
        return closed
    today = _today()
    return [
        (known or text) if _in_days(text, today) else known if _is_open(text) else text
        for text, known in zip(closed_at, closed, strict=True)
    ]


def closed_by(
    texts: Callable[[str], Sequence[str]],
    closed_at: str,
    conditions: Sequence[ClosedWhen],
    rows: int,
    what: str,
) -> list[str]:
    """The `closed_at` of N rows of a file or a table in memory.

    Args:
        texts: Gives the N texts of a column.
        closed_at: Column that is read as such, '' for none; one of a condition is not.
        conditions: What else means that a company is closed.
        rows: N.
        what: File or table in words.

    Raises:
        SchemaError: A text does not say whether the company is closed.
    """
    dated = closed_at not in {"", *(one.column for one in conditions)}
    when = [(one, texts(one.column)) for one in conditions]
    closed = closed_in_texts(texts(closed_at) if dated else None, when, rows)
    check_dates(closed, closed_at, what)
    return closed


def is_closed(text: str) -> bool:
    """Whether a `closed_at` means that the company is closed now.

    >>> is_closed("2020-03-31"), is_closed("true"), is_closed("9999-12-31"), is_closed("")
    (True, True, False, False)
    """
    return not _is_open(text) and not _in_days(text, _today())


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _in_days(text: str, today: str) -> bool:
    """Whether a text is a date in the future."""
    plain = _plain_text(text)
    return bool(_ISO_DATE.match(plain)) and plain[:10] > today


def _plain_text(text: str) -> str:
    """What `_plain` gives."""
    return text.strip(BLANKS).lower()


def _is_open(text: str) -> bool:
    plain = _plain_text(text)
    return not plain or plain in FALSE or plain.startswith(_ZERO_DATE)


def _text(dialect: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column as text; that of BIT(1) in MySQL would be a control character."""
    if dialect in ("mysql", "mariadb") and isinstance(column.type, Boolean):
        column = cast(column, Integer)
    if isinstance(column.type, String) and not isinstance(column.type, (CHAR, Enum)):
        return column
    return cast(column, Text)


def _plain(dialect: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column as text in lower case, without `BLANKS` around it."""
    texts = _text(dialect, column)
    if dialect == "sqlite":
        return func.lower(func.trim(texts, BLANKS))
    if dialect == "postgresql":
        return func.lower(func.trim(texts, select(_BLANKS_OF_POSTGRESQL).scalar_subquery()))
    if dialect in ("mysql", "mariadb"):
        # other character sets may lack the wide blank
        texts = cast(texts, mysql.CHAR(charset="utf8mb4"))
    for blank in BLANKS[1:]:
        texts = func.replace(texts, blank, " ")
    return func.lower(func.trim(texts))


def _in_future(
    dialect: str, column: ColumnElement[Any], plain: ColumnElement[Any]
) -> ColumnElement[bool]:
    # SQLite has no types of time: what a column holds are texts or numbers
    if isinstance(column.type, (Date, DateTime)) and dialect != "sqlite":
        return column > func.now()
    today = (
        func.to_char(func.now(), "YYYY-MM-DD")
        if dialect == "postgresql"
        else cast(func.current_date(), Text)
    )
    return and_(plain.like("____-__-__%"), func.substr(plain, 1, 10) > today)


def _is_one(values: object) -> bool:
    return isinstance(values, (str, bool, int, float))


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
