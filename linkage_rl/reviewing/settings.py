"""Settings of the review page: the log, the company table, and who may log in."""

from dataclasses import dataclass, field
from typing import Final

from linkage_rl.errors import ConfigError
from linkage_rl.tables.schema import CANONICAL, ColumnMapping

LEAST_TOKEN: Final = 16
"""Characters that a token has at least, so that it cannot be guessed."""


@dataclass(frozen=True)
class ReviewSettings:
    """Settings of the review page."""

    log: str = field(default="", repr=False)
    """URL or file of the decision log; '' where only a finished list is looked at."""
    database: str = field(default="", repr=False)
    """Database URL or path of an SQLite file with the companies; '' shows what an index holds, and
    without one the ids only."""
    index: str = ""
    """Index folder of the database; '' takes the one beside it."""
    bundle: str = ""
    """Bundle folder, whose policy says what each field weighs and ranks what is searched for; ''
    leaves the weights out."""
    mapping: ColumnMapping = field(default_factory=lambda: CANONICAL)
    """Columns of the company table."""
    linked: str = ""
    """Result of `link` that is shown read-only, with or without a log."""
    columns: ColumnMapping = field(default_factory=lambda: CANONICAL)
    """Columns of the client list in `linked`."""
    token: str = field(default="", repr=False)
    """What people log in with and programs send; '' only with `auth_header`."""
    auth_header: str = ""
    """Header in which a proxy that people log in to names the reviewer; '' asks for the token. The
    page must then be reachable through that proxy only."""

    def __post_init__(self) -> None:
        if not (self.log or self.linked):
            raise ConfigError(
                "review needs log=, a decision log, or linked=, a finished list; see --help"
            )
        if not (self.token or self.auth_header):
            raise ConfigError(
                "the review page needs a token, or auth_header=, the header in which a proxy names "
                "the reviewer"
            )
        if self.token and len(self.token) < LEAST_TOKEN:
            raise ConfigError(
                f"the token of the review page must have {LEAST_TOKEN} characters or more, got "
                f"{len(self.token)}; python -c 'import secrets; print(secrets.token_urlsafe())' "
                "makes one"
            )
