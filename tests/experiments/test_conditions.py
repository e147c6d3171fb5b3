"""What a condition does to the cases of its problem."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.suite.cells import plan_cells
from experiments.suite.conditions import (
    GROUPS,
    build_condition,
    condition_content,
    halved,
    without_features,
)
from experiments.suite.coverage import KindRecall, recall_by_kind, recall_rows
from experiments.suite.former_names import former_names, list_files, with_former_names
from experiments.suite.thinned import FIELDS_KEPT
from experiments.tools.composing import train_settings
from experiments.tools.problem import Problem, build_problem, numbered_clients, right_is_visible
from experiments.tools.settings import Condition
from linkage_rl.decision.cases import CaseSet, join_cases
from linkage_rl.decision.observation import View
from linkage_rl.errors import ConfigError
from linkage_rl.records import RecordBatch
from linkage_rl.tables.split import SPLITS
from linkage_rl.train import TrainSettings
from tests.cases_factory import Candidate, Client, two_clients, typed_cases
from tests.experiments.made_up import suite

VIEW = View(max_candidates=4, costs=(0.01, 0.03))
TINY = ("experiment=sample", "debug=fast", "training.progress=false")


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    """The smallest sample as a problem."""
    return build_problem(train_settings([*TINY, f"cache={tmp_path_factory.mktemp('cache')}"]))


def ids_of(cases: CaseSet) -> list[str]:
    return cases.clients.take(np.arange(len(cases)))


def test_copies_of_a_client_share_its_number_within_a_list() -> None:
    ten = typed_cases([Client([Candidate("五洋建設", 1, 0.9, right=True)])] * 10)
    copies = ten.take(np.arange(10))

    number = numbered_clients(join_cases([ten, ten, copies], [0, 1, 1]))

    assert set(number.tolist()) == set(range(20))
    assert number[10:20].tolist() == number[20:].tolist()
    assert set(number[:10]).isdisjoint(number[10:])


def test_a_right_company_is_visible_in_a_slot_and_not_behind_the_last() -> None:
    """Three candidates of equal score; the right one comes last by its number."""
    behind = [Candidate("五洋建設", 1, 0.9), Candidate("青空商事", 1, 0.8)]
    cases = typed_cases([Client([*behind, Candidate("海商事", 1, 0.1, right=True)])])

    assert right_is_visible(cases, View(3, VIEW.costs)).tolist() == [True]
    assert right_is_visible(cases, View(2, VIEW.costs)).tolist() == [False]
    nothing_ran = np.zeros(1, dtype=np.uint16)
    assert right_is_visible(cases, View(3, VIEW.costs), nothing_ran).tolist() == [False]


def test_a_feature_that_is_left_out_is_zero_for_every_pair(problem: Problem) -> None:
    cases = two_clients()
    small = replace(problem, train=cases, valid=cases, test=cases, view=VIEW)

    blank = without_features(small, (cases.feature_names[0],))

    assert not blank.train.features[:, 0].any()
    assert np.array_equal(blank.test.features[:, 1:], cases.features[:, 1:])


def test_half_of_the_valid_clients_choose_and_the_others_are_judged(problem: Problem) -> None:
    halves = halved(problem)

    assert set(ids_of(halves.valid)).isdisjoint(ids_of(halves.test))
    assert {*ids_of(halves.valid), *ids_of(halves.test)} == set(ids_of(problem.valid))
    assert halves.train is problem.train


def test_a_problem_keeps_whether_review_is_allowed(problem: Problem) -> None:
    env = replace(problem.settings.env, allow_review=True)

    assert not problem.view.allow_review
    assert build_problem(replace(problem.settings, env=env), learns=False).view.allow_review


def test_test_clients_known_by_fewer_fields_keep_their_truth(problem: Problem) -> None:
    thinned = build_condition(problem.settings, Condition(test_fields="name only"), learns=False)

    assert ids_of(thinned.test) == ids_of(problem.test)
    assert np.array_equal(thinned.test.has_row, problem.test.has_row)
    assert thinned.records["sample"].columns.keys() == {"name"}
    assert np.array_equal(thinned.valid.features, problem.valid.features)
    visible = right_is_visible(thinned.test, problem.view)
    assert visible.mean() < right_is_visible(problem.test, problem.view).mean()


def test_every_change_of_the_cases_changes_the_digest_of_a_condition(problem: Problem) -> None:
    changes = [
        Condition(),
        Condition(labels=10),
        Condition(valid_halves=True),
        Condition(changed_rows=0.1),
        Condition(test_fields="name only"),
        *(Condition(without=name) for name in GROUPS),
    ]

    contents = [str(condition_content(problem.settings, one)) for one in changes]

    assert len(set(contents)) == len(changes)


def test_thinned_lists_keep_what_their_title_says() -> None:
    records = RecordBatch(
        ["c1"],
        {
            "name": ["青空商事"],
            "name_kana": ["アオゾラショウジ"],
            "postal_code": ["1010051"],
            "street": ["東京都千代田区神田神保町2-38"],
        },
    )

    kept = {title: keep(records).columns for title, keep in FIELDS_KEPT.items()}

    assert kept["all fields"] == records.columns
    assert kept["name and city"] == {"name": ["青空商事"], "street": ["東京都千代田区"]}
    assert kept["name only"] == {"name": ["青空商事"]}
    assert kept["name and reading"].keys() == {"name", "name_kana"}
    assert kept["without reading"].keys() == {"name", "postal_code", "street"}


class TestFormerNames:
    def written(self, folder: Path) -> list[str]:
        for split in SPLITS:
            rows = f"1,株式会社旧{split},6010001000001\n2,株式会社無,\n"
            text = f"client_id,name,company_id\n{rows}"
            (folder / f"moves_{split}.csv").write_text(text, encoding="utf-8")
        return [str(folder / f"moves_{split}.csv") for split in SPLITS]

    def test_former_names_are_those_of_the_clients_of_the_lists(self, tmp_path: Path) -> None:
        assert former_names(self.written(tmp_path)) == {
            "6010001000001": {"株式会社旧train", "株式会社旧valid", "株式会社旧test"}
        }

    def test_the_copy_of_the_table_has_them_as_a_column(self, tmp_path: Path) -> None:
        files = self.written(tmp_path)
        table = pa.table({"company_id": ["6010001000001", "x"], "name": ["株式会社旧test", "他"]})
        pq.write_table(table, tmp_path / "companies.parquet")
        table_settings = replace(TrainSettings().table, source=str(tmp_path / "companies.parquet"))
        settings = TrainSettings(table=table_settings, cache=str(tmp_path / "cache"))

        extended = with_former_names(settings, "moves")

        assert list_files(settings, "moves") == files
        column = pq.read_table(extended.table.source)["former_names"].to_pylist()
        assert column == ["株式会社旧train|株式会社旧valid", ""]
        assert extended.table.database != settings.table.database

    def test_a_table_without_a_source_has_no_lists_beside_it(self) -> None:
        with pytest.raises(ConfigError, match=r"former_names=moves needs table\.source"):
            list_files(TrainSettings(), "moves")


def test_candidate_recall_is_reported_by_kind(tmp_path: Path) -> None:
    """Two exact names and one that no blocker proposes; a client without a row does not count."""
    (tmp_path / "companies.csv").write_text(
        "company_id,name\n1,青空商事株式会社\n2,五洋建設株式会社\n3,株式会社ABC\n", encoding="utf-8"
    )
    rows = "a,青空商事,1,exact\nb,五洋建設,2,exact\nc,富士山,3,old_name\nd,海の家,,exact\n"
    (tmp_path / "list.csv").write_text(f"client_id,name,company_id,noise\n{rows}", encoding="utf-8")
    lists = [
        f"clients.{split}={{small: {tmp_path}/list.csv}}" for split in ("train", "valid", "test")
    ]
    plan = suite(
        overrides=[
            *("training.progress=false", f"cache={tmp_path}/cache", "table.name=small"),
            *(f"table.source={tmp_path}/companies.csv", *lists),
        ],
        conditions={"base": Condition()},
        systems=["rules"],
    )

    found = recall_by_kind(plan_cells(plan)[0], {"small": "noise"})

    assert found == [
        KindRecall("base", "small", "all", 3, 2 / 3),
        KindRecall("base", "small", "exact", 2, 1.0),
        KindRecall("base", "small", "old_name", 1, 0.0),
    ]
    assert recall_rows(found)[1:2] == [["base", "small", "all", "3", "0.6667"]]
