"""Hostile texts in Chromium: nothing of them is run, no page becomes wider than its window."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import ViewportSize

from linkage_rl.candidates.refresh import default_index_folder, open_index
from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.tables.store import CompanyStore
from tests.reviewing.browser.conftest import Serve, Somebody
from tests.reviewing.browser.served import DESKTOP, PHONE, Person
from tests.reviewing.logged import decision, make_log
from tests.small_table import COMPANIES, company_rows

pytestmark = pytest.mark.slow

HOSTILE: Final = (
    "<script>window.ran = 1</script>",
    "</script></style></textarea></title><script>window.ran = 1</script>",
    "\"'><img src=x onerror='window.ran = 1'>",
    '" autofocus onfocus="window.ran = 1" x="',
    '<div hx-get="/logout" hx-trigger="load">x</div>',
    "javascript:window.ran=1//",
    "{{ 7 * 7 }}{% raw %}${7 * 7}",
    "<svg><style>*{display:none}</style></svg>",
    "青空" + chr(0x202E) + "商事" + chr(0x2066) + chr(0x200F),
    "\udc80青空\ud83d",
    "青空\x00\x1b\x7f商事",
    "青" * 10_000,
    "w" * 10_000,
    ("x" * 70 + " ") * 200,
    "e" + chr(0x0301) * 500,
    "&lt;b&gt;&#x3c;",
)
FOREIGN: Final = "main :is(img, script, style, svg, iframe, [onerror], [onfocus], [hx-get])"
VISIBLE: Final = "<script>window.ran = 1</script>"
# what a log holds is text of UTF-8 without NUL; a lone surrogate and NUL are there as escapes


def hostile_log(folder: Path, **fields: str) -> str:
    """A log of one decision for each hostile text, which stands wherever a text can."""
    rows = []
    for place, text in enumerate(HOSTILE):
        said = text.encode("utf-8", "replace").decode().replace("\0", "")
        one = decision(f"h{place:02}", client={}, list_id=said[:128])
        client: Mapping[str, Any] = dict.fromkeys(("name", "street", "phone", "url", "内線"), text)
        rows.append(
            replace(
                one,
                client=[json.dumps({**client, said[:100]: text})],
                client_id=[said[:1000]],
                reason=[said[:500]],
            )
        )
    make_log(folder / "log.db", *rows)
    with DecisionLog.open(str(folder / "log.db")) as log:
        ids = [one.decision_id[0] for one in rows]
        settings = {"selection": {"customer": HOSTILE[0], "list_id": "w" * 128}}
        return Questions(log).create("stratified", settings, ids, [1.0] * len(ids))


@pytest.fixture
def hostile_table(tmp_path: Path) -> str:
    """The small company table, whose best candidate is hostile; gives its path."""
    path = tmp_path / "companies.db"
    text = HOSTILE[0] + HOSTILE[2] + "w" * 3_000
    company = {"name": text, "street": text, "name_kana": text, "former_names": text, "url": text}
    with CompanyStore(f"sqlite:///{path}") as store:
        store.create()
        store.load([company_rows({**COMPANIES, "aozora-tokyo": company})])
        open_index(store, default_index_folder(store.url), progress=False)
    return str(path)


def check(person: Person, *windows: ViewportSize) -> None:
    """Nothing hostile has run or is an element, and the page is as wide as a window at most."""
    # the page's own script has run, and that of no text
    assert person.page.evaluate("window.ran") is None
    assert person.page.locator(FOREIGN).count() == 0
    for window in windows or (PHONE, DESKTOP):
        person.page.set_viewport_size(window)
        assert person.overflow() <= 0, (person.page.url, window)


def test_hostile_texts_are_shown_and_answered(
    serve: Serve, somebody: Somebody, tmp_path: Path, hostile_table: str
) -> None:
    queue = hostile_log(tmp_path)
    ann = somebody(serve(database=hostile_table)).log_in(HOSTILE[0] + HOSTILE[3] + "w" * 20)
    check(ann)
    assert ann.page.inner_text(".who").startswith(VISIBLE)
    ann.page.goto("/decisions")
    check(ann)
    ann.page.goto(f"/queues/{queue}?find=%3Cscript%3E")
    assert VISIBLE in ann.page.inner_text(".client")
    assert VISIBLE in ann.page.title()

    for text in HOSTILE:
        check(ann)
        assert (chr(0x202E) in text) == ("U+202E" in ann.page.inner_text(".client"))
        ann.press("2")

    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        assert [one.company_id for one in log.verdicts()] == ["aozora-osaka"] * len(HOSTILE)


def test_hostile_companies_are_searched_for_and_judged(
    serve: Serve, somebody: Somebody, tmp_path: Path, hostile_table: str
) -> None:
    hostile_log(tmp_path)
    ann = somebody(serve(database=hostile_table)).log_in()
    ann.page.goto("/decisions/h02")
    ann.page.fill("[name=find]", HOSTILE[0] + HOSTILE[2])
    ann.page.press("[name=find]", "Enter")
    ann.page.wait_for_selector("#found p, #found article")
    check(ann)
    ann.page.click('[data-key="1"]')
    ann.page.wait_for_selector(".below li")

    check(ann)


def test_hostile_addresses_and_forms_run_nothing(
    serve: Serve, somebody: Somebody, tmp_path: Path
) -> None:
    make_log(tmp_path / "log.db", decision("a"))
    ann = somebody(serve()).log_in()

    for text in (HOSTILE[1] + HOSTILE[2] + HOSTILE[8], HOSTILE[12]):
        quoted = ann.page.evaluate("encodeURIComponent", text.encode("utf-8", "replace").decode())
        for path in (
            "/decisions?text=",
            "/decisions?client=",
            "/queues/",
            "/decisions/",
            "/login?next=",
        ):
            ann.page.goto(f"{path}{quoted[:2000]}")
            check(ann, PHONE)


def test_an_inline_script_would_be_refused(
    serve: Serve, somebody: Somebody, tmp_path: Path
) -> None:
    make_log(tmp_path / "log.db", decision("a"))
    ann = somebody(serve()).log_in()

    ann.page.evaluate(
        "() => { const one = document.createElement('script'); one.textContent = 'window.ran = 1';"
        " document.body.append(one); }"
    )

    assert ann.page.evaluate("window.ran") is None
    assert len(ann.troubles) == 1
    assert "Content Security Policy" in ann.troubles.pop()
