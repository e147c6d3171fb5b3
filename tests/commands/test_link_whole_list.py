"""What `link` says of a list as a whole: claims, one-to-one, duplicates, dedupe, explanations."""

import json
from pathlib import Path

import pytest

from tests.commands.list_shop import HEADER, LIST, OSAKA, TOKYO
from tests.commands.shop import Run, write_csv
from tests.commands.test_link import SAME_TIME, rows_of

LINES = [
    HEADER,
    ("k1", "株式会社青空商事", *TOKYO),
    ("k2", "㈱青空商事", *TOKYO),
    ("k3", "どこにもない店", *OSAKA),
    ("k4", "有限会社山田製作所", "", "", ""),
    ("k5", "どこにもない店", *OSAKA),
]


def column(path: Path, name: str) -> list[str]:
    return [row[name] for row in rows_of(path)]


def test_clients_of_one_company_are_counted_and_said(
    run: Run, files: Path, list_bundle: Path
) -> None:
    write_csv(files / "list.csv", LINES)
    words = (f"bundle={list_bundle}", "clients=list.csv", "output=o.csv")

    ended = run("link", *words, "claims=true")

    assert ended.code == 0, ended.err
    assert column(files / "o.csv", "company_id") == ["c1", "c1", "", "c2", ""]
    assert column(files / "o.csv", "claimed_by") == ["2", "2", "", "1", ""]
    assert "1 companies are claimed by several clients, 2 in all" in ended.err + ended.out
    assert run("link", *words).code == 0
    assert "claimed_by" not in rows_of(files / "o.csv")[0]


@pytest.mark.parametrize("kind", ["list_bundle", "bundle"])
def test_one_to_one_links_a_company_with_one_client(
    run: Run, files: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    write_csv(files / "list.csv", LINES)
    bundle = request.getfixturevalue(kind)

    ended = run(
        *("link", f"bundle={bundle}", "clients=list.csv", "output=o.csv"), "assignment=one_to_one"
    )

    assert ended.code == 0, ended.err
    companies = [company for company in column(files / "o.csv", "company_id") if company]
    assert sorted(companies) == ["c1", "c2"]
    lost = [row for row in rows_of(files / "o.csv") if row["lost_to"]]
    assert [row["decision"] for row in lost] == ["no_match"]
    winner = rows_of(files / "o.csv")[int(lost[0]["lost_to"]) - 1]
    assert winner["company_id"] == "c1"


def test_duplicates_are_clients_of_one_company_and_those_alike_without_one(
    run: Run, files: Path, list_bundle: Path
) -> None:
    write_csv(files / "list.csv", LINES)
    words = (f"bundle={list_bundle}", "clients=list.csv", SAME_TIME, "run_id=r")

    ended = run("link", *words, "output=o.csv", "duplicates=true")

    assert ended.code == 0, ended.err
    assert column(files / "o.csv", "duplicate_group") == ["1", "1", "3", "", "3"]
    assert column(files / "o.csv", "claimed_by") == ["2", "2", "", "1", ""]
    assert run("link", *words, "output=p.csv", "duplicates=true", "chunk=2").code == 0
    assert rows_of(files / "p.csv") == rows_of(files / "o.csv")


def test_a_list_is_linked_with_itself(run: Run, files: Path, list_bundle: Path) -> None:
    write_csv(files / "list.csv", LINES)
    words = (f"bundle={list_bundle}", "clients=list.csv", "dedupe=true", SAME_TIME, "run_id=r")

    ended = run("link", *words, "output=o.csv")

    assert ended.code == 0, ended.err
    rows = rows_of(files / "o.csv")
    assert [row["company_id"] for row in rows] == ["k2", "k1", "k5", "", "k3"]
    assert [row["duplicate_group"] for row in rows] == ["1", "1", "3", "", "3"]
    assert rows[0]["company_name"] == "㈱青空商事"
    assert rows[3]["decision"] == "no_match"
    assert "linking 5 clients of list.csv with 5 rows of its own" in ended.err
    assert run("link", *words, "output=p.csv", "chunk=2").code == 0
    assert rows_of(files / "p.csv") == rows
    assert not list(files.glob("*.partial*"))


def test_an_explanation_names_the_fields_of_the_best_candidate(
    run: Run, files: Path, list_bundle: Path, bundle: Path
) -> None:
    write_csv(files / "list.csv", LIST)
    for folder in (list_bundle, bundle):
        words = (f"bundle={folder}", "clients=list.csv", "output=o.jsonl")
        ended = run("link", *words, "explain=true")

        assert ended.code == 0, ended.err
        lines = (files / "o.jsonl").read_text(encoding="utf-8").splitlines()
        second = json.loads(lines[1])["explanation"]
        name = next(one for one in second if one["field"] == "name")
        assert name["client"] == name["company"] == "株式会社青空商事"
        assert name["agreement"] == "same name"
        assert isinstance(name["weight"], float)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("assignment=two_to_two", "assignment takes one_to_one, or nothing for no limit"),
        ("duplicate_threshold=0", "duplicate_threshold must be above 0 and at most 1, got 0"),
        ("explain=true", "explain=true needs output= with one of the endings .jsonl"),
        ("dedupe=true", "dedupe=true needs bundle="),
        ("dedupe=true bundle=b database=c.db", "got database=; leave it out"),
        ("dedupe=true bundle=b duplicates=true", "got duplicates=; leave it out"),
        ("dedupe=true bundle=b candidates=3", "leave candidates out"),
        ("dedupe=true bundle=b workers=2", "dedupe=true runs in one process"),
    ],
)
def test_settings_that_make_no_sense_are_refused(run: Run, word: str, said: str) -> None:
    ended = run("link", "clients=list.csv", "output=o.csv", *word.split())
    assert ended.code != 0
    assert said in ended.err
