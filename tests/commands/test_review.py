"""`linkage-rl review`: what the page is told, and the token that it makes."""

from pathlib import Path

import pytest

from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError
from linkage_rl.review import TOKEN_VARIABLE, ReviewCommand, page_settings
from tests.commands.shop import Run

TOKEN = "a-token-of-the-tests"


def test_the_token_is_that_of_the_environment() -> None:
    settings = page_settings(ReviewCommand(log="log.db"), {TOKEN_VARIABLE: f"{TOKEN}\n"})

    assert settings.token == TOKEN


def test_without_one_each_start_makes_another() -> None:
    first, second = (page_settings(ReviewCommand(log="log.db"), {}).token for _ in range(2))

    assert len(first) == 32
    assert first != second


def test_a_proxy_needs_no_token() -> None:
    settings = page_settings(ReviewCommand(log="log.db", auth_header="X-User"), {})

    assert (settings.token, settings.auth_header) == ("", "X-User")


def test_the_companies_are_those_of_the_other_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nowhere = page_settings(ReviewCommand(log="log.db"), {})
    bundled = page_settings(ReviewCommand(log="log.db", bundle="b"), {})
    given = page_settings(ReviewCommand(log="log.db", database="a.db"), {})
    variable = page_settings(ReviewCommand(log="log.db"), {"DATABASE_URL": "sqlite:///b.db"})

    found = [one.database for one in (nowhere, bundled, given, variable)]
    assert found == ["", "", "sqlite:///a.db", "sqlite:///b.db"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "review needs log="),
        ({"log": "a", "port": 70_000}, "port must lie in 0..65535"),
        ({"linked": "a.csv", "queue": "q"}, "queue= is a queue of a decision log"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    settings: dict[str, str | int], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        ReviewCommand(**settings)  # type: ignore[arg-type]


def test_the_address_leads_to_the_queue_that_another_command_names(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[int] = []
    monkeypatch.setattr("uvicorn.run", lambda app, port, **settings: served.append(port))
    with DecisionLog.open("log.db") as log:
        queue = Questions(log).create("review", {}, ["d"], [1.0])

    ended = run("review", "log=log.db", f"queue={queue}")
    other = run("review", "log=log.db", "queue=other")
    nowhere = run("review", "log=typo.db")

    assert f"review page at http://127.0.0.1:8500/queues/{queue} ," in ended.out
    assert "no company table: only ids of companies are shown" in ended.err
    assert "expected the id of a queue of sqlite:///log.db, got 'other'" in other.last
    assert nowhere.code == 1
    assert not Path("typo.db").exists()
    assert served == [8500]
