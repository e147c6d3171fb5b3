"""`linkage-rl forget`: deletes decisions of a log for good, with verdicts and questions on them."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("forget")
    raise SystemExit

from dataclasses import dataclass

from linkage_rl.config.command import command, say
from linkage_rl.decision_log.forgetting import (
    Forgotten,
    apply_retention,
    forget,
    forget_older,
)
from linkage_rl.decision_log.opening import named_log
from linkage_rl.decision_log.rows import Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError


@dataclass(frozen=True)
class ForgetSettings:
    """The log, and what of it is deleted; without a choice, what is older than it keeps."""

    log: str = ""
    """Decision log: URL of a database, or an SQLite file; '' takes `LINKAGE_LOG_URL`."""
    client: str = ""
    """Id of the client whose decisions are deleted."""
    customer: str = ""
    """Customer whose decisions are deleted, or with `client`, whose client is meant."""
    list: str = ""
    """The same for a list."""
    older_than_days: int = 0
    """Age from which on decisions are deleted; 0 deletes by another choice, or as the log says."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "log", named_log(self.log))
        if not self.log:
            raise ConfigError("forget needs log=, the URL or the file of a decision log")
        if self.older_than_days < 0:
            raise ConfigError(f"older_than_days must be at least 1, got {self.older_than_days}")
        if self.older_than_days and self.selection != Selection():
            raise ConfigError(
                "expected older_than_days, or a client, a customer or a list, got both; run "
                "forget once for each"
            )

    @property
    def selection(self) -> Selection:
        """The decisions of the client, customer or list."""
        return Selection(client_id=self.client, customer=self.customer, list_id=self.list)


def run(settings: ForgetSettings) -> None:
    """Delete what the settings mean, and say how much that was.

    Raises:
        LinkageError: There is no such log, or neither a choice nor a retention of the log.
    """
    with DecisionLog.open(settings.log, create=False) as log:
        forgotten = _forget(log, settings)
        say(
            f"forgot   {forgotten.decisions:,} decisions, {forgotten.verdicts:,} verdicts and "
            f"{forgotten.questions:,} questions of {log}",
            decisions=forgotten.decisions,
            verdicts=forgotten.verdicts,
            questions=forgotten.questions,
        )


def _forget(log: DecisionLog, settings: ForgetSettings) -> Forgotten:
    if settings.older_than_days:
        return forget_older(log, settings.older_than_days)
    if settings.selection != Selection():
        return forget(log, settings.selection)
    if not log.retention_days:
        raise ConfigError(
            f"expected client=, customer=, list= or older_than_days=, got none, and {log} keeps "
            "its decisions for ever; to change that, linkage-rl log log=URL retention_days=N"
        )
    return apply_retention(log)


main = command("forget", ForgetSettings, run)
