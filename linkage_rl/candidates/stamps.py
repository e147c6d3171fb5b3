"""What the times of change of a table would have hidden; said only, no refresh relies on them."""

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from linkage_rl.records import CompanyRows

_log = logging.getLogger(__name__)

_DATED: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass
class Stamps:
    """The `updated_at` of rows that were read."""

    known: str = ""
    """The latest one that was known before; '' for none."""
    latest: str = ""
    """The latest one up to now."""
    hidden: int = 0
    """Rows whose stamp is not later than the latest one known before."""
    future: int = 0
    """Rows whose stamp is more than a day ahead."""

    def see(self, rows: CompanyRows) -> None:
        """Take the stamps of new or changed rows."""
        stamps = [stamp for stamp in rows.updated_at if _DATED.match(stamp)]
        # a day ahead, since the zone of the times is not known
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(" ")
        self.latest = max(self.latest, self.known, *stamps, "")
        self.hidden += sum(stamp <= self.known for stamp in stamps)
        self.future += sum(stamp > tomorrow for stamp in stamps)

    def report(self) -> None:
        """Log what is odd."""
        if self.hidden:
            _log.info(
                "%d changed rows have an updated_at that is not after the latest one known, %s; "
                "they were found by their content",
                self.hidden,
                self.known,
            )
        if self.future:
            _log.warning(
                "%d rows have an updated_at in the future, the latest one %s; nothing depends on "
                "it here, but a clock may be wrong",
                self.future,
                self.latest,
            )
