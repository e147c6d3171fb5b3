"""Numbers of three bytes come back as they were, and are read as those of four bytes are."""

from dataclasses import replace

import numpy as np
import pytest

from linkage_rl.candidates import _grams
from linkage_rl.candidates.blockers import NgramBlocker
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.narrow import END, LIMIT, numbers_at, three_bytes
from tests.small_table import clients, company_rows

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_numbers_come_back_and_the_largest_is_found(count: int) -> None:
    numbers = RANDOM.integers(0, LIMIT, count).astype(np.int32)
    numbers[-1:] = LIMIT - 1
    narrow = np.concatenate([three_bytes(numbers), END])

    assert narrow.nbytes == 3 * count + 1
    assert (numbers_at(narrow, np.arange(count)) == numbers).all()
    assert _grams.highest(narrow) == (LIMIT - 1 if count else -1)


def test_postings_of_four_bytes_find_the_same_names() -> None:
    """Tables of more distinct names than three bytes can number have them."""
    letters = RANDOM.choice([*"山川田中大小木本石上"], (3000, 6))
    rows = {f"c{row}": {"name": "".join(name[: 2 + row % 5])} for row, name in enumerate(letters)}
    segment = CompanyIndex.build([company_rows(rows)]).base
    narrow = segment.postings
    wide = replace(segment, postings=numbers_at(narrow, np.arange(len(narrow) // 3)))
    asking = clients(*({"name": "".join(name)} for name in letters[:300]))
    alive = np.ones(len(segment), dtype=np.uint8)

    assert wide.postings.nbytes == 4 * (narrow.nbytes // 3)
    for blocker in (NgramBlocker(), NgramBlocker(budget=50, documents=5)):
        found, same = (
            blocker.propose(one, alive, asking, np.arange(300), 10) for one in (segment, wide)
        )
        assert (found.rows == same.rows).all()
        assert (found.retrieval_score == same.retrieval_score).all()
        assert (found.rows >= 0).any()
