"""A log of decisions on clients of the small table, and people who log in to its page."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from starlette.testclient import TestClient

from linkage_rl.candidates.refresh import default_index_folder, open_index
from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.reviewing.app import create_app
from linkage_rl.reviewing.settings import ReviewSettings
from linkage_rl.tables.store import CompanyStore
from tests.logged_decisions import logged_rows
from tests.small_table import company_rows

TOKEN: Final = "a-token-of-the-tests"
AOZORA: Final = {"name": "青空商事(株)", "street": "東京都千代田区神田神保町2-38"}
"""A client whose name two companies have, one of them in its town."""


def decision(
    decision_id: str,
    action: str = "link",
    shown: Sequence[str] = ("aozora-tokyo", "aozora-osaka", "aozora-llc", "hokkai", "sakura"),
    client: Mapping[str, str] | None = None,
    list_id: str = "spring",
) -> DecisionRows:
    """A decision, whose best candidate is the linked company."""
    shares = [0.9, 0.05, 0.02, 0.01, 0.01]
    fields = AOZORA if client is None else client
    linked = shown[0] if action == "link" else ""
    return logged_rows(
        {
            "decision_id": decision_id,
            "list_id": list_id,
            "client_id": f"client-{decision_id}",
            "client": json.dumps(fields, ensure_ascii=False) if fields else "",
            "shown": json.dumps(list(zip(shown, shares, strict=False))),
            "no_match": 0.01,
            "ran": 1,
            "action": action,
            "greedy_action": action,
            "company_id": linked,
            "raw_confidence": 0.9,
            "confidence": 0.93,
            "link_threshold": 0.8,
            "reason": "same name but for the legal form; same town",
            "evidence": b"",
        }
    )


def make_log(path: Path, *rows: DecisionRows) -> str:
    """Write a log, and a queue of all of its decisions in their order; gives the queue's id."""
    with DecisionLog.open(str(path)) as log:
        log.append(DecisionRows.of([tuple(row.values()) for one in rows for row in one.rows()]))
        ids = [one.decision_id[0] for one in rows]
        return Questions(log).create("stratified", {"selection": {}}, ids, [0.5] * len(ids))


def make_table(path: Path, closed: Sequence[str] = ()) -> None:
    """Write the small company table and its index."""
    with CompanyStore(f"sqlite:///{path}") as store:
        store.create()
        store.load([company_rows(closed=closed)])
        open_index(store, default_index_folder(store.url), progress=False)


def page_of(folder: Path, **settings: str) -> TestClient:
    """The page of `log.db` and `companies.db` in a folder; used in a `with` statement."""
    database = folder / "companies.db"
    values = {
        "log": str(folder / "log.db"),
        "database": str(database) if database.exists() else "",
        "token": TOKEN,
    }
    return TestClient(create_app(ReviewSettings(**(values | settings))))  # type: ignore[arg-type]


def log_in(page: TestClient, name: str = "ann") -> TestClient:
    """Log a reviewer in."""
    answer = page.post("/login", data={"name": name, "token": TOKEN}, follow_redirects=False)
    assert answer.status_code == 303
    return page


def fields_of(text: str) -> dict[str, str]:
    """The hidden fields of the answer's form."""
    form = text[text.index('<form id="answer"') :].partition("</div>")[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def shown_client(text: str) -> str:
    """Id of the client that a page asks about, '' where it asks nothing."""
    found = re.search(r"client-(\w+)", text)
    return found[1] if found else ""


def press(page: TestClient, queue: str, answer: str) -> str:
    """Answer the question that the queue asks now; gives the next page."""
    fields = fields_of(page.get(f"/queues/{queue}").text)
    sent = page.post(f"/queues/{queue}/answer", data=fields | {"answer": answer})
    assert sent.status_code == 200, sent.text
    return sent.text
