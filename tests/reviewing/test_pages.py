"""What pages show: the comparison, reasons, missing fields, languages, hostile clients, a log."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.reviewing.rendering import STATIC
from tests.reviewing.logged import (
    AOZORA,
    TOKEN,
    decision,
    fields_of,
    log_in,
    make_log,
    make_table,
    page_of,
)

BIDI = chr(0x202E)
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "template": "{{ 7 * 7 }}{% raw %}",
    "direction": f"青空{BIDI}商事",
    "zero": "青空\u0000\u200b商事",
    "surrogate": "\udc80青空",
    "long": "青" * 10_000,
}


def shown(page: TestClient, path: str, **headers: str) -> str:
    answer = page.get(
        path, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


def page_with(folder: Path, client: Mapping[str, str], **other: str) -> str:
    """The page of one decision on this client."""
    make_log(folder / "log.db", decision("a", client=client))
    with page_of(folder, **other) as page:
        return shown(log_in(page), "/decisions/a")


def test_a_client_stands_beside_its_candidates_with_agreement_per_field(
    page: TestClient, queue: str
) -> None:
    text = shown(page, f"/queues/{queue}")

    assert "Linked with 1" in text
    assert '<b class="number">93.0%</b>' in text
    assert "Why: same name but for the legal form; same town" in text
    assert text.count('<article class="card') == 6
    assert "= same address" in text
    assert "≈ same name but for the legal form" in text
    assert "90.0%" in text


def test_characters_that_differ_are_marked(page: TestClient, queue: str) -> None:
    text = shown(page, f"/queues/{queue}")

    # the client 青空商事(株) has nothing of this name; legal forms are a row of their own
    assert "医療法人社団<mark>さくら会</mark>" in text


def test_the_map_says_which_fields_are_missing(page: TestClient, queue: str) -> None:
    text = shown(page, f"/queues/{queue}")
    row = text[text.index('<th scope="row">Phone</th>') :].partition("</tr>")[0]

    # client, tokyo, osaka, llc, hokkai, sakura: the client and the llc have no phone
    assert re.findall(r'<td class="(\w+)">', row) == ["lacks", "has", "has", "lacks", "has", "has"]


def test_a_page_is_in_the_language_of_the_browser(page: TestClient, queue: str) -> None:
    text = shown(page, f"/queues/{queue}", accept_language="ja,en;q=0.5")

    assert '<html lang="ja">' in text
    assert "候補 1 に紐付け" in text
    assert "判定の理由: 法人格以外の名称が一致;町名まで一致" in text


def test_a_chosen_language_is_kept(page: TestClient) -> None:
    page.get("/", params={"lang": "ja"})

    assert '<html lang="ja">' in shown(page, "/decisions", accept_language="en")


def test_the_other_language_shows_the_same_page(page: TestClient) -> None:
    text = shown(page, "/decisions?text=青空&action=link&notice=undone")

    assert 'href="/decisions?text=%E9%9D%92%E7%A9%BA&amp;action=link&amp;lang=ja"' in text


def test_keys_are_switched_off_and_on(page: TestClient, queue: str) -> None:
    path = f"/queues/{queue}"
    begin, off = shown(page, path), shown(page, f"{path}?keys=off")
    kept, on = shown(page, path), shown(page, f"{path}?keys=on")

    for text in (begin, on):
        assert text.count(' data-key="') == 10
        assert ' data-key=" " aria-keyshortcuts="Space"' in text
        assert f'<a href="{path}?keys=off" hx-boost="false">Keys off</a>' in text
    for text in (off, kept):
        assert not re.search("data-key|aria-keyshortcuts|data-search|<kbd>[a-z]", text)
        assert f'<a href="{path}?keys=on" hx-boost="false">Keys on</a>' in text


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_are_shown_as_text(tmp_path: Path, name: str) -> None:
    # a log holds no lone surrogates, but their escapes in JSON
    text = page_with(tmp_path, {"name": name, "memo": name, "street": name})

    assert "<script>alert" not in text
    assert "<img" not in text
    assert BIDI not in text
    assert "49" not in text.partition("<dl>")[2].partition("</dl>")[0]
    assert len(text) < 40_000


def test_invisible_characters_are_shown_by_their_numbers(tmp_path: Path) -> None:
    text = page_with(tmp_path, {"name": HOSTILE["direction"]})

    assert '<span class="code">U+202E</span>' in text


def test_a_list_of_decisions_shows_them_by_their_numbers_too(tmp_path: Path) -> None:
    make_log(tmp_path / "log.db", decision("a", client={"name": HOSTILE["direction"]}))

    with page_of(tmp_path) as page:
        text = shown(log_in(page), "/decisions")

    assert "青空U+202E商事" in text
    assert BIDI not in text


def test_a_nul_in_the_address_finds_nothing(page: TestClient) -> None:
    assert "No decision was found." in shown(page, "/decisions?client=%00")
    assert page.get("/decisions/%00").status_code == 400


def test_a_long_name_is_cut_and_counted(tmp_path: Path) -> None:
    text = page_with(tmp_path, {"name": HOSTILE["long"]})

    assert "9,700 more characters" in text
    assert '<bdi class="long">' in text
    assert "青" * 301 not in text


def test_no_page_has_inline_script_or_style(page: TestClient, queue: str) -> None:
    for path in ("/", f"/queues/{queue}", "/decisions", "/decisions/a", "/login"):
        text = shown(page, path)
        assert not re.search(r"<style|style=|<script(?![^>]* src=)|\son\w+=|javascript:", text), (
            path
        )
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text), path


def test_other_columns_of_the_client_are_shown(tmp_path: Path) -> None:
    text = page_with(tmp_path, {**AOZORA, "内線": "77"})

    assert "<dt><bdi>内線</bdi></dt>" in text


def test_a_log_of_hashes_shows_the_candidates_alone(tmp_path: Path) -> None:
    make_table(tmp_path / "companies.db")
    text = page_with(tmp_path, {})

    assert "This log keeps hashes only" in text
    assert "株式会社青空商事" in text


def test_closed_and_deleted_companies_are_said(tmp_path: Path) -> None:
    make_table(tmp_path / "companies.db", closed=["aozora-tokyo"])
    make_log(tmp_path / "log.db", decision("a", shown=("aozora-tokyo", "gone")))

    with page_of(tmp_path) as page:
        text = shown(log_in(page), "/decisions/a")

    assert "closed 2025-01-31" in text
    assert "no longer in the table" in text


def test_without_a_company_table_ids_and_shares_are_shown(tmp_path: Path) -> None:
    text = page_with(tmp_path, AOZORA)

    assert "Fields need database=, the company table." in text
    assert "aozora-tokyo" in text
    assert 'type="search"' not in text


def test_decisions_are_browsed_and_judged(page: TestClient, tmp_path: Path) -> None:
    listed = shown(page, "/decisions?action=link")
    looked = page.get("/decisions/a").text
    fields = fields_of(looked) | {"answer": "company:aozora-llc"}
    judged = page.post("/decisions/a/answer", data=fields).text
    taken_back = page.post("/decisions/a/undo", data={"mark": fields["mark"]}).text

    assert "client-a" in listed
    assert "client-c" not in listed
    assert "company aozora-llc" in judged
    assert "taken back" in taken_back
    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        [first, second] = log.verdicts()
    assert (first.why_asked, first.question_id, first.reviewer) == ("search", None, "ann")
    assert str(second.answer) == "withdrawn"


def test_decisions_are_found_by_client_and_by_text(page: TestClient) -> None:
    assert "client-b" in shown(page, "/decisions?client=client-b")
    assert "client-a" not in shown(page, "/decisions?client=client-b")
    assert "client-a" in shown(page, "/decisions?text=青空")
    assert "No decision was found." in shown(page, "/decisions?text=%25")


def test_a_long_log_has_further_pages(tmp_path: Path) -> None:
    make_log(tmp_path / "log.db", *(decision(f"d{place:03}") for place in range(60)))
    with page_of(tmp_path) as page:
        first = shown(log_in(page), "/decisions?list=spring")
        following = re.search(r'href="(/decisions\?list=spring&amp;after=\w+)"', first)
        assert following is not None
        second = shown(page, following[1].replace("&amp;", "&"))

    assert ("client-d049" in first, "client-d050" in first) == (True, False)
    assert ("client-d049" in second, "client-d059" in second) == (False, True)


def test_an_unknown_decision_is_a_sentence(page: TestClient) -> None:
    answer = page.get("/decisions/nothing")

    assert answer.status_code == 400
    assert "it may have been forgotten" in answer.text


def test_a_page_that_there_is_not_is_a_page(page: TestClient) -> None:
    answer = page.get("/nowhere")

    assert answer.status_code == 404
    assert "<html" in answer.text


def test_the_page_works_below_a_path_of_a_proxy(tmp_path: Path, queue: str) -> None:
    with page_of(tmp_path) as page:
        below = TestClient(page.app, root_path="/review")
        form = {"name": "ann", "token": TOKEN}
        login = below.post("/review/login", data=form, follow_redirects=False)
        text = below.get(f"/review/queues/{queue}").text

    assert login.headers["location"] == "/review/"
    assert "Path=/review" in login.headers["set-cookie"]
    assert f'action="/review/queues/{queue}/answer"' in text
    assert 'href="/review/static/review.css' in text


def test_every_colour_has_a_light_and_a_dark_value() -> None:
    css = (STATIC / "review.css").read_text("utf-8")
    light, dark = css.split("@media (prefers-color-scheme: dark)")[:2]
    names = [re.findall(r"(--[\w-]+): #", part) for part in (light, dark)]

    assert names[0] == names[1]
    assert {*re.findall(r"var\((--[\w-]+)\)", css)} == {*names[0]}
    assert "light-dark(" not in css
