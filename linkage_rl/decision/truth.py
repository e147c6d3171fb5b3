"""Checks the truth of a labelled list against the company table, before anything is measured."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.errors import SchemaError
from linkage_rl.text.cells import MISSING, number_of_cell

MIN_KNOWN: Final = 0.05
"""Share of truths that must be ids of the table; with fewer the list belongs to another table."""

_EXAMPLES: Final = 3
_TRIED: Final = 1000
"""Unknown truths for which a cause is looked for."""


def checked_truth(
    truth: Sequence[str], index: CompanyIndex, what: str
) -> tuple[Sequence[str], str]:
    """The truth of N clients without words that stand for a missing value.

    Args:
        truth: Company ids that are right for each client, joined by '|'; '' for no row.
        index: The company table.
        what: The list in words, for the error and the warning.

    Returns:
        The N texts, '' also for words such as なし and N/A, and a warning that counts truths that
        are no ids of the table, '' if all are. Such a client counts as one whose company is known,
        so linking it to any company is an error.

    Raises:
        SchemaError: (Nearly) no truth is an id of the table.
    """
    ids = sorted({one for text in truth for one in text.split("|")} - {""})
    unknown = {one for one, row in zip(ids, index.find(ids).tolist(), strict=True) if row < 0}
    words = {one for one in unknown if one.strip().lower() in MISSING or not one.strip()}
    if words:
        truth = ["|".join(one for one in t.split("|") if one not in words) for t in truth]
    unknown -= words
    lost = [text for text in truth if text and unknown.issuperset(text.split("|"))]
    if not lost:
        return truth, ""
    stated = sum(map(bool, truth))
    examples = ", ".join(map(repr, list(dict.fromkeys(lost))[:_EXAMPLES]))
    count = f"{what}: {len(lost):,} of {stated:,} truths are no ids of open companies of the table"
    cause = _cause(sorted(unknown)[:_TRIED], index)
    if len(lost) > (1 - MIN_KNOWN) * stated:
        known = index.company_ids(np.arange(min(len(index), _EXAMPLES)))
        theirs = ", ".join(map(repr, dict.fromkeys(known)))
        raise SchemaError(f"{count}, such as {examples}, while it has {theirs}; {cause}")
    return truth, (
        f"{count}, such as {examples}; they stay in the measure as clients that no link is right "
        f"for: {cause}"
    )


def _cause(unknown: Sequence[str], index: CompanyIndex) -> str:
    """What probably happened to most of the unknown ids, and what to do."""
    width = max(map(len, index.company_ids(np.arange(min(len(index), _TRIED)))), default=0)
    changes: Mapping[str, Callable[[str], str]] = MappingProxyType(
        {
            "blanks stand around them; remove those": str.strip,
            "a spreadsheet made numbers of them; write them as text": number_of_cell,
            "leading zeros are lost; write them as text": lambda one: number_of_cell(one).zfill(
                width
            ),
            "the table writes them without leading zeros; remove those": lambda one: one.lstrip(
                "0"
            ),
            "case differs; write them as the table does": str.upper,
        }
    )
    for cause, change in changes.items():
        if 2 * int((index.find([change(one) for one in unknown]) >= 0).sum()) > len(unknown):
            return cause
    return (
        "they belong to another table or another state of it: name the right one with database=, "
        "or the column of the ids with columns.company_id="
    )
