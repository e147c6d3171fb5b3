"""`POST /verdicts`: answers of programs, all of them or none."""

import json
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from linkage_rl.decision_log.store import DecisionLog
from tests.reviewing.logged import TOKEN, page_of

BEARER = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}


@pytest.fixture
def program(tmp_path: Path, queue: str) -> TestClient:
    return page_of(tmp_path)


def send(program: TestClient, content: Any, headers: dict[str, str] = BEARER) -> Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return program.post("/verdicts", content=body, headers=headers)


def test_verdicts_are_written_with_their_reviewer(program: TestClient, tmp_path: Path) -> None:
    rows = [
        {"decision_id": "a", "answer": "accept", "reviewer": "crm"},
        {"decision_id": "b", "answer": "company", "company_id": "goyo", "chance": 0.1},
    ]

    answer = send(program, rows)

    assert answer.json() == {"written": 2}
    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        [first, second] = log.verdicts()
    assert (first.decision_id, first.reviewer, first.why_asked) == ("a", "crm", "api")
    assert (second.company_id, second.reviewer, second.chance) == ("goyo", "api", 0.1)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "expected a JSON list of verdicts, got text that is no JSON"),
        (b"[" * 100_000, "no JSON"),
        ({"decision_id": "a"}, "got no list"),
        ([1], "at position 0"),
        ([{"decision_id": "a"}], "at position 0"),
        ([{"decision_id": "a", "answer": "accept", "extra": 1}], "at position 0"),
        ([{"decision_id": "a", "answer": "perhaps"}], "expected an answer among"),
        ([{"decision_id": "a", "answer": "company"}], "expected a company_id with the answer"),
        ([{"decision_id": "a", "answer": "accept", "chance": 0}], "expected a chance from 0.001"),
        ([{"decision_id": "a", "answer": "accept", "chance": True}], "a number for chance"),
        ([{"decision_id": 1, "answer": "accept"}], "expected texts"),
        ([{"decision_id": "a", "answer": "accept", "why_asked": "audit"}], "a why_asked other"),
        ([{"decision_id": "other", "answer": "accept"}], "nothing was written"),
        (
            [{"decision_id": "a", "answer": "company", "company_id": "c" * 256}],
            "expected at most 255 characters in company_id, got 256",
        ),
        ([{"decision_id": "a", "answer": "accept"}] * 10_001, "up to 10,000 verdicts"),
    ],
)
def test_other_content_is_refused_as_a_whole(
    program: TestClient, tmp_path: Path, content: Any, sentence: str
) -> None:
    right = {"decision_id": "a", "answer": "accept"}
    rows = [right, *content] if isinstance(content, list) and len(content) == 1 else content
    sentence = sentence.replace("position 0", "position 1")

    answer = send(program, rows)

    assert answer.status_code == 400
    assert sentence in answer.json()["error"]
    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        assert log.verdicts() == []


@pytest.mark.parametrize(
    "chance", ["NaN", "Infinity", "-Infinity", "1e400", "-1", "1.5", "9" * 401, "9" * 5_000, "null"]
)
def test_a_chance_that_is_none_is_refused(program: TestClient, chance: str) -> None:
    row = f'[{{"decision_id": "a", "answer": "accept", "chance": {chance}}}]'

    answer = send(program, row.encode())

    assert answer.status_code == 400
    assert "expected" in answer.json()["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json"}, 401),
        ({"authorization": "Bearer other", "content-type": "application/json"}, 401),
        ({"authorization": f"Basic {TOKEN}", "content-type": "application/json"}, 401),
        ({"authorization": f"Bearer {TOKEN}", "content-type": "text/plain"}, 415),
        ({"authorization": f"bearer {TOKEN}", "content-type": "application/json"}, 200),
    ],
)
def test_programs_need_the_token_and_say_json(
    program: TestClient, headers: dict[str, str], status: int
) -> None:
    answer = send(program, [{"decision_id": "a", "answer": "accept"}], headers)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/json")


def test_a_login_alone_does_not_send_verdicts(page: TestClient) -> None:
    headers = {"content-type": "application/json"}

    assert send(page, [{"decision_id": "a", "answer": "accept"}], headers).status_code == 401


def test_a_body_that_is_too_long_is_refused(program: TestClient) -> None:
    answer = send(program, b" " * ((8 << 20) + 1))

    assert answer.status_code == 413


def test_a_person_gives_no_verdicts_of_others(tmp_path: Path, queue: str) -> None:
    row = {"decision_id": "a", "answer": "accept"}
    ann = {"x-user": "ann", "content-type": "application/json"}

    with page_of(tmp_path, auth_header="X-User") as page:
        own = send(page, [row, row | {"reviewer": "ann"}], ann)
        others = send(page, [row | {"reviewer": "boss"}], ann)
        withdrawn = send(page, [row | {"answer": "withdrawn", "reviewer": "boss"}], ann)
        program = send(page, [row | {"reviewer": "boss"}], BEARER)

    assert [one.status_code for one in (own, others, withdrawn, program)] == [200, 400, 400, 200]
    assert "expected verdicts of 'ann', who has logged in" in others.json()["error"]
    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        assert [one.reviewer for one in log.verdicts()] == ["ann", "ann", "boss"]
