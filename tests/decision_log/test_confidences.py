"""The values that samples are drawn by, read page after page."""

import pytest

from linkage_rl.decision_log import confidences as module
from linkage_rl.decision_log.confidences import confidences
from linkage_rl.decision_log.rows import Selection
from tests.logged_decisions import decisions, log_of


@pytest.mark.parametrize("page", [1, 3, 7, 50_000])
def test_every_selected_decision_is_read_once_in_the_order_of_ids(
    page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE", page)
    rows = decisions([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], ["link", "review"] * 3 + ["link"])
    with log_of(rows) as log:
        log.append(decisions([0.9], list_id="other"))

        found = confidences(log, Selection(list_id="list", action="link"))

    assert found.decision_id == [f"list{place:06}" for place in (0, 2, 4, 6)]
    assert found.confidence.tolist() == [0.1, 0.3, 0.5, 0.7]


def test_some_can_be_left_out() -> None:
    with log_of(decisions([0.1, 0.2, 0.3])) as log:
        found = confidences(log, Selection()).without({"list000001"})

    assert found.confidence.tolist() == [0.1, 0.3]
    assert len(found) == 2
