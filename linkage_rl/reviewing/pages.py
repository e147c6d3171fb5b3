"""The pages: each takes a visit and gives an answer."""

from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from linkage_rl.decision_log.questions import Questions, Queue
from linkage_rl.decision_log.rows import Answer, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import SchemaError
from linkage_rl.reviewing.access import Access, clean_name
from linkage_rl.reviewing.answers import QUEUE_KINDS, add_known, verdict_of, verdicts_of
from linkage_rl.reviewing.browsing import ROWS, Filter, browse, find
from linkage_rl.reviewing.cards import LoggedDecision, compare, found_cards
from linkage_rl.reviewing.companies import Companies
from linkage_rl.reviewing.making import make_queue
from linkage_rl.reviewing.marking import plain
from linkage_rl.reviewing.progress import progress_of
from linkage_rl.reviewing.rendering import render
from linkage_rl.reviewing.visits import LONGEST, Visit, changed, notice_of, own_path, to_page
from linkage_rl.reviewing.words import Words

_ABOUT: Final = ("customer", "list_id", "goal")
"""Settings of a queue that are shown."""


class Pages:
    """Everything that people look at and answer."""

    def __init__(
        self,
        access: Access,
        log: DecisionLog | None,
        companies: Companies,
        linked: DecisionLog | None,
    ) -> None:
        """Pages of a log, of a finished list, or of both.

        Args:
            access: Who has logged in.
            log: The decision log; None where a finished list only is looked at.
            companies: The company table.
            linked: The finished list as a log of its own.
        """
        self._access, self._companies = access, companies
        self._log, self._linked = log, linked

    @property
    def _questions(self) -> Questions:
        return Questions(self.log)

    @property
    def log(self) -> DecisionLog:
        """The decision log.

        Raises:
            SchemaError: Only a finished list is looked at.
        """
        if self._log is None:
            raise SchemaError("expected log=, a decision log; the page was started without one")
        return self._log

    def queues(self, visit: Visit) -> Response:
        """Every queue, and a form that makes one."""
        if self._log is None:
            return to_page(visit, "/list")
        queues = [{**vars(one), "about": _about(one)} for one in self._questions.queues()]
        return self._page(visit, "queues", queues=queues, kinds=QUEUE_KINDS)

    def make(self, visit: Visit) -> Response:
        """Make a queue from the form of `queues`, then ask its first question."""
        return to_page(visit, f"/queues/{make_queue(self.log, visit.form)}")

    def question(self, visit: Visit, notice: str = "") -> Response:
        """The next question of a queue to this reviewer."""
        queue_id = visit.of_path("queue")
        queue = self._questions.queue(queue_id)
        taken = self._questions.take(queue_id, visit.reviewer)
        path = f"/queues/{queue_id}"
        values: dict[str, Any] = {
            "progress": progress_of(self.log, queue, visit.words),
            "undo_to": f"{visit.root}{path}/undo",
            "notice": notice or notice_of(visit),
        }
        decision = find(self.log, taken[0].decision_id) if taken else None
        if decision is None:
            return self._page(visit, "done", path, **values)
        values |= {"answer_to": f"{visit.root}{path}/answer"}
        return self._decision(visit, decision, path, question=taken[0].question_id, **values)

    def answer(self, visit: Visit) -> Response:
        """Keep the answer to a question, then ask the next one."""
        form, queue_id = visit.form, visit.of_path("queue")
        decision = self._found(form.get("decision", ""))
        verdict = verdict_of(form.get("answer", ""), decision, visit.reviewer, self._companies)
        question = form.get("question", "")
        if not question.isdecimal() or len(question) > 18:
            raise SchemaError(f"expected the number of a question, got {question!r:.80}")
        kept = self._questions.answer(int(question), verdict, queue_id)
        if visit.enhanced:
            words = visit.words
            said = words("saved", answer=_said(words, verdict)) if kept else words("taken")
            return self.question(visit, said)
        values = {"saved": verdict.answer} if kept else {"notice": "taken"}
        return to_page(visit, f"/queues/{queue_id}?{urlencode(values)}")

    def undo(self, visit: Visit) -> Response:
        """Take the reviewer's last answer back, and ask the question again."""
        question = self._questions.undo(visit.reviewer)
        notice = "undone" if question else "nothing_to_undo"
        queue_id = question.queue_id if question else visit.of_path("queue")
        if visit.enhanced and queue_id == visit.of_path("queue"):
            return self.question(visit, visit.words(notice))
        return to_page(visit, f"/queues/{queue_id}?notice={notice}")

    def decisions(self, visit: Visit) -> Response:
        """Decisions of the log, page by page."""
        return self._browsed(visit, self.log, "/decisions", read_only=False)

    def finished(self, visit: Visit) -> Response:
        """Rows of the finished list, page by page."""
        return self._browsed(visit, self._finished_list, "/list", read_only=True)

    def decision(self, visit: Visit) -> Response:
        """One decision that somebody has looked up, and the verdicts on it."""
        decision = self._found(visit.of_path("decision"))
        path = f"/decisions/{decision.decision_id}"
        return self._decision(
            visit,
            decision,
            path,
            notice=notice_of(visit),
            verdicts=self._verdicts(decision),
            answer_to=f"{visit.root}{path}/answer",
            undo_to=f"{visit.root}{path}/undo",
        )

    def finished_row(self, visit: Visit) -> Response:
        """One row of the finished list."""
        decision = find(self._finished_list, visit.of_path("decision"))
        if decision is None:
            raise SchemaError("expected a row of the finished list, got another id")
        path = f"/list/{decision.decision_id}"
        return self._decision(visit, decision, path, read_only=True)

    def judge(self, visit: Visit) -> Response:
        """Keep a verdict on a decision that was looked up."""
        decision = self._found(visit.of_path("decision"))
        given = verdict_of(visit.form.get("answer", ""), decision, visit.reviewer, self._companies)
        verdict = Verdict(
            given.decision_id, given.answer, given.company_id, given.reviewer, why_asked="search"
        )
        self.log.add_verdicts([verdict])
        return to_page(visit, f"/decisions/{decision.decision_id}?saved={verdict.answer}")

    def withdraw(self, visit: Visit) -> Response:
        """Take the reviewer's verdict on a decision back."""
        decision = self._found(visit.of_path("decision"))
        mine = [one for one in self._verdicts(decision) if one.reviewer == visit.reviewer]
        given = bool(mine) and mine[-1].answer is not Answer.WITHDRAWN
        if given:
            self.log.add_verdicts(
                [
                    Verdict(
                        decision.decision_id,
                        Answer.WITHDRAWN,
                        reviewer=visit.reviewer,
                        why_asked=mine[-1].why_asked,
                        chance=mine[-1].chance,
                        question_id=mine[-1].question_id,
                    )
                ]
            )
        notice = "undone" if given else "nothing_to_undo"
        return to_page(visit, f"/decisions/{decision.decision_id}?notice={notice}")

    def take_verdicts(self, content: bytes, reviewer: str, names_others: bool) -> Response:
        """Keep the verdicts that a program has sent."""
        verdicts = verdicts_of(content, reviewer, names_others)
        return JSONResponse({"written": add_known(self.log, verdicts)})

    def login(self, visit: Visit, problem: str = "") -> Response:
        """The form in which people give their name and the token."""
        if not self._access.by_token:
            header = "the header that names you"
            raise SchemaError(f"expected {header} from the proxy before this page, got none")
        return self._page(
            visit,
            "login",
            "/login",
            problem=problem and visit.words(problem),
            name=visit.form.get("name", "")[:LONGEST],
            next=own_path(visit.form.get("next", "") or visit.asked("next")),
            status=403 if problem else 200,
        )

    def log_in(self, visit: Visit) -> Response:
        """Check name and token, then go to the page that was asked for."""
        name = clean_name(visit.form.get("name", ""))
        if not self._access.is_token(visit.form.get("token", "").strip()):
            return self.login(visit, "wrong_token")
        if not name:
            return self.login(visit, "wrong_name")
        response = to_page(visit, own_path(visit.form.get("next", "")))
        self._access.log_in(response, visit.request, name)
        return response

    def log_out(self, visit: Visit) -> Response:
        """Give the questions of the reviewer back, and forget who they are."""
        if self._log is not None:
            self._questions.release(visit.reviewer)
        response = to_page(visit, "/login")
        self._access.log_out(response, visit.request)
        return response

    def problem(self, visit: Visit, sentence: str, status: int) -> Response:
        """A fault as a sentence."""
        return self._page(visit, "problem", "/", problem=sentence, status=status)

    def _found(self, decision_id: str) -> LoggedDecision:
        decision = find(self.log, decision_id[:LONGEST])
        if decision is None:
            raise SchemaError(
                "expected the id of a decision of this log, got another; it may have been forgotten"
            )
        return decision

    @property
    def _finished_list(self) -> DecisionLog:
        if self._linked is None:
            raise SchemaError("expected linked=, a finished list; the page was started without one")
        return self._linked

    def _verdicts(self, decision: LoggedDecision) -> list[Verdict]:
        return self.log.verdicts_on([decision.decision_id])

    def _browsed(self, visit: Visit, log: DecisionLog, path: str, read_only: bool) -> Response:
        chosen = Filter(**{name: visit.asked(name) for name in Filter.__dataclass_fields__})
        rows = browse(log, chosen, visit.asked("after"))
        following = ""
        if len(rows) == ROWS:
            values = {**asdict(chosen), "after": rows[-1].decision_id}
            kept = urlencode({name: text for name, text in values.items() if text})
            following = f"{visit.root}{path}?{kept}"
        return self._page(
            visit,
            "decisions",
            path,
            rows=rows,
            filter=chosen,
            next_page=following,
            read_only=read_only,
        )

    def _decision(
        self, visit: Visit, decision: LoggedDecision, path: str, question: int = 0, **values: Any
    ) -> Response:
        comparison = compare(decision, self._companies)
        text = visit.asked("find").strip()
        found = found_cards(decision, self._companies, text) if text else ()
        shown: dict[str, Any] = {
            "decision": decision,
            "comparison": comparison,
            "said": _decided(visit.words, decision),
            "find": text,
            "found": found,
            "weighed": any(cell.weight is not None for c in comparison.cards for cell in c.cells),
            "question_id": question,
            "answer_to": "",
            "read_only": False,
            "verdicts": [],
            "progress": None,
        }
        return self._page(visit, "decision", path, **(shown | values))

    def _page(
        self, visit: Visit, template: str, path: str = "/", status: int = 200, **values: Any
    ) -> Response:
        """A page; htmx shows it under its own address, whatever form led to it."""
        shown = {
            "words": visit.words,
            "reviewer": visit.reviewer,
            "mark": self._access.form_mark(visit.request),
            "by_token": self._access.by_token,
            "has_log": self._log is not None,
            "has_list": self._linked is not None,
            "has_companies": self._companies.source is not None,
            "root": visit.root,
            "here": f"{visit.root}{path}",
            "other_language": changed(visit, path, lang=visit.words.other),
            "keys": visit.has_keys,
            "other_keys": changed(visit, path, keys="off" if visit.has_keys else "on"),
            "notice": "",
        }
        text = render(template, {**shown, "notice": notice_of(visit), **values})
        headers = {}
        if visit.enhanced and visit.request.method == "POST":
            headers["hx-replace-url"] = f"{visit.root}{path}"
        return Response(text, status, headers, "text/html; charset=utf-8")


def _said(words: Words, verdict: Verdict) -> str:
    return words(f"answer_{verdict.answer}", company=plain(verdict.company_id, 80))


def _decided(words: Words, decision: LoggedDecision) -> str:
    """The decision in words."""
    if decision.action != "link":
        return words("decided_review" if decision.action == "review" else "decided_no_match")
    ids = [company for company, _ in decision.shown]
    if decision.company_id in ids:
        return words("decided_link", number=ids.index(decision.company_id) + 1)
    return words("decided_other", company=plain(decision.company_id, 80))


def _about(queue: Queue) -> list[tuple[str, str]]:
    """Settings of a queue that say what it asks about, with their names."""
    selection = queue.settings.get("selection", {})
    every = {**selection, "goal": queue.settings.get("goal", "")}
    return [(name, str(every[name])) for name in _ABOUT if every.get(name)]
