"""Questions of a queue: answered one after the other, undone, by several reviewers."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.rows import Answer, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError
from linkage_rl.reviewing.making import make_queue
from tests.reviewing.logged import fields_of, log_in, page_of, press, shown_client


def verdicts(folder: Path) -> list[Verdict]:
    with DecisionLog.open(str(folder / "log.db")) as log:
        return log.verdicts()


def given(folder: Path) -> list[tuple[str, str, str]]:
    return [(one.decision_id, str(one.answer), one.company_id) for one in verdicts(folder)]


def test_a_queue_is_answered_to_its_end(page: TestClient, queue: str, tmp_path: Path) -> None:
    first = page.get(f"/queues/{queue}").text
    second = press(page, queue, "accept")
    third = press(page, queue, "company:aozora-osaka")
    last = press(page, queue, "none")

    assert [shown_client(text) for text in (first, second, third, last)] == ["a", "b", "c", ""]
    assert "0 of 3 answered" in first
    assert "3 of 3 answered" in last
    assert "Nothing is left to answer here" in last
    assert given(tmp_path) == [
        ("a", "accept", ""),
        ("b", "company", "aozora-osaka"),
        ("c", "none", ""),
    ]


def test_a_verdict_says_who_when_why_and_with_which_chance(
    page: TestClient, queue: str, tmp_path: Path
) -> None:
    press(page, queue, "reject")

    [verdict] = verdicts(tmp_path)
    assert (verdict.answer, verdict.reviewer) == (Answer.REJECT, "ann")
    assert (verdict.why_asked, verdict.chance) == ("stratified", 0.5)
    assert verdict.given_at.endswith("Z")
    assert verdict.question_id is not None


def test_picking_the_linked_company_accepts_the_link(
    page: TestClient, queue: str, tmp_path: Path
) -> None:
    press(page, queue, "company:aozora-tokyo")

    assert given(tmp_path) == [("a", "accept", "")]


def test_accepting_what_was_left_to_a_person_names_the_best_candidate(
    page: TestClient, queue: str, tmp_path: Path
) -> None:
    press(page, queue, "unsure")
    press(page, queue, "accept")

    assert given(tmp_path) == [("a", "unsure", ""), ("b", "company", "aozora-tokyo")]


def test_undo_takes_the_last_answer_back_and_asks_again(
    page: TestClient, queue: str, tmp_path: Path
) -> None:
    fields = fields_of(press(page, queue, "reject"))

    again = page.post(f"/queues/{queue}/undo", data={"mark": fields["mark"]}).text
    nothing = page.post(f"/queues/{queue}/undo", data={"mark": fields["mark"]}).text
    press(page, queue, "accept")

    assert shown_client(again) == "a"
    assert "Your last answer is taken back." in again
    assert "There is no answer of yours to take back." in nothing
    assert given(tmp_path) == [("a", "reject", ""), ("a", "withdrawn", ""), ("a", "accept", "")]


def test_two_reviewers_are_asked_about_different_clients(tmp_path: Path, queue: str) -> None:
    with page_of(tmp_path) as ann, page_of(tmp_path) as bob:
        log_in(ann, "ann")
        log_in(bob, "bob")

        asked = [shown_client(one.get(f"/queues/{queue}").text) for one in (ann, bob, ann)]
        press(ann, queue, "accept")
        then = shown_client(ann.get(f"/queues/{queue}").text)

    assert asked == ["a", "b", "a"]
    assert then == "c"


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender"])
def test_a_page_that_is_fetched_before_it_is_looked_at_takes_no_question(
    tmp_path: Path, queue: str, purpose: str
) -> None:
    with page_of(tmp_path) as ann, page_of(tmp_path) as bob:
        log_in(ann, "ann")
        log_in(bob, "bob")

        early = ann.get(f"/queues/{queue}", headers={"sec-purpose": purpose})

        assert early.status_code == 503
        assert shown_client(bob.get(f"/queues/{queue}").text) == "a"


def test_a_question_that_somebody_else_has_answered_is_not_answered_again(
    page: TestClient, queue: str, tmp_path: Path
) -> None:
    fields = fields_of(page.get(f"/queues/{queue}").text)
    path = f"/queues/{queue}/answer"

    page.post(path, data=fields | {"answer": "accept"})
    late = page.post(path, data=fields | {"answer": "reject"}).text

    assert "That client was answered already" in late
    assert given(tmp_path) == [("a", "accept", "")]


def test_htmx_gets_the_next_question_without_a_redirect(page: TestClient, queue: str) -> None:
    fields = fields_of(page.get(f"/queues/{queue}").text)

    answer = page.post(
        f"/queues/{queue}/answer",
        data=fields | {"answer": "accept"},
        headers={"hx-request": "true"},
        follow_redirects=False,
    )

    assert answer.status_code == 200
    assert answer.headers["hx-replace-url"] == f"/queues/{queue}"
    assert shown_client(answer.text) == "b"
    assert "Saved: right" in answer.text


def test_a_company_that_was_searched_for_is_an_answer(
    page: TestClient, queue: str, tmp_path: Path
) -> None:
    text = page.get(f"/queues/{queue}", params={"find": "五洋建設"}).text
    press(page, queue, "company:goyo")

    assert 'value="company:goyo"' in text
    assert given(tmp_path) == [("a", "company", "goyo")]


@pytest.mark.parametrize("found", ["03-3816-0008", "5120001000008", "goyo", "ゴヨウケンセツ"])
def test_a_search_takes_phones_numbers_ids_and_readings(
    page: TestClient, queue: str, found: str
) -> None:
    assert 'value="company:goyo"' in page.get(f"/queues/{queue}", params={"find": found}).text


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("company:nobody", "expected the id of a company of the table"),
        ("withdrawn", "expected an answer among"),
        ("", "expected an answer among"),
    ],
)
def test_an_answer_that_there_is_not_is_refused(
    page: TestClient, queue: str, tmp_path: Path, answer: str, sentence: str
) -> None:
    fields = fields_of(page.get(f"/queues/{queue}").text)

    sent = page.post(f"/queues/{queue}/answer", data=fields | {"answer": answer})

    assert sent.status_code == 400
    assert sentence in sent.text
    assert given(tmp_path) == []


def test_a_question_is_answered_in_its_own_queue_only(
    page: TestClient, queue: str, tmp_path: Path
) -> None:
    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        other = Questions(log).create("audit", {}, ["a"], [1.0])
    fields = fields_of(page.get(f"/queues/{queue}").text) | {"answer": "accept"}

    crossed = page.post(f"/queues/{other}/answer", data=fields)
    unknown = page.post(f"/queues/{queue}/answer", data=fields | {"question": "999999"})

    assert (crossed.status_code, unknown.status_code) == (400, 400)
    assert "expected a question of the queue" in crossed.text
    assert given(tmp_path) == []


def test_an_unknown_queue_is_a_sentence(page: TestClient) -> None:
    answer = page.get("/queues/other")

    assert answer.status_code == 400
    assert "expected the id of a queue" in answer.text


def test_queues_are_made_on_the_page(page: TestClient, queue: str) -> None:
    mark = fields_of(page.get(f"/queues/{queue}").text)["mark"]

    made = page.post("/queues", data={"mark": mark, "kind": "review"})
    refused = page.post("/queues", data={"mark": mark, "kind": "audit", "goal": "much"})

    assert shown_client(made.text) == "b"
    assert "0 of 1 answered" in made.text
    assert refused.status_code == 400
    assert "All clients left to a person" in page.get("/").text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("size", text) for text in ("", "0", "-1", "1.5", "1e300", "nan", "1000001", "9" * 400)),
        *(("goal", text) for text in ("", "much", "0.49", "1", "nan", "inf", "1e400", "9" * 400)),
    ],
)
def test_numbers_of_a_queue_lie_in_their_range(tmp_path: Path, field: str, value: str) -> None:
    kind = "stratified" if field == "size" else "audit"

    with (
        DecisionLog.open(str(tmp_path / "log.db")) as log,
        pytest.raises(ConfigError, match="choose another one"),
    ):
        make_queue(log, {"kind": kind, field: value})


def test_a_number_outside_its_range_is_a_sentence_on_the_page(page: TestClient, queue: str) -> None:
    mark = fields_of(page.get(f"/queues/{queue}").text)["mark"]
    form = {"mark": mark, "kind": "stratified", "size": "1e300"}

    refused = page.post("/queues", data=form)

    assert refused.status_code == 400
    assert "expected a whole number of clients from 1 to 1,000,000" in refused.text
