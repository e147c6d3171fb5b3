"""The table of what is promised and what is measured."""

import pytest

from experiments.cost.target_lines import TARGETS
from experiments.cost.targets import rows_of
from experiments.tools.kept_tables import f1_of
from experiments.tools.kept_tables import rows_of as kept_rows
from linkage_rl.errors import ConfigError


def test_now_is_the_median_of_the_rounds() -> None:
    _, *rows = rows_of({"build_s": [19.0, 25.0, 18.0], "bulk_1": [14_000.0]})
    found = {row[0]: row[4:] for row in rows}

    assert found["index build"] == ("19.0", "18.0 to 25.0", "-", "reached")
    assert found["bulk linking, CSV to CSV, 1 process"] == ("14,000", "-", "-", "missed")
    assert found["serving image"] == ("-", "-", "-", "not measured")


def test_an_earlier_version_on_the_same_machine_stands_beside_it() -> None:
    readings = {"build_s": [20.0], "bulk_1": [15_000.0]}
    _, *rows = rows_of(readings, {"build_s": [50.0, 40.0, 30.0], "bulk_1": [5_000.0]})
    found = {row[0]: (row[2], row[6]) for row in rows}

    assert found["index build"] == ("40.0", "2.00x")
    assert found["bulk linking, CSV to CSV, 1 process"] == ("5,000", "3.00x")


def test_every_promise_has_a_name_of_its_own() -> None:
    assert len({target.name for target in TARGETS}) == len(TARGETS) >= 20


def test_f1_is_read_from_a_kept_table() -> None:
    rows = {row["system"]: row for row in kept_rows("real_peers.md", "real: moves")}

    assert 0.79 < f1_of(rows["rules"]) < f1_of(rows["ranker"]) < 0.91


def test_a_missing_table_is_named() -> None:
    with pytest.raises(ConfigError, match=r"expected a table 'nothing' in .*real_peers\.md"):
        kept_rows("real_peers.md", "nothing")
