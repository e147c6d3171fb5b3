import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from linkage_rl.errors import OutputError
from linkage_rl.evaluation.curves import reliability, risk_coverage
from linkage_rl.evaluation.metrics import Metrics
from linkage_rl.evaluation.report import (
    Example,
    Report,
    SystemResult,
    render_html,
    side_by_side,
    write_report,
)

RULES = Metrics(
    clients=1000,
    linked=550,
    linkage_rate=0.55,
    precision=0.905,
    recall=0.6,
    f1=0.7215,
    false_link_rate=0.1,
    reject_precision=0.5,
    reject_recall=0.9,
    review_rate=0.0,
    expected_reward=-0.1234,
    blockers_per_client=2.0,
    cost_per_client=0.01,
)
AGENT = replace(
    RULES, linkage_rate=0.78, f1=0.85, expected_reward=0.4, microseconds_per_client=12.34
)


def full_report() -> Report:
    rng = np.random.default_rng(0)
    confidence = rng.random(500)
    is_right = rng.random(500) < confidence
    agent = SystemResult(
        "maskable_ppo",
        AGENT,
        intervals={"f1": (0.8412, 0.8588)},
        curve=risk_coverage(confidence, is_right),
        reliability=reliability(confidence, is_right),
    )
    rules = SystemResult("rules", RULES)
    example = Example(
        client_id="c-1",
        client="㈱アシスト <東京>",
        decision="link",
        company="株式会社アシスト",
        truth="",
        confidence=0.91,
        outcome="wrong link",
        reason="name equal; city differs",
    )
    return Report(
        title="Sample, test split",
        systems=(rules, agent),
        command="python -m linkage_rl.evaluate bundle=b clients=c.csv",
        notes=("Threshold chosen on valid.",),
        plans=(("name only", 1.0, 0.7),),
        examples=(example,),
    )


def test_the_table_is_aligned_and_shows_rates_in_percent() -> None:
    table = side_by_side({"rules": RULES, "maskable_ppo": AGENT})

    heading, rule, rules, agent = table.splitlines()
    assert len(heading) == len(rule) == len(rules) == len(agent) <= 120
    shown = re.split(r"  +", rules)
    assert shown == [
        "rules",
        "55.0 %",
        "90.5 %",
        "60.0 %",
        "72.2 %",
        "10.0 %",
        "0.0 %",
        "-0.123",
        "2.00",
        "-",
    ]
    assert agent.endswith("+0.400             2.00       12.3")


def test_the_table_stays_within_120_columns_for_long_names_and_slow_systems() -> None:
    slow = replace(AGENT, microseconds_per_client=1_234_567.8, linkage_rate=1.0)

    widths = {len(line) for line in side_by_side({"static plan of all": slow}).splitlines()}

    assert widths.pop() <= 120
    assert not widths


def test_an_undefined_rate_is_a_dash() -> None:
    never = replace(RULES, precision=float("nan"))

    assert " - " in side_by_side({"never": never}).splitlines()[2]


def test_the_page_needs_no_other_file() -> None:
    page = render_html(full_report())

    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', page)
    assert page.count("<svg") == 3


def test_the_page_is_well_formed_and_escapes_what_clients_wrote() -> None:
    page = render_html(full_report())

    checker = TagBalance()
    checker.feed(page)
    assert checker.open_tags == []
    assert "㈱アシスト &lt;東京&gt;" in page


def test_the_page_shows_intervals_and_the_command() -> None:
    page = render_html(full_report())

    assert "84.1 to 85.9" in page
    assert "python -m linkage_rl.evaluate bundle=b clients=c.csv" in page


def test_name_and_metrics_are_enough_for_a_page() -> None:
    page = render_html(Report("Only the rules", (SystemResult("rules", RULES),)))

    assert "55.0 %" in page
    assert "<svg" in page
    assert "Reliability of the confidence" not in page


def test_the_same_report_renders_to_the_same_bytes() -> None:
    assert render_html(full_report()) == render_html(full_report())


def test_a_page_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write the report"):
        write_report(full_report(), tmp_path / "missing" / "report.html")

    write_report(full_report(), tmp_path / "report.html")

    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


class TagBalance(HTMLParser):
    """Keeps the tags that were opened and not closed again."""

    VOID = ("meta", "input", "br", "link")

    def __init__(self) -> None:
        super().__init__()
        self.open_tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag
