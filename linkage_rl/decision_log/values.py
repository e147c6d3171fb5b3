"""Checks values before they are written: MariaDB without strict mode would cut long texts."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import String, Table

from linkage_rl.decision_log.privacy import all_storable, storable
from linkage_rl.decision_log.rows import DecisionRows, Verdict
from linkage_rl.decision_log.schema import DECISIONS, VERDICTS
from linkage_rl.errors import SchemaError

_FREE_TEXTS: Final = ("customer", "list_id", "client_id", "client", "company_id", "shown", "reason")
"""Texts of callers, which may hold what no database does."""
_CHANCES: Final = ("no_match", "raw_confidence", "confidence", "propensity")
_ROUNDING: Final = 1e-5
"""Sums of softmax weights may be larger than 1 by as much."""
_NUMBERS: Final = (*_CHANCES, "link_threshold", "review_threshold")


def _lengths(table: Table) -> dict[str, int]:
    return {
        column.name: column.type.length
        for column in table.columns
        if isinstance(column.type, String) and column.type.length
    }


_OF_DECISIONS: Final = _lengths(DECISIONS)
_LONGEST_ID: Final = 255
"""Characters of a company id; that of a verdict comes from people and programs."""
_OF_VERDICTS: Final = _lengths(VERDICTS) | {"company_id": _LONGEST_ID}


def checked_rows(rows: DecisionRows) -> DecisionRows:
    """The decisions, with characters that no database holds replaced.

    Raises:
        SchemaError: A text is too long for its column, or a number is none or outside [0, 1].
    """
    texts: dict[str, Any] = {name: all_storable(getattr(rows, name)) for name in _FREE_TEXTS}
    rows = replace(rows, **texts)
    for name, length in _OF_DECISIONS.items():
        _check_length(name, getattr(rows, name), length)
    for name in _NUMBERS:
        _check_numbers(name, getattr(rows, name), name in _CHANCES)
    return rows


def checked_verdicts(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts, with characters that no database holds replaced.

    Raises:
        SchemaError: A text is too long for its column.
    """
    for name, length in _OF_VERDICTS.items():
        _check_length(name, (getattr(one, name) for one in verdicts), length)
    return [
        replace(one, company_id=storable(one.company_id), reviewer=storable(one.reviewer))
        for one in verdicts
    ]


def _check_length(name: str, texts: Iterable[str], length: int) -> None:
    for text in set(texts):
        if len(text) > length:
            raise SchemaError(
                f"expected at most {length} characters in {name}, got {len(text):,}; use a "
                "shorter one"
            )


def _check_numbers(name: str, numbers: Iterable[float], is_chance: bool) -> None:
    for number in set(numbers):
        if not (-_ROUNDING <= number <= 1 + _ROUNDING if is_chance else math.isfinite(number)):
            kind = "from 0 to 1" if is_chance else "that is finite"
            raise SchemaError(f"expected a number {kind} in {name}, got {number}")
