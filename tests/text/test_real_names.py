"""No rule turns one company's name into another's: counted over all names of the real table."""

import os
import random
from collections import defaultdict
from pathlib import Path

import pytest

from linkage_rl.text.names import canonical_names
from linkage_rl.text.normalise import core_block, fold_block, join, split

TABLE = Path(os.environ.get("LINKAGE_RL_DATA", "../shared/data")) / "companies.parquet"
FORMS = ("株式会社", "有限会社", "合同会社")
BATCH = 100_000
MOST_CORES = 75
"""Pairs that became equal, of 1.33 million names; 52 in November 2026, which are numbers in kanji
and digits, and 農業法人 before a name; stems (111) are also shared by registered branches."""


def plain_cores(names: list[str]) -> list[str]:
    """Cores of names by folding alone: without the usual forms, marks and spaces."""
    block = fold_block(join(names))
    for form in FORMS:
        block = block.replace(form, "")
    return split(core_block(block), len(names))


def merged(before: list[str], after: list[str]) -> dict[str, set[str]]:
    """Texts of today with the different texts of which they were made."""
    made: dict[str, set[str]] = defaultdict(set)
    for old, new in zip(before, after, strict=True):
        made[new].add(old)
    return {new: olds for new, olds in made.items() if len(olds) > 1}


@pytest.mark.slow
@pytest.mark.skipif(not TABLE.exists(), reason="needs the real company table, LINKAGE_RL_DATA")
def test_no_rule_turns_one_name_into_another() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    names = parquet.read_table(TABLE, columns=["name"])["name"].unique().to_pylist()
    # Other forms are cut by the table of forms, which is tested elsewhere.
    names = [name for name in names if name.startswith(FORMS) or name.endswith(FORMS)]
    plain, cores, stems = [], [], []
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        canonical = canonical_names(batch)
        plain += plain_cores(batch)
        cores += canonical.core
        stems += canonical.stem
    for field, texts, most in (("core", cores, MOST_CORES), ("stem", stems, 2 * MOST_CORES)):
        pairs = merged(plain, texts)
        count = sum(len(olds) - 1 for olds in pairs.values())
        sample = random.Random(0).sample(sorted(pairs.items()), min(20, len(pairs)))
        assert count <= most, (field, count, sample)
