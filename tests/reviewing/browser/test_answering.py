"""Answers in Chromium: by keyboard, by mouse, undone, by two people, twice, after a login ended."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from linkage_rl.decision_log.store import DecisionLog
from tests.reviewing.browser.conftest import Serve, Somebody
from tests.reviewing.browser.served import Person
from tests.reviewing.logged import TOKEN, decision, make_log

pytestmark = pytest.mark.slow

TEN: Final = (
    ("link", " ", "accept", ""),
    ("link", "1", "accept", ""),
    ("link", "2", "company", "aozora-osaka"),
    ("link", "r", "reject", ""),
    ("link", "n", "none", ""),
    ("review", " ", "company", "aozora-tokyo"),
    ("review", "5", "company", "sakura"),
    ("no_match", " ", "accept", ""),
    ("no_match", "4", "company", "hokkai"),
    ("link", "u", "unsure", ""),
)
"""A decision, the key that is pressed, and the answer and company that the log must get."""


@pytest.fixture
def queue(tmp_path: Path) -> str:
    """A queue of thirty decisions, d00 to d29, of the kinds of `TEN`; gives its id."""
    return make_log(
        tmp_path / "log.db", *(decision(f"d{place:02}", TEN[place % 10][0]) for place in range(30))
    )


def given(folder: Path) -> list[tuple[str, str, str, str]]:
    """Decision, answer, company and reviewer of every verdict, in their order."""
    with DecisionLog.open(str(folder / "log.db")) as log:
        return [
            (one.decision_id, str(one.answer), one.company_id, one.reviewer)
            for one in log.verdicts()
        ]


def answered(folder: Path) -> list[tuple[str, str]]:
    return [(decision_id, answer) for decision_id, answer, _, _ in given(folder)]


@pytest.mark.parametrize("way", [Person.press, Person.click], ids=["keyboard", "mouse"])
def test_thirty_answers_are_in_the_log(
    serve: Serve,
    somebody: Somebody,
    tmp_path: Path,
    queue: str,
    way: Callable[[Person, str], None],
) -> None:
    ann = somebody(serve()).log_in()
    ann.page.goto(f"/queues/{queue}")

    for place in range(30):
        assert ann.asked() == f"d{place:02}"
        way(ann, TEN[place % 10][1])

    assert ann.page.locator("h1").inner_text() == "Nothing is left to answer here"
    assert "30 of 30 answered" in ann.page.inner_text(".progress")
    assert given(tmp_path) == [
        (f"d{place:02}", TEN[place % 10][2], TEN[place % 10][3], "ann") for place in range(30)
    ]


@pytest.mark.parametrize("way", [Person.press, Person.click], ids=["keyboard", "mouse"])
def test_several_answers_are_taken_back_one_by_one(
    serve: Serve,
    somebody: Somebody,
    tmp_path: Path,
    queue: str,
    way: Callable[[Person, str], None],
) -> None:
    ann = somebody(serve()).log_in()
    ann.page.goto(f"/queues/{queue}")

    shown = []
    for key in (" ", "n", "u", "z", "z", "z", "z", "u"):
        way(ann, key)
        shown.append((ann.asked(), ann.page.inner_text(".notice")))

    assert shown == [
        ("d01", "Saved: right"),
        ("d02", "Saved: no company"),
        ("d03", "Saved: unsure"),
        ("d02", "Your last answer is taken back."),
        ("d01", "Your last answer is taken back."),
        ("d00", "Your last answer is taken back."),
        ("d00", "There is no answer of yours to take back."),
        ("d01", "Saved: unsure"),
    ]
    assert answered(tmp_path) == [
        ("d00", "accept"),
        ("d01", "none"),
        ("d02", "unsure"),
        ("d02", "withdrawn"),
        ("d01", "withdrawn"),
        ("d00", "withdrawn"),
        ("d00", "unsure"),
    ]


def test_the_last_answer_of_a_queue_is_taken_back(
    serve: Serve, somebody: Somebody, tmp_path: Path
) -> None:
    queue = make_log(tmp_path / "log.db", decision("a"))
    ann = somebody(serve()).log_in()
    ann.page.goto(f"/queues/{queue}")

    ann.press(" ")
    assert ann.asked() == ""
    ann.press("z")

    assert ann.asked() == "a"
    assert answered(tmp_path) == [("a", "accept"), ("a", "withdrawn")]


def test_two_reviewers_are_never_asked_about_the_same_client(
    serve: Serve, somebody: Somebody, tmp_path: Path, queue: str
) -> None:
    address = serve()
    people = [somebody(address).log_in(name) for name in ("ann", "bob")]
    for one in people:
        one.page.goto(f"/queues/{queue}")

    asked: list[str] = []
    for place in range(9):
        # bob answers two for each of ann's
        one = people[place % 3 > 0]
        asked.append(one.asked())
        assert people[0].asked() != people[1].asked()
        one.press(" ")
        shown = one.page.locator(".progress progress")
        assert (shown.get_attribute("value"), shown.get_attribute("max")) == (f"{place + 1}", "30")
        assert f"{place + 1} of 30 answered" in one.page.inner_text(".progress")

    assert len({*asked}) == 9
    assert [(where, who) for where, _, _, who in given(tmp_path)] == [
        (where, "bob" if place % 3 else "ann") for place, where in enumerate(asked)
    ]


def test_a_double_click_answers_once(
    serve: Serve, somebody: Somebody, tmp_path: Path, queue: str
) -> None:
    ann = somebody(serve()).log_in()
    ann.page.goto(f"/queues/{queue}")
    box = ann.page.locator('[data-key="n"]').bounding_box()
    assert box is not None
    place = box["x"] + 5, box["y"] + 5

    ann.page.mouse.dblclick(*place)
    ann.page.wait_for_selector(".notice:not(:empty)")
    # a slow second click comes when the next client is shown already
    ann.page.mouse.down(click_count=2)
    ann.page.mouse.up(click_count=2)
    ann.page.wait_for_timeout(100)

    assert ann.asked() == "d01"
    assert answered(tmp_path) == [("d00", "none")]


def test_a_key_that_is_held_down_answers_once(
    serve: Serve, somebody: Somebody, tmp_path: Path, queue: str
) -> None:
    ann = somebody(serve()).log_in()
    ann.page.goto(f"/queues/{queue}")

    for _ in range(10):
        ann.page.keyboard.down("n")
    ann.page.wait_for_selector(".notice:not(:empty)")
    ann.page.keyboard.down("n")
    ann.page.keyboard.up("n")

    assert ann.asked() == "d01"
    assert answered(tmp_path) == [("d00", "none")]


@pytest.mark.parametrize("script", [True, False], ids=["htmx", "forms"])
def test_the_back_button_does_not_answer_twice(
    serve: Serve, somebody: Somebody, tmp_path: Path, queue: str, script: bool
) -> None:
    ann = somebody(serve(), java_script_enabled=script).log_in()
    ann.page.click(".queues a")
    ann.page.wait_for_selector(".client")
    ann.page.click('[data-key="n"]')
    ann.page.wait_for_selector(".notice:not(:empty)")

    ann.page.go_back()
    ann.page.wait_for_load_state()

    assert answered(tmp_path) == [("d00", "none")]
    ann.page.goto(f"/queues/{queue}")
    ann.page.click('[data-key="u"]')
    ann.page.wait_for_selector(".notice:has-text('unsure')")
    assert answered(tmp_path) == [("d00", "none"), ("d01", "unsure")]


def test_a_window_that_shows_an_answered_client_does_not_answer_again(
    serve: Serve, somebody: Somebody, tmp_path: Path, queue: str
) -> None:
    ann = somebody(serve()).log_in()
    ann.page.goto(f"/queues/{queue}")
    second = ann.page.context.new_page()
    second.goto(f"/queues/{queue}")

    ann.press("n")
    second.keyboard.press("u")
    second.wait_for_selector(".notice:not(:empty)")

    assert "answered already" in second.inner_text(".notice")
    assert answered(tmp_path) == [("d00", "none")]


def test_a_login_that_is_over_leads_back_to_the_queue(
    serve: Serve, somebody: Somebody, tmp_path: Path, queue: str
) -> None:
    ann = somebody(serve()).log_in()
    ann.page.goto(f"/queues/{queue}")
    ann.page.context.clear_cookies()

    ann.page.keyboard.press("n")
    ann.page.wait_for_selector("form.login")

    assert answered(tmp_path) == []
    ann.page.fill("[name=name]", "ann")
    ann.page.fill("[name=token]", TOKEN)
    ann.page.click("form.login button")
    ann.page.wait_for_selector(".client")
    assert ann.page.url.endswith(f"/queues/{queue}")
    ann.press("u")
    assert answered(tmp_path) == [("d00", "unsure")]


def test_a_wrong_token_is_said(serve: Serve, somebody: Somebody, queue: str) -> None:
    ann = somebody(serve())
    ann.page.goto(f"/queues/{queue}")
    ann.page.fill("[name=name]", "ann")
    ann.page.fill("[name=token]", "another-token-of-tests")
    ann.page.click("form.login button")

    assert "not the token" in ann.page.inner_text("[role=alert]")
    assert ann.page.input_value("[name=name]") == "ann"
    assert ann.page.locator(".who").count() == 0


def test_keys_answer_nothing_while_somebody_types(
    serve: Serve, somebody: Somebody, tmp_path: Path, queue: str
) -> None:
    ann = somebody(serve()).log_in()
    ann.page.goto(f"/queues/{queue}")

    ann.page.keyboard.press("s")
    ann.page.keyboard.type("12345 nruzs")
    assert ann.page.input_value("[name=find]") == "12345 nruzs"
    assert answered(tmp_path) == []
    ann.page.keyboard.press("Escape")
    ann.press("n")

    assert answered(tmp_path) == [("d00", "none")]


def test_a_company_is_searched_for_and_picked_by_keyboard(
    serve: Serve, somebody: Somebody, tmp_path: Path, queue: str
) -> None:
    ann = somebody(serve()).log_in()
    ann.page.goto(f"/queues/{queue}")

    ann.page.keyboard.press("s")
    ann.page.keyboard.type("五洋建設")
    ann.page.keyboard.press("Enter")
    found = ann.page.wait_for_selector('#found [value="company:goyo"]')
    assert found is not None
    assert ann.page.url.endswith(f"/queues/{queue}")
    ann.page.keyboard.press("Tab")
    ann.page.keyboard.press("Tab")
    ann.press("Enter")

    assert ann.asked() == "d01"
    assert given(tmp_path) == [("d00", "company", "goyo", "ann")]
