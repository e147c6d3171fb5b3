"""Suites: the key of a cell, and how runs become rows and verdicts."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from experiments.peers.cells import joined
from experiments.suite.cells import cell_key, plan_cells, run_cell
from experiments.suite.changed import Changes
from experiments.suite.conditions import GROUPS
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
from experiments.suite.thinned import FIELDS_KEPT
from experiments.tools.composing import train_settings
from experiments.tools.digests import ROOT, imported_sources
from experiments.tools.problem import of_clients
from experiments.tools.records import Record, read_record, write_record
from experiments.tools.settings import Claim, Condition, SuiteSettings
from linkage_rl.config.command import CONFIGS
from linkage_rl.config.composing import compose_settings
from linkage_rl.decision.cases import join_cases
from linkage_rl.errors import ConfigError
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.train import TrainSettings
from tests.cases_factory import Candidate, Client, typed_cases
from tests.experiments.made_up import judged_cell, suite, with_result

TINY = ["experiment=sample", "debug=fast", "training.progress=false"]


class TestKeys:
    def test_the_key_of_a_cell_depends_only_on_what_changes_its_answers(
        self,
    ) -> None:
        settings = train_settings([*TINY, "seed=1"])

        def key(system: str, *overrides: str, seed: int = 1, labels: int = 0) -> str:
            changed = train_settings([*TINY, *overrides]) if overrides else settings
            return cell_key(changed, Condition(labels=labels), system, seed)

        assert key("ranker") == key("ranker", "agent=dqn", "training.total_timesteps=7")
        assert key("ranker") != key("ranker", "ranker.width=16")
        assert key("ranker") != key("ranker", seed=2)
        assert key("ranker") != key("ranker", labels=100)
        assert key("ranker") != key("ranker", "table.sample.companies=1_600")
        assert key("rules") == key("rules", "ranker.width=16", seed=2)
        assert key("ppo") != key("ppo", "reward.wrong_link=-2")
        assert key("ppo") == key("ppo", "training.tensorboard=true")

    def test_the_key_of_a_cell_depends_on_the_code_that_its_system_imports(self) -> None:
        def code(system: str) -> set[str]:
            files = imported_sources(*SYSTEMS[system].code)
            return {str(path.relative_to(ROOT)) for path in files}

        ranker, agent = code("ranker"), code("dqn")
        assert "linkage_rl/agents/scorer.py" in ranker
        assert agent > ranker
        assert {"linkage_rl/agents/warm_start.py", "linkage_rl/envs/core.py"} <= agent - ranker
        assert "experiments/suite/lightgbm_scores.py" in code("lightgbm")
        assert "linkage_rl/agents/ranker.py" in code("flat_ranker")
        assert "linkage_rl/agents/ranker.py" not in code("lightgbm")
        assert all(kind.code for kind in SYSTEMS.values() if kind.learns)

    def test_rankers_come_before_what_starts_from_them_and_rules_run_once(self) -> None:
        cells = plan_cells(
            suite(
                overrides=TINY,
                conditions={"sample": Condition()},
                systems=["rules", "ppo", "static_plan"],
                seeds=[1, 2],
            )
        )

        assert [(cell.system, cell.seed) for cell in cells] == [
            *(("rules", 1), ("ranker", 1), ("ppo", 1), ("static_plan", 1)),
            *(("ranker", 2), ("ppo", 2), ("static_plan", 2)),
        ]
        assert cells[1].folder == cells[2].ranker == cells[3].ranker

    def test_an_unknown_system_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="unknown systems"):
            plan_cells(suite(overrides=TINY, systems=["rulez"]))

    def test_a_condition_needs_the_one_it_is_compared_with(self) -> None:
        with pytest.raises(ConfigError, match="'hard' is compared with 'nothing'"):
            suite(conditions={"hard": Condition(against="nothing")})

    def test_peers_are_refused_where_a_condition_changes_cases(self) -> None:
        with pytest.raises(ConfigError, match="'few' changes cases, but peers read complete lists"):
            suite(conditions={"few": Condition(labels=100)}, peers=["splink"])

    def test_parameters_of_lightgbm_are_part_of_the_key_of_its_cells_only(self) -> None:
        settings = TrainSettings()

        def key(system: str, **parameters: float) -> str:
            return cell_key(settings, Condition(lightgbm=parameters), system, 1)

        assert key("lightgbm", num_leaves=7) != key("lightgbm")
        assert key("ranker", num_leaves=7) == key("ranker")

    def test_a_cell_that_failed_is_known_by_its_record(self, tmp_path: Path) -> None:
        record = Record("easy", "rules", "rules", 1, error="no such file")

        write_record(tmp_path, record)

        assert read_record(tmp_path) == record
        assert read_record(tmp_path / "elsewhere") is None


class TestLabels:
    def test_a_label_is_a_client_with_all_its_cases_in_one_list(self) -> None:
        """Sixty cases of two lists, both of which call their twenty clients c0 to c19."""
        twenty = typed_cases([Client([Candidate("五洋建設", 1, 0.9, right=True)])] * 20)
        copies = twenty.take(np.arange(20))
        every = join_cases([twenty, twenty, copies], [0, 1, 1])

        few = of_clients(every, 8, seed=1)

        assert len(few) == 8 + np.count_nonzero(few.dataset) // 2
        assert len(set(zip(few.clients.take(np.arange(len(few))), few.dataset, strict=True))) == 8

    def test_every_seed_draws_its_own_and_too_many_are_all(self) -> None:
        cases = typed_cases([Client([Candidate("五洋建設", 1, 0.9, right=True)])] * 20)

        def drawn(seed: int) -> list[str]:
            return of_clients(cases, 10, seed).clients.take(np.arange(10))

        assert drawn(1) == drawn(1) != drawn(2)
        assert len(of_clients(cases, 0, 1)) == len(of_clients(cases, 20, 1)) == 20


class TestSummary:
    def test_the_seeds_of_a_system_become_one_row(self) -> None:
        """Right links of 6, 7 and 8 tenths, nothing wrong: F1 is 2c / (c + 1)."""
        groups, failed = group_results(
            [
                judged_cell("easy", "ranker", seed, "r" * (5 + seed) + "-" * (5 - seed))
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

    def test_a_peer_is_calibrated_on_each_list_separately(self) -> None:
        """Its scores of the second list are a tenth of what as good a link has on the first."""
        one = judged_cell("easy", "ranker", 1, "rrrrwww---")
        assert one.result.test is not None
        scaled = replace(
            one.result.test,
            confidence=one.result.test.confidence * np.float32(0.1),
            dataset=one.result.test.dataset + 1,
        )
        both = joined([one.result.test, scaled])

        def f1_of(system: str) -> float:
            record = {"system": system, "datasets": ("first", "second")}
            groups, _ = group_results([with_result(one, record, valid=both, test=both)])
            return groups[-1].runs[0].figures()["f1"]

        assert f1_of("splink") > f1_of("ranker")

    def test_claims_hold_are_refuted_or_tie(self) -> None:
        groups, _ = group_results(
            [
                judged_cell("easy", "good", 1, "rrrrrrrrr-"),
                judged_cell("easy", "bad", 1, "rrr-------"),
                judged_cell("easy", "same", 1, "rrrrrrrrr-"),
            ]
        )
        claims = [Claim("good", "bad"), Claim("bad", "good"), Claim("good", "same")]

        found = claims_of(suite(claims=[*claims, Claim("good", "absent")]), groups)

        assert [verdict.sentence for verdict in found] == ["holds", "refuted", "tie"]

    def test_the_lower_cost_is_better(self) -> None:
        cheap = judged_cell("easy", "cheap", 1, "rrrrrrrrr-")
        assert cheap.result.test is not None
        costly = replace(cheap.result.test, cost=cheap.result.test.cost + 1)
        groups, _ = group_results([cheap, with_result(cheap, {"system": "costly"}, test=costly)])
        claims = [
            Claim("cheap", "costly", "cost_per_client"),
            Claim("costly", "cheap", "cost_per_client"),
        ]

        found = claims_of(suite(claims=claims), groups)

        assert [verdict.sentence for verdict in found] == ["holds", "refuted"]
        assert found[0].difference.gap == pytest.approx(-1)
        assert found[0].difference.wins == 1

    def test_a_condition_is_compared_with_the_one_it_names(self) -> None:
        groups, _ = group_results(
            [
                judged_cell("easy", "ranker", 1, "rrrrrrrrr-"),
                judged_cell("hard", "ranker", 1, "rrr-------"),
            ]
        )

        found = ablations_of(suite(), groups)

        assert [(one.ours, one.difference.metric, one.sentence) for one in found] == [
            ("ranker, hard", "f1", "worse"),
            ("ranker, hard", "expected_reward", "worse"),
        ]

    def test_only_systems_of_every_list_enter_the_aggregate(self) -> None:
        groups, _ = group_results(
            [
                *(judged_cell("easy", "ranker", seed, "rrrrrrrrr-") for seed in (1, 2)),
                *(judged_cell("hard", "ranker", seed, "rrrrr-----") for seed in (1, 2)),
                judged_cell("easy", "rules", 1, "rrrrr-----"),
            ]
        )

        rows = over_lists(groups, resamples=200)

        assert [row.system for row in rows] == ["ranker"]
        assert rows[0].figures["f1"] == pytest.approx((18 / 19 + 10 / 15) / 2)

    def test_fewer_seeds_than_asked_are_reported(self) -> None:
        groups, _ = group_results(
            [
                *(judged_cell("easy", "ranker", seed, "rrrrr-----") for seed in (1, 2)),
                *(judged_cell("easy", "ppo", seed, "rrrrr-----") for seed in range(5)),
                judged_cell("easy", "rules", 1, "rrrrr-----"),
            ]
        )
        rows = [row_of(group, 50) for group in groups]

        assert few_seeds(rows, 2) == "Fewer than 5 seeds: ranker 2."
        assert few_seeds(rows[1:], 5) == ""

    def test_tables_show_failures_and_no_nan_reaches_json(self, tmp_path: Path) -> None:
        groups, failed = group_results(
            [
                judged_cell("easy", "ranker", 1, "rrrrrrrrrr"),
                judged_cell("easy", "dedupe", 1, "", error="it did not finish in 1800 s"),
            ]
        )
        rows = [row_of(groups[0], 50), *failures(failed)]
        found = claims_of(suite(claims=[Claim("ranker", "ranker")]), groups)

        write_results(tmp_path / "results.json", {"suite": "tried"}, rows, found)
        back = json.loads((tmp_path / "results.json").read_text())

        assert "dedupe: failed, it did not finish in 1800 s" in leaderboard(rows)
        table = markdown(rows, found, "make experiment name=tried")
        assert table.startswith("```bash\nmake experiment name=tried\n```")
        assert "| failed: it did not finish" in table
        assert "tie" in verdicts(found)
        assert back["rows"][0]["figures"]["false_link_rate"] is None
        assert back["rows"][1]["error"]


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
        systems=["rules", "ranker", "static_plan", "oracle"],
        seeds=[1],
        cells=str(tmp_path / "cells"),
    )
    cells = plan_cells(plan)
    first = [run_cell(cell, isolated=False) for cell in cells]
    written = {cell.folder: (cell.folder / "test.npz").stat().st_mtime_ns for cell in cells}

    again = [run_cell(cell, isolated=False) for cell in plan_cells(plan)]

    assert [record.error for record in first] == [""] * len(cells)
    assert again == first
    assert written == {cell.folder: (cell.folder / "test.npz").stat().st_mtime_ns for cell in cells}


SUITES = [path.stem for path in sorted((CONFIGS / "suite").glob("*.yaml"))]


def composed(name: str) -> SuiteSettings:
    return compose_settings("run", [f"suite={name}"], SuiteSettings).settings


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_becomes_settings_that_name_known_systems(name: str) -> None:
    settings = composed(name)

    used = {system for one in settings.conditions.values() for system in one.systems}
    claimed = {system for claim in settings.claims for system in (claim.ours, claim.theirs)}
    assert (used | set(settings.systems)) <= set(SYSTEMS)
    assert claimed <= {*SYSTEMS, *settings.peers}
    assert {one.without for one in settings.conditions.values()} <= {"", *GROUPS}
    assert {one.test_fields for one in settings.conditions.values()} <= {"", *FIELDS_KEPT}
    assert settings.output == f"outputs/suites/{name}"
    assert len(settings.seeds) >= 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        # their dozens of conditions take half a minute
        pytest.param(name, marks=pytest.mark.extras if name.endswith("ablation") else ())
        for name in SUITES
    ],
)
def test_every_condition_is_understood_by_the_training_command(name: str) -> None:
    settings = composed(name)
    shortened = "defaults" in OmegaConf.load(CONFIGS / "suite" / f"{name}.yaml")

    # a suite that shortens another one has its conditions
    for condition in [*settings.conditions.values()][: 1 if shortened else None]:
        assert train_settings([*settings.overrides, *condition.overrides]).seed == 1
