"""The page of a suite, and the clients that it shows."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.suite.browser import KINDS, Browsed, kinds_of
from experiments.suite.page import Page, render
from experiments.suite.summary import claims_of, failures, group_results, row_of
from experiments.tools.settings import Claim
from tests.experiments.made_up import answers, judged_cell, suite


def browsed() -> Browsed:
    client = {
        "id": "c<1>",
        "text": "</script><b>株式会社</b>",
        "kind": KINDS[0],
        "decision": "link",
        "confidence": 0.9,
        "ran": ["name"],
        "cost": 0.01,
        "truth": "no row in the table",
        "candidates": [
            {
                **{"text": "青空商事", "right": False, "best": True, "slot": 1},
                **{"why": "same name", "features": [1.0, 0.0]},
            }
        ],
    }
    other = client | {"id": "c2", "text": "富士山", "kind": KINDS[2], "candidates": []}
    names = ("name_equal", "city_equal")
    counts = dict.fromkeys(KINDS, 1)
    return Browsed("easy", "ranker", 1, 0.5, names, ("name",), [client, other], counts)


def page() -> Page:
    groups, failed = group_results(
        [
            judged_cell("easy", "ranker", 1, "rrrrrrrrrr"),
            judged_cell("easy", "slow", 1, "", error="too slow"),
        ]
    )
    about = {
        **{"suite": "tried", "question": "?", "command": "python -m experiments.run"},
        **{"commit": "abc", "machine": {"cores": 2, "processor": "x"}, "note": ""},
    }
    found = claims_of(suite(claims=[Claim("ranker", "ranker")]), groups)
    return Page(about, [row_of(groups[0], 50), *failures(failed)], found, (), [browsed()])


class TestPage:
    def test_the_page_needs_no_network_and_no_name_can_break_out_of_it(self) -> None:
        html = render(page())

        assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", html)
        assert "</script><b>" not in html
        assert "\\u003c/script>" in html
        assert "failed: too slow" in html

    @pytest.mark.extras
    def test_a_browser_filters_the_clients_by_kind(self, tmp_path: Path) -> None:
        shown = dump(render(page()), tmp_path)
        only = dump(
            render(page()).replace("\nshow();", '\nkind.value = "wrong link"; show();'), tmp_path
        )

        assert shown.count("<details>") == 2
        assert "2 of 2 shown" in shown
        assert only.count("<details>") == 1
        assert "富士山" not in only.partition('id="clients"')[2].partition("<script>")[0]


def dump(html: str, folder: Path) -> str:
    """The page as headless Chromium has built it."""
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if program is None:
        pytest.fail("expected Chromium, found none; apt-get install chromium", pytrace=False)
    (folder / "page.html").write_text(html, encoding="utf-8")
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={folder / 'profile'}", (folder / "page.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


class TestBrowser:
    def test_every_client_ends_in_one_kind(self) -> None:
        six = replace(
            answers("rw-", 6),
            kind=np.array([1, 1, 1, 0, 0, 0], dtype=np.int8),
            right=np.array([1, 0, 0, 1, 0, 0], dtype=np.bool_),
            has_row=np.array([1, 1, 0, 1, 1, 0], dtype=np.bool_),
        )
        visible = np.array([1, 0, 0, 1, 0, 0], dtype=np.bool_)

        assert [KINDS[place] for place in kinds_of(six, visible)] == [
            *("right link", "wrong link", "link without a row"),
            *("missed, company visible", "missed, company not visible", "right no match"),
        ]
