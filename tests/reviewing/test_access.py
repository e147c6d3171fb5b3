"""Who may see the page and answer: token, proxy, cookies, forms of other sites, headers."""

import html
import re
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError
from linkage_rl.reviewing.access import COOKIE, HEADERS
from linkage_rl.reviewing.settings import ReviewSettings
from tests.reviewing.logged import TOKEN, fields_of, log_in, page_of, press


@pytest.fixture
def stranger(tmp_path: Path, queue: str) -> TestClient:
    return page_of(tmp_path)


def answer_form(page: TestClient, queue: str) -> dict[str, str]:
    return fields_of(page.get(f"/queues/{queue}").text) | {"answer": "accept"}


@pytest.mark.parametrize("path", ["/", "/decisions", "/decisions/a", "/list", "/queues/x"])
def test_a_stranger_is_sent_to_the_login(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path, follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/login?next={path}"


def test_a_login_leads_to_the_page_that_was_asked_for(stranger: TestClient) -> None:
    form = {"name": "ann", "token": TOKEN, "next": "/decisions"}

    answer = stranger.post("/login", data=form, follow_redirects=False)

    assert answer.headers["location"] == "/decisions"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]


def test_a_login_leads_back_with_what_was_searched_for(stranger: TestClient) -> None:
    asked = stranger.get("/decisions?text=青空&action=link", follow_redirects=False)
    login = stranger.get(asked.headers["location"] + "&lang=ja").text
    [following] = re.findall(r'name="next" value="([^"]*)"', login)
    form = {"name": "ann", "token": TOKEN, "next": html.unescape(following)}
    answer = stranger.post("/login", data=form, follow_redirects=False)

    assert '<html lang="ja">' in login
    assert answer.headers["location"] == "/decisions?text=%E9%9D%92%E7%A9%BA&action=link"


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_a_login_leads_to_no_other_site(stranger: TestClient, path: str) -> None:
    form = {"name": "ann", "token": TOKEN, "next": path}

    answer = stranger.post("/login", data=form, follow_redirects=False)

    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    ("name", "token", "sentence"),
    [
        ("ann", "another-token-of-16", "That is not the token."),
        ("ann", "", "That is not the token."),
        (" \u200b", TOKEN, "A name needs"),
        ("a" * 101, TOKEN, "A name needs"),
    ],
)
def test_a_wrong_login_is_said(stranger: TestClient, name: str, token: str, sentence: str) -> None:
    answer = stranger.post("/login", data={"name": name, "token": token})

    assert answer.status_code == 403
    assert sentence in answer.text
    assert COOKIE not in stranger.cookies


@pytest.mark.parametrize(
    "cookie", ["", "YW5u", "YW5u.99999999999.", "YW5u.99999999999.00", "é.1.2"]
)
def test_a_forged_cookie_is_nobody(stranger: TestClient, cookie: str) -> None:
    headers = {b"cookie": f"{COOKIE}={cookie}".encode()}

    assert stranger.get("/", headers=headers, follow_redirects=False).status_code == 303


def test_a_login_that_is_over_is_nobody(
    stranger: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(stranger)
    assert stranger.get("/", follow_redirects=False).status_code == 200

    monkeypatch.setattr("linkage_rl.reviewing.sessions.time.time", lambda: 9e9)

    assert stranger.get("/", follow_redirects=False).status_code == 303


def test_a_login_is_renewed_by_its_use_but_not_for_ever(
    stranger: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, hour = time.time(), 3600
    log_in(stranger)
    statuses = []

    # used every 11 hours, each cookie of 12 hours is renewed until the 14th day is over
    for used in range(11, 15 * 24, 11):
        now = begin + used * hour
        monkeypatch.setattr("linkage_rl.reviewing.sessions.time.time", lambda now=now: now)
        statuses.append(stranger.get("/", follow_redirects=False).status_code)

    # 30 * 11 = 330 hours are less than 14 days, 31 * 11 = 341 hours are more
    assert statuses == [200] * 30 + [303] * (len(statuses) - 30)


def test_a_login_that_is_not_used_ends_after_twelve_hours(
    stranger: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(stranger)
    later = time.time() + 12 * 3600 + 1
    monkeypatch.setattr("linkage_rl.reviewing.sessions.time.time", lambda: later)

    assert stranger.get("/", follow_redirects=False).status_code == 303


def test_a_copy_of_the_cookie_is_nobody_after_logging_out(tmp_path: Path, queue: str) -> None:
    with page_of(tmp_path) as ann:
        mark = answer_form(log_in(ann), queue)["mark"]
        copy = TestClient(ann.app, cookies=ann.cookies)
        before = copy.get("/", follow_redirects=False).status_code
        ann.post("/logout", data={"mark": mark})
        after = copy.get("/", follow_redirects=False).status_code

    assert (before, after) == (200, 303)


def test_a_form_of_an_earlier_login_is_refused(page: TestClient, queue: str) -> None:
    form = answer_form(page, queue)
    page.post("/logout", data={"mark": form["mark"]})
    log_in(page)

    assert page.post(f"/queues/{queue}/answer", data=form).status_code == 403


def test_logging_out_gives_the_question_back(tmp_path: Path, queue: str) -> None:
    with page_of(tmp_path) as ann, page_of(tmp_path) as bob:
        form = answer_form(log_in(ann, "ann"), queue)
        ann.post("/logout", data={"mark": form["mark"]})

        assert answer_form(log_in(bob, "bob"), queue)["decision"] == form["decision"]
        assert ann.get("/", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(
    page: TestClient, queue: str, headers: dict[str, str]
) -> None:
    form = answer_form(page, queue)

    answer = page.post(f"/queues/{queue}/answer", data=form, headers=headers)

    assert answer.status_code == 403
    assert "sent by another site" in answer.text
    assert "0 of 3 answered" in page.get(f"/queues/{queue}").text


@pytest.mark.parametrize("mark", ["", "0" * 64, "é"])
def test_a_form_without_its_mark_is_refused(page: TestClient, queue: str, mark: str) -> None:
    form = answer_form(page, queue) | {"mark": mark}

    assert page.post(f"/queues/{queue}/answer", data=form).status_code == 403


def test_the_mark_of_another_reviewer_is_refused(tmp_path: Path, queue: str) -> None:
    with page_of(tmp_path) as ann, page_of(tmp_path) as bob:
        mark = answer_form(log_in(ann, "ann"), queue)["mark"]
        form = answer_form(log_in(bob, "bob"), queue) | {"mark": mark}

        assert bob.post(f"/queues/{queue}/answer", data=form).status_code == 403


def test_a_form_of_the_page_itself_is_taken(page: TestClient, queue: str) -> None:
    headers = {"origin": "http://testserver", "sec-fetch-site": "same-origin"}

    answer = page.post(f"/queues/{queue}/answer", data=answer_form(page, queue), headers=headers)

    assert "1 of 3 answered" in answer.text


def test_the_cookie_is_for_https_only_where_the_proxy_speaks_it(stranger: TestClient) -> None:
    form = {"name": "ann", "token": TOKEN}
    headers = {"x-forwarded-proto": "https"}

    answer = stranger.post("/login", data=form, headers=headers, follow_redirects=False)

    assert "Secure" in answer.headers["set-cookie"]


def test_a_proxy_names_the_reviewer(tmp_path: Path, queue: str) -> None:
    with page_of(tmp_path, auth_header="X-Forwarded-User", token="") as page:
        nobody = page.get("/")
        ann = page.get("/", headers={"x-forwarded-user": "ann"})

    assert nobody.status_code == 401
    assert "has not named you" in nobody.text
    assert ann.status_code == 200
    assert ">ann<" in ann.text
    assert "/logout" not in ann.text


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("山田".encode(), "山田"),
        ("山本".encode(), "山本"),
        ("Zoë".encode(), "Zoë"),
        ("Zoë".encode("latin-1"), "Zoë"),
    ],
)
def test_a_proxy_names_reviewers_in_utf8_or_latin_1(
    tmp_path: Path, queue: str, sent: bytes, name: str
) -> None:
    with page_of(tmp_path, auth_header="X-Forwarded-User", token="") as page:
        page.headers.update({b"x-forwarded-user": sent})
        press(page, queue, "accept")

    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        assert [one.reviewer for one in log.verdicts()] == [name]


@pytest.mark.parametrize("path", ["/", "/login", "/static/review.css", "/nowhere", "/ping"])
def test_every_answer_has_the_security_headers(page: TestClient, path: str) -> None:
    answer = page.get(path)

    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_faults_of_the_page_have_the_security_headers_and_tell_nothing(
    page: TestClient, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*values: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("linkage_rl.reviewing.pages.browse", broken)
    monkeypatch.setattr("linkage_rl.reviewing.pages.verdicts_of", broken)
    visitor = TestClient(page.app, raise_server_exceptions=False, cookies=page.cookies)
    json = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}

    answers = [visitor.get("/decisions"), visitor.post("/verdicts", content=b"[]", headers=json)]

    for answer in answers:
        assert answer.status_code == 500
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "the page has a fault" in answer.text
        assert "secret" not in answer.text
    assert set(answers[1].json()) == {"error"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD"])
def test_methods_that_there_are_not_have_the_security_headers(
    page: TestClient, method: str
) -> None:
    answer = page.request(method, "/verdicts")

    assert answer.status_code == 405
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_pages_are_kept_by_no_cache_but_static_files_are(page: TestClient) -> None:
    assert page.get("/").headers["cache-control"] == "no-store"
    assert "immutable" in page.get("/static/htmx.min.js").headers["cache-control"]


def test_a_long_form_is_refused(page: TestClient, queue: str) -> None:
    answer = page.post(f"/queues/{queue}/answer", data={"answer": "x" * 70_000})

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"token": TOKEN}, "review needs log="),
        ({"log": "log.db"}, "needs a token"),
        ({"log": "log.db", "token": "short"}, "must have 16 characters"),
    ],
)
def test_settings_without_log_or_login_are_refused(settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        ReviewSettings(**settings)  # type: ignore[arg-type]


def test_settings_show_no_secret() -> None:
    settings = ReviewSettings(log="log.db", token=TOKEN, database="postgresql://a:secret@b/c")

    assert TOKEN not in repr(settings)
    assert "secret" not in repr(settings)
