"""What a press of a button, or a row of JSON, says of a decision."""

import json
from collections.abc import Iterable
from typing import Any, Final

from linkage_rl.decision_log.rows import Answer, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import SchemaError
from linkage_rl.reviewing.cards import LoggedDecision
from linkage_rl.reviewing.companies import Companies

COMPANY: Final = "company:"
"""Begins the answer that names a company."""
MOST: Final = 10_000
"""Verdicts of one request."""
_KEYS: Final = ("decision_id", "answer", "company_id", "reviewer", "why_asked", "chance")
_PLAIN: Final = (Answer.NONE, Answer.UNSURE)
QUEUE_KINDS: Final = ("stratified", "review", "disagreement", "audit")
"""Why a question was asked that came from a queue, which no program can say of its own."""


def verdict_of(text: str, decision: LoggedDecision, reviewer: str, companies: Companies) -> Verdict:
    """The verdict that a button stands for.

    Args:
        text: 'accept', 'reject', 'none', 'unsure', or 'company:' with an id.
        decision: The decision that was shown.
        reviewer: Who has pressed it.
        companies: Where a company that was not shown is looked up.

    Raises:
        SchemaError: There is no such answer to this decision, or no such company.
    """
    company = _company_of(text, decision)
    if company:
        _check_known(company, decision, companies)
        if decision.action == "link" and company == decision.company_id:
            return Verdict(decision.decision_id, Answer.ACCEPT, reviewer=reviewer)
        return Verdict(decision.decision_id, Answer.COMPANY, company, reviewer)
    allowed = [*_PLAIN]
    if decision.action != "review":
        allowed.append(Answer.ACCEPT)
    if decision.action == "link":
        allowed.append(Answer.REJECT)
    if text not in allowed:
        raise SchemaError(
            f"expected an answer among {[*map(str, allowed)]} or {COMPANY}ID, got {text!r:.80}; "
            "load the page again"
        )
    return Verdict(decision.decision_id, Answer(text), reviewer=reviewer)


def _company_of(text: str, decision: LoggedDecision) -> str:
    """The company that is meant, '' for none: that of a client left to a person is the best one."""
    if text.startswith(COMPANY):
        return text.removeprefix(COMPANY)
    if text == Answer.ACCEPT and decision.action == "review" and decision.shown:
        return decision.shown[0][0]
    return ""


def _check_known(company: str, decision: LoggedDecision, companies: Companies) -> None:
    shown = {one for one, _ in decision.shown} | {decision.company_id}
    if company not in shown and not len(companies.fetch([company]).records):
        raise SchemaError(
            f"expected the id of a company of the table, got {company!r:.80}; search it again"
        )


def verdicts_of(content: bytes, reviewer: str, names_others: bool = True) -> list[Verdict]:
    """The verdicts of a JSON list of objects with the keys `decision_id`, `answer`, and others.

    Args:
        content: JSON; keys are `company_id`, `reviewer`, `why_asked` and `chance` besides.
        reviewer: Takes the place of a missing one.
        names_others: Whether the sender may give verdicts of others than `reviewer`.

    Raises:
        SchemaError: It is something else.
    """
    try:
        rows = json.loads(content)
    except (ValueError, RecursionError):
        raise SchemaError("expected a JSON list of verdicts, got text that is no JSON") from None
    if not isinstance(rows, list) or len(rows) > MOST:
        got = f"{len(rows):,} of them" if isinstance(rows, list) else "no list"
        raise SchemaError(f"expected a JSON list of up to {MOST:,} verdicts, got {got}")
    verdicts = [_verdict(row, place, reviewer) for place, row in enumerate(rows)]
    others = sorted({one.reviewer for one in verdicts} - {reviewer})
    if others and not names_others:
        raise SchemaError(
            f"expected verdicts of {reviewer!r}, who has logged in, got some of {others[0]!r:.80}; "
            "only a program that sends the token gives verdicts of others"
        )
    return verdicts


def _verdict(row: Any, place: int, reviewer: str) -> Verdict:
    if not isinstance(row, dict) or not {"decision_id", "answer"} <= row.keys() <= {*_KEYS}:
        raise SchemaError(
            f"expected an object with decision_id and answer, and with no other keys than "
            f"{list(_KEYS)}, got another value at position {place}"
        )
    texts = {name: row.get(name, "") for name in _KEYS if name != "chance"}
    chance = row.get("chance", 1.0)
    wrong = [name for name, text in texts.items() if not isinstance(text, str)]
    if wrong or isinstance(chance, bool) or not isinstance(chance, (int, float)):
        raise SchemaError(f"expected texts, and a number for chance, at position {place}")
    texts = {name: text.encode("utf-8", "replace").decode() for name, text in texts.items()}
    texts["reviewer"] = texts["reviewer"] or reviewer
    texts["why_asked"] = texts["why_asked"] or "api"
    if texts["why_asked"] in QUEUE_KINDS:
        raise SchemaError(
            f"expected a why_asked other than {list(QUEUE_KINDS)}, which only answers to questions "
            f"of a queue have, got {texts['why_asked']!r} at position {place}"
        )
    try:
        return Verdict(**texts, chance=float(chance))
    except OverflowError:
        raise SchemaError(f"expected a chance up to 1, got more at position {place}") from None
    except SchemaError as error:
        raise SchemaError(f"{error} (position {place})") from None


def add_known(log: DecisionLog, verdicts: Iterable[Verdict]) -> int:
    """Write verdicts, all of them or none.

    Returns:
        Their number.

    Raises:
        SchemaError: The log lacks a decision.
    """
    given = list(verdicts)
    wanted = list(dict.fromkeys(one.decision_id for one in given))
    known = {*log.find(wanted).decision_id}
    unknown = [one for one in wanted if one not in known]
    if unknown:
        raise SchemaError(
            f"expected verdicts on decisions of this log, got {len(unknown):,} on others, such as "
            f"{unknown[0]!r:.80}; nothing was written"
        )
    log.add_verdicts(given)
    return len(given)
