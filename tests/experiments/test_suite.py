"""Suites: what a cell is kept by, how runs become rows and verdicts, and the page."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import open_dict, read_write

from experiments.real_lists.ablation import GROUPS
from experiments.suite.browser import KINDS, Browsed, kinds_of
from experiments.suite.cells import cell_key, plan_cells, run_cell
from experiments.suite.changed import Changes
from experiments.suite.page import Page, render
from experiments.suite.problem import train_settings
from experiments.suite.records import Record, Result, read_record, write_record
from experiments.suite.settings import Claim, Condition, SuiteSettings
from experiments.suite.summary import (
    ablations_of,
    claims_of,
    failures,
    few_seeds,
    group_results,
    over_lists,
    row_of,
)
from experiments.suite.systems import SYSTEMS
from experiments.suite.tables import leaderboard, markdown, verdicts, write_results
from linkage_rl.config import nodes
from linkage_rl.config.command import CONFIGS
from linkage_rl.envs.rewards import RewardWeights
from linkage_rl.errors import ConfigError
from linkage_rl.evaluation.answers import Answers
from linkage_rl.records import CompanyRows, DecisionKind, RecordBatch

TINY = ["experiment=sample", "debug=fast", "training.progress=false"]


def answers(links: str, clients: int = 1_000) -> Answers:
    """A tenth of the clients per letter: 'r' sure and right, 'w' sure and wrong, '-' unsure."""
    letters = np.repeat(list(links), clients // len(links))
    right = letters == "r"
    sure = letters != "-"
    return Answers(
        kind=np.where(sure, DecisionKind.LINK, DecisionKind.NO_MATCH).astype(np.int8),
        pair=np.arange(clients),
        confidence=np.where(sure, 0.9, 0.1).astype(np.float32),
        right=right,
        has_row=np.ones(clients, dtype=np.bool_),
        bought=np.ones(clients, dtype=np.uint16),
        cost=np.full(clients, 0.01, dtype=np.float32),
        family=np.zeros(clients, dtype=np.int16),
    )


def told(
    condition: str, system: str, seed: int, links: str, error: str = ""
) -> tuple[str, RewardWeights, str, Result]:
    record = Record(
        condition, system, system, seed, ("list",), fit_cpu_s=2.0, peak_mb=300.0, error=error
    )
    said = None if error else answers(links)
    return condition, RewardWeights(), "f1", Result(record, Path(f"{system}-{seed}"), said, said)


def suite(**words: object) -> SuiteSettings:
    plain: dict[str, object] = {
        "name": "tried",
        "conditions": {"easy": Condition(), "hard": Condition(against="easy")},
        "systems": ["rules", "ranker"],
        "resamples": 200,
    }
    return SuiteSettings(**(plain | words))  # type: ignore[arg-type]


class TestKeys:
    def test_a_cell_is_kept_by_what_its_answers_depend_on_and_by_nothing_else(self) -> None:
        settings = train_settings([*TINY, "seed=1"])

        def key(system: str, *words: str, seed: int = 1, labels: int = 0) -> str:
            told = train_settings([*TINY, *words]) if words else settings
            return cell_key(told, Condition(labels=labels), system, seed)

        assert key("ranker") == key("ranker", "agent=dqn", "training.steps=7")
        assert key("ranker") != key("ranker", "ranker.width=16")
        assert key("ranker") != key("ranker", seed=2)
        assert key("ranker") != key("ranker", labels=100)
        assert key("ranker") != key("ranker", "table.sample.companies=1_600")
        assert key("rules") == key("rules", "ranker.width=16", seed=2)
        assert key("ppo") != key("ppo", "reward.wrong_link=-2")
        assert key("ppo") == key("ppo", "training.tensorboard=true")

    def test_rankers_come_before_what_starts_from_them_and_rules_run_once(self) -> None:
        cells = plan_cells(
            suite(
                overrides=TINY,
                conditions={"sample": Condition()},
                systems=["rules", "ppo", "best_plan"],
                seeds=[1, 2],
            )
        )

        assert [(cell.system, cell.seed) for cell in cells] == [
            *(("rules", 1), ("ranker", 1), ("ppo", 1), ("best_plan", 1)),
            *(("ranker", 2), ("ppo", 2), ("best_plan", 2)),
        ]
        assert cells[1].folder == cells[2].ranker == cells[3].ranker

    def test_an_unknown_system_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="unknown systems"):
            plan_cells(suite(overrides=TINY, systems=["rulez"]))

    def test_a_condition_needs_the_one_it_is_compared_with(self) -> None:
        with pytest.raises(ConfigError, match="'hard' is compared with 'nothing'"):
            suite(conditions={"hard": Condition(against="nothing")})

    def test_a_cell_that_failed_is_known_by_its_record(self, tmp_path: Path) -> None:
        record = Record("easy", "rules", "rules", 1, error="no such file")

        write_record(tmp_path, record)

        assert read_record(tmp_path) == record
        assert read_record(tmp_path / "elsewhere") is None


class TestSummary:
    def test_the_seeds_of_a_system_become_one_row(self) -> None:
        """Right links of 6, 7 and 8 tenths, nothing wrong: F1 is 2c / (c + 1)."""
        groups, failed = group_results(
            [
                told("easy", "ranker", seed, "r" * (5 + seed) + "-" * (5 - seed))
                for seed in (1, 2, 3)
            ]
        )

        row = row_of(groups[0], resamples=200)

        assert not failed
        assert row.seeds == (1, 2, 3)
        assert row.values["f1"] == pytest.approx((12 / 16, 14 / 17, 16 / 18))
        assert row.figures["f1"] == pytest.approx(np.mean([12 / 16, 14 / 17, 16 / 18]))
        assert row.by_seed["f1"][0] < row.figures["f1"] < row.by_seed["f1"][1]
        assert row.by_client["f1"][0] < row.figures["f1"] < row.by_client["f1"][1]
        assert row.figures["fit_cpu_s"] == 2.0

    def test_claims_hold_are_refuted_or_tie(self) -> None:
        groups, _ = group_results(
            [
                told("easy", "good", 1, "rrrrrrrrr-"),
                told("easy", "bad", 1, "rrr-------"),
                told("easy", "same", 1, "rrrrrrrrr-"),
            ]
        )
        asked = [Claim("good", "bad"), Claim("bad", "good"), Claim("good", "same")]

        found = claims_of(suite(claims=[*asked, Claim("good", "absent")]), groups)

        assert [verdict.sentence for verdict in found] == ["holds", "refuted", "tie"]

    def test_a_condition_is_compared_with_the_one_it_names(self) -> None:
        groups, _ = group_results(
            [told("easy", "ranker", 1, "rrrrrrrrr-"), told("hard", "ranker", 1, "rrr-------")]
        )

        found = ablations_of(suite(), groups)

        assert [(one.ours, one.difference.metric, one.sentence) for one in found] == [
            ("ranker, hard", "f1", "worse"),
            ("ranker, hard", "expected_reward", "worse"),
        ]

    def test_only_systems_of_every_list_enter_the_aggregate(self) -> None:
        groups, _ = group_results(
            [
                *(told("easy", "ranker", seed, "rrrrrrrrr-") for seed in (1, 2)),
                *(told("hard", "ranker", seed, "rrrrr-----") for seed in (1, 2)),
                told("easy", "rules", 1, "rrrrr-----"),
            ]
        )

        rows = over_lists(groups, resamples=200)

        assert [row.system for row in rows] == ["ranker"]
        assert rows[0].figures["f1"] == pytest.approx((18 / 19 + 10 / 15) / 2)

    def test_fewer_seeds_than_asked_are_said(self) -> None:
        groups, _ = group_results(
            [
                *(told("easy", "ranker", seed, "rrrrr-----") for seed in (1, 2)),
                *(told("easy", "ppo", seed, "rrrrr-----") for seed in range(5)),
                told("easy", "rules", 1, "rrrrr-----"),
            ]
        )
        rows = [row_of(group, 50) for group in groups]

        assert few_seeds(rows, 2) == "Fewer than 5 seeds: ranker 2."
        assert few_seeds(rows[1:], 5) == ""

    def test_tables_show_failures_and_no_nan_reaches_json(self, tmp_path: Path) -> None:
        groups, failed = group_results(
            [
                told("easy", "ranker", 1, "rrrrrrrrrr"),
                told("easy", "dedupe", 1, "", error="it did not finish in 1800 s"),
            ]
        )
        rows = [row_of(groups[0], 50), *failures(failed)]
        found = claims_of(suite(claims=[Claim("ranker", "ranker")]), groups)

        write_results(tmp_path / "results.json", {"suite": "tried"}, rows, found)
        back = json.loads((tmp_path / "results.json").read_text())

        assert "dedupe: failed, it did not finish in 1800 s" in leaderboard(rows)
        assert "| failed: it did not finish" in markdown(rows, found)
        assert "tie" in verdicts(found)
        assert back["rows"][0]["figures"]["false_link_rate"] is None
        assert back["rows"][1]["error"]


def browsed() -> Browsed:
    client = {
        "id": "c<1>",
        "text": "</script><b>株式会社</b>",
        "kind": KINDS[0],
        "decision": "link",
        "confidence": 0.9,
        "bought": ["name"],
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
        [told("easy", "ranker", 1, "rrrrrrrrrr"), told("easy", "slow", 1, "", error="too slow")]
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
    words = [program, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    words += [f"--user-data-dir={folder / 'profile'}", (folder / "page.html").as_uri()]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


class TestBrowser:
    def test_every_client_ends_in_one_kind(self) -> None:
        six = replace(
            answers("rw-", 6),
            kind=np.array([1, 1, 1, 0, 0, 0], dtype=np.int8),
            right=np.array([1, 0, 0, 1, 0, 0], dtype=np.bool_),
            has_row=np.array([1, 1, 0, 1, 1, 0], dtype=np.bool_),
        )
        shown = np.array([1, 0, 0, 1, 0, 0], dtype=np.bool_)

        assert [KINDS[place] for place in kinds_of(six, shown)] == [
            *("right link", "wrong link", "link without a row"),
            *("missed, company shown", "missed, company not shown", "right no match"),
        ]


class TestChangedTable:
    def test_a_share_of_the_rows_is_renamed_moved_or_closed(self) -> None:
        """All 6 rows change: 2 swap names, 2 swap places, 2 close."""
        ids = [str(row) for row in range(6)]
        columns = {
            "name": [f"n{row}" for row in ids],
            "city": [f"c{row}" for row in ids],
            "former_names": [""] * 6,
        }
        chunk = CompanyRows(RecordBatch(ids, columns), [""] * 6, [""] * 6)
        changes = Changes(1.0, np.random.default_rng(0), set())

        after = next(changes.apply(iter([chunk])))

        assert after.records.column("name") == ["n3", "n1", "n2", "n0", "n4", "n5"]
        assert after.records.column("former_names") == ["n0", "", "", "n3", "", ""]
        assert after.records.column("city") == ["c0", "c4", "c2", "c3", "c1", "c5"]
        assert changes.closed == {"2", "5"}
        assert [bool(day) for day in after.closed_at] == [False, False, True] * 2


@pytest.mark.slow
def test_a_suite_is_run_once_and_then_read(tmp_path: Path) -> None:
    plan = suite(
        overrides=[*TINY, f"cache={tmp_path / 'cache'}"],
        conditions={"sample": Condition(), "drift": Condition(changed_rows=0.1, against="sample")},
        systems=["rules", "ranker", "best_plan", "oracle"],
        seeds=[1],
        cells=str(tmp_path / "cells"),
    )
    cells = plan_cells(plan)
    first = [run_cell(cell, isolated=False) for cell in cells]
    made = {cell.folder: (cell.folder / "test.npz").stat().st_mtime_ns for cell in cells}

    again = [run_cell(cell, isolated=False) for cell in plan_cells(plan)]

    assert [record.error for record in first] == [""] * len(cells)
    assert again == first
    assert made == {cell.folder: (cell.folder / "test.npz").stat().st_mtime_ns for cell in cells}


SUITES = [path.stem for path in sorted((CONFIGS / "suite").glob("*.yaml"))]


def composed(name: str) -> SuiteSettings:
    nodes.register("run", SuiteSettings, {})
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        whole = compose("run", [f"suite={name}"], return_hydra_config=True)
    HydraConfig.instance().set_config(whole)
    with open_dict(whole), read_write(whole):
        whole.pop("hydra")
    told = nodes.settings(whole, SuiteSettings)
    HydraConfig.instance().cfg = None
    return told


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_becomes_settings_that_name_known_systems(name: str) -> None:
    told = composed(name)

    used = {system for one in told.conditions.values() for system in one.systems}
    claimed = {system for claim in told.claims for system in (claim.ours, claim.theirs)}
    assert (used | set(told.systems)) <= set(SYSTEMS)
    assert claimed <= {*SYSTEMS, *told.peers}
    assert {one.without for one in told.conditions.values()} <= {"", *GROUPS}
    assert told.output == f"outputs/suites/{name}"
    assert len(told.seeds) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("name", SUITES)
def test_every_condition_is_understood_by_the_training_command(name: str) -> None:
    told = composed(name)

    for condition in told.conditions.values():
        assert train_settings([*told.overrides, *condition.overrides]).seed == 1
