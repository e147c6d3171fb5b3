"""`linkage-rl audit`: whether links are as precise as wanted, from what people say of some."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("audit")
    raise SystemExit

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from linkage_rl.atomic import replace_bytes
from linkage_rl.config.command import command, say
from linkage_rl.decision_log.opening import named_log
from linkage_rl.decision_log.rows import Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError
from linkage_rl.feedback.certification import Basis, Certification, Outcome, status
from linkage_rl.feedback.queues import audit_queue, audits_of, find_audit

_METRIC: Final = "precision"


@dataclass(frozen=True)
class AuditSettings:
    """The links that are audited, and what is to be shown of them."""

    log: str = ""
    """Decision log: URL of a database, or an SQLite file; '' takes `LINKAGE_LOG_URL`."""
    goal: str = "precision:0.95"
    """What is to be shown: `precision:`, then the share of right links, between 0 and 1."""
    confidence: float = 0.95
    """Chance that what is said is right, between 0 and 1."""
    list: str = ""
    """The list whose links are audited: `run_id` of link, or list of a request; '' for all."""
    customer: str = ""
    """The customer whose links are audited; '' for all."""
    seed: int = 0
    """Of the draw."""
    new: bool = False
    """Whether to draw anew where there is such an audit already."""
    output: str = ""
    """JSON file of the result; '' writes none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "log", named_log(self.log))
        if not self.log:
            raise ConfigError("audit needs log=, the URL or the file of a decision log; see --help")
        if not 0 < self.confidence < 1:
            raise ConfigError(f"confidence lies between 0 and 1, got {self.confidence}")
        if self.seed < 0:
            raise ConfigError(f"seed must be 0 or more, got {self.seed}")
        self.precision()

    def precision(self) -> float:
        """The goal as a number.

        Raises:
            ConfigError: It has another form.
        """
        metric, _, value = self.goal.partition(":")
        try:
            precision = float(value)
        except ValueError:
            precision = 0.0
        if metric != _METRIC or not 0 < precision < 1:
            raise ConfigError(
                f"goal takes the form {_METRIC}:0.95 with a share between 0 and 1, got "
                f"{self.goal!r}"
            )
        return precision


def run(settings: AuditSettings) -> None:
    """Find the audit or make its queue, and say what the answers show.

    Raises:
        LinkageError: There is no log or no link, or the file cannot be written.
    """
    selection = Selection(customer=settings.customer, list_id=settings.list)
    claim = (settings.precision(), settings.confidence)
    with DecisionLog.open(settings.log, create=False) as log:
        queue_id = "" if settings.new else find_audit(log, selection, *claim)
        if not queue_id:
            queue_id = audit_queue(log, selection, *claim, settings.seed)
        found = status(log, queue_id)
        added = log.count(Selection(settings.customer, settings.list, action="link")) - found.links
        audits = [queue.settings["confidence"] for queue in audits_of(log, selection)]
        _report(found, queue_id, added, f"linkage-rl review log={log} queue={queue_id}")
    if len(audits) > 1:
        say(f"          {_shared_promise(audits)}")
    if settings.output:
        known = {"queue": queue_id, "audits_of_these_links": len(audits)}
        content = json.dumps(known | asdict(found), indent=1) + "\n"
        replace_bytes(Path(settings.output).expanduser(), content.encode())


def _report(found: Certification, queue_id: str, added: int, review: str) -> None:
    say(
        f"audit     {found.links:,} links, queue {queue_id}",
        **(asdict(found) | {"queue": queue_id}),
    )
    if added > 0:
        say(f"          {added:,} links were logged since; new=true draws from all of them")
    say(
        f"answers   {found.answered:,} links: precision {found.precision:.1%}, at least "
        f"{found.bound:.1%}, at most {found.upper_bound:.1%}"
    )
    say(f"{found.outcome:<10}{_sentence(found)}")
    if found.outcome is Outcome.OPEN:
        say(f"answer    {review}")
        say("          with database= as for link; then call audit again")
    elif found.outcome is Outcome.CERTIFIED:
        return
    threshold = found.threshold_from_which_it_holds
    if threshold is None:
        say(f"holds     from no confidence on yet that {found.goal:.1%} are right")
    else:
        say(
            f"holds     from confidence {threshold:.3f} on: at least {found.goal:.1%} of these "
            f"{found.links_from_there:,} links are right"
        )


def _shared_promise(confidences: Sequence[float]) -> str:
    """What several audits of the same links promise together (Bonferroni)."""
    wrong = min(1.0, sum(1 - one for one in confidences))
    return (
        f"there are {len(confidences)} audits of these links: the chance that any of them is wrong "
        f"is at most {wrong:.0%}, not that of one"
    )


def _sentence(found: Certification) -> str:
    sure = f"with {found.confidence:.0%} confidence"
    if found.rests_on is Basis.COUNT:
        sure = "counted, with certainty if the answers are right"
    if found.outcome is Outcome.CERTIFIED:
        return f"at least {found.goal:.1%} of the links are right, {sure}"
    if found.outcome is Outcome.REFUTED:
        return f"fewer than {found.goal:.1%} of the links are right, {sure}"
    if found.clicks_left_estimate is None:
        return f"too near to {found.goal:.1%} to say how many answers it takes"
    if found.clicks_left_estimate == 0:
        return "there is nothing left to ask, and the answers do not decide"
    return f"about {found.clicks_left_estimate:,} more answers are needed"


main = command("audit", AuditSettings, run)
