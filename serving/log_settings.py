"""The variables of the decision log. Standard library only, as `settings.py`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar, get_args

from serving.variables import read_variable, share, whole_number

Privacy = Literal["", "full", "hashes"]
"""What a log keeps of clients: their ids and fields, or only keyed hashes of both."""
LOG_URL: Final = "LINKAGE_LOG_URL"
_T = TypeVar("_T")


@dataclass(frozen=True)
class LogSettings:
    """Where decisions are logged, and what of them."""

    url: str = field(default="", repr=False)
    """`LINKAGE_LOG_URL`: database URL or SQLite file; '' keeps no log. A URL without a password
    takes that of the company database where its user is the same or none is named."""
    evidence: float = 1.0
    """`LINKAGE_LOG_EVIDENCE`: share of decisions that are logged with their evidence."""
    waiting: int = 20_000
    """`LINKAGE_LOG_WAITING`: decisions that may wait in a worker until they are written; while
    there are more, those of further requests are dropped and counted."""
    privacy: Privacy = ""
    """`LINKAGE_LOG_PRIVACY`: what the log must keep of clients; "" is what it keeps already,
    "full" for a new one."""
    retention_days: int | None = None
    """`LINKAGE_LOG_RETENTION_DAYS`: after so many days decisions are deleted, 0 for never; None
    takes what the log has, and never for a new one."""

    def __bool__(self) -> bool:
        return bool(self.url)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "LogSettings":
        """Settings from environment variables.

        Raises:
            SettingError: A variable has an invalid value; the message names it.
        """

        def read(name: str, parse: Callable[[str], _T], default: _T) -> _T:
            return read_variable(environ, name, parse, default)

        return cls(
            url=environ.get(LOG_URL, "").strip(),
            evidence=read("LINKAGE_LOG_EVIDENCE", share, cls.evidence),
            waiting=read("LINKAGE_LOG_WAITING", whole_number(10_000_000), cls.waiting),
            privacy=read("LINKAGE_LOG_PRIVACY", _privacy, cls.privacy),
            retention_days=read(
                "LINKAGE_LOG_RETENTION_DAYS", whole_number(36_500, minimum=0), cls.retention_days
            ),
        )


def _privacy(text: str) -> Privacy:
    for choice in get_args(Privacy):
        if text == choice:
            return choice  # type: ignore[no-any-return]
    raise ValueError("expected full or hashes")
