"""The page without JavaScript, in both languages, light and dark, on a phone, read-only."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator

from linkage_rl.decision_log.store import DecisionLog
from tests.reviewing.browser.conftest import Serve, Somebody
from tests.reviewing.browser.served import PHONE, Person
from tests.reviewing.logged import decision, make_log

pytestmark = pytest.mark.slow

LEAST_HEIGHT = 40
"""Pixels of a button that a thumb meets."""
LINKED = (
    "client_id,decision,company_id,confidence,company_name,reason,run_id,"
    "candidate_1_id,candidate_1_share,会社名\n"
    "k1,link,goyo,0.9100,五洋建設株式会社,same name,r,goyo,0.9,五洋建設\n"
    "k2,no_match,,0.2000,,,r,,,なし商会\n"
)


@pytest.fixture
def queue(tmp_path: Path) -> str:
    """A queue of a link, a decision left to a person, and a no match; gives its id."""
    return make_log(
        tmp_path / "log.db", decision("a"), decision("b", "review"), decision("c", "no_match")
    )


def answered(folder: Path) -> list[tuple[str, str, str]]:
    with DecisionLog.open(str(folder / "log.db")) as log:
        return [(one.decision_id, str(one.answer), one.company_id) for one in log.verdicts()]


def test_everything_works_without_javascript(
    serve: Serve, somebody: Somebody, tmp_path: Path, queue: str
) -> None:
    ann = somebody(serve(), java_script_enabled=False).log_in()
    page = ann.page
    page.click(".queues a")
    asked = [ann.asked()]
    page.fill("[name=find]", "五洋建設")
    page.press("[name=find]", "Enter")
    page.click('#found [value="company:goyo"]')
    asked.append(ann.asked())
    page.click('[value="company:aozora-osaka"]')
    page.click("#answer >> text=Unsure")
    asked.append(ann.asked())
    page.click("text=Undo")
    asked.append(ann.asked())
    page.dblclick('[value="accept"]')
    page.wait_for_selector("text=Nothing is left to answer here")
    assert page.inner_text(".progress") == "3 of 3 answered"
    page.click("text=Decisions")
    page.select_option("[name=action]", "review")
    page.click("button:text-is('Filter')")
    page.click(".decisions tbody a")
    page.click('[value="none"]')
    page.click("text=日本語")
    assert "該当企業なし" in page.inner_text(".below")
    page.click("text=確認リスト")
    page.click("summary")
    page.select_option("[name=kind]", "audit")
    page.click("text=作成")
    assert "認定まで" in page.inner_text(".progress")
    page.click("text=ログアウト")

    assert page.locator("form.login").count() == 1
    assert asked == ["a", "b", "", "c"]
    assert answered(tmp_path) == [
        ("a", "company", "goyo"),
        ("b", "company", "aozora-osaka"),
        ("c", "unsure", ""),
        ("c", "withdrawn", ""),
        ("c", "accept", ""),
        ("b", "none", ""),
    ]


@pytest.mark.parametrize(
    ("locale", "first", "then"),
    [
        ("ja-JP", "ログイン", "Log in"),
        ("en-GB", "Log in", "ログイン"),
    ],
)
def test_the_language_is_the_browsers_until_another_is_chosen(
    serve: Serve, somebody: Somebody, tmp_path: Path, locale: str, first: str, then: str
) -> None:
    make_log(tmp_path / "log.db", decision("a"))
    ann = somebody(serve(), locale=locale)
    ann.page.goto("/login")
    assert ann.page.inner_text("form.login button") == first

    ann.page.click(".person a[lang]")
    ann.page.wait_for_url("**/login?lang=*")
    ann.page.goto("/login")

    assert ann.page.inner_text("form.login button") == then
    assert ann.page.get_attribute("html", "lang") == ("en" if then == "Log in" else "ja")


def test_a_queue_goes_on_in_the_other_language(
    serve: Serve, somebody: Somebody, tmp_path: Path, queue: str
) -> None:
    ann = somebody(serve()).log_in()
    ann.page.goto(f"/queues/{queue}")
    ann.press(" ")
    ann.page.click(".person a[lang]")
    ann.page.wait_for_selector("html[lang=ja]")

    assert ann.asked() == "b"
    assert "3 件中 1 件回答済み" in ann.page.inner_text(".progress")
    ann.press("n")
    assert ann.page.inner_text(".notice") == "保存しました:該当企業なし"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(
    serve: Serve, somebody: Somebody, queue: str, scheme: str
) -> None:
    ann = somebody(serve(), color_scheme=scheme).log_in()
    ann.page.goto(f"/queues/{queue}")

    ground = light_of(ann.page.locator("body"), "backgroundColor")
    assert (ground > 0.5) == (scheme == "light")
    for selector in (
        ".said",
        ".card dd",
        ".card dt",
        "mark",
        ".agreement",
        ".strong",
        ".pick",
        ".id",
    ):
        assert contrast(ann, selector) >= 4.5, selector


def light_of(where: Locator, style: str) -> float:
    """Relative luminance of a colour, in [0, 1] (WCAG 2.2)."""
    colour = where.first.evaluate(
        """(one, style) => {
            let value = getComputedStyle(one)[style];
            // what is transparent has the ground of what it stands on
            while (style === "backgroundColor" && /, 0\\)$/.test(value)) {
                one = one.parentElement;
                value = getComputedStyle(one)[style];
            }
            return value;
        }""",
        style,
    )
    shares = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(person: Person, selector: str) -> float:
    """Contrast of a text and its ground, from 1 to 21 (WCAG 2.2)."""
    where = person.page.locator(selector)
    dark, light = sorted([light_of(where, "color"), light_of(where, "backgroundColor")])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("locale", ["en-GB", "ja-JP"])
def test_the_buttons_are_in_reach_on_a_phone(
    serve: Serve, somebody: Somebody, queue: str, locale: str
) -> None:
    ann = somebody(serve(), viewport=PHONE, has_touch=True, is_mobile=True, locale=locale).log_in()
    ann.page.goto(f"/queues/{queue}")

    assert ann.overflow() <= 0
    for button in ann.page.locator(".bar button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= LEAST_HEIGHT
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]
        assert box["y"] + box["height"] <= PHONE["height"]
        # nothing lies above it
        assert button.evaluate(
            "one => { const at = one.getBoundingClientRect(); return one.contains("
            "document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2)); }"
        )
    for pick in ann.page.locator(".pick").all():
        box = pick.bounding_box()
        assert box is not None
        assert box["height"] >= LEAST_HEIGHT
    ann.page.locator(".pick").last.tap()
    ann.page.wait_for_selector(".notice:not(:empty)")
    assert ann.asked() == "b"


def test_a_finished_list_is_only_looked_at(
    serve: Serve, somebody: Somebody, tmp_path: Path
) -> None:
    (tmp_path / "linked.csv").write_text(LINKED, encoding="utf-8")
    ann = somebody(serve(log="", linked=str(tmp_path / "linked.csv"))).log_in()
    page = ann.page

    assert page.inner_text("h1") == "Finished list Read-only"
    page.click("text=k1")
    page.wait_for_selector(".client")
    for key in ("Space", "1", "n", "r", "u", "z"):
        page.keyboard.press(key)

    assert "Linked with 1" in page.inner_text(".bar")
    assert "五洋建設株式会社" in page.inner_text(".linked")
    assert page.locator("main button, main form").count() == 0
    assert re.search(r"/list/0*1$", page.url)
