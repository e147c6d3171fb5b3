"""What a part of the torture found: how much was tried, what failed, and how to see it again."""

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from experiments.tools.measure import machine
from experiments.tools.records import commit

MAX_FAILURES: Final = 200
"""Failures of which the details are kept; the others are only counted."""
_PROGRESS_S: Final = 10.0


@dataclass(frozen=True)
class Failure:
    """Something that should not have happened."""

    case: str
    what: str
    """One sentence, or the end of a traceback."""
    again: str = ""
    """Seed, trial or input with which it can be seen again."""


@dataclass
class Outcome:
    """The result of one part, filled in while it runs."""

    part: str
    seed: int
    trials: Counter[str] = field(default_factory=Counter)
    """Case to how often it was tried."""
    failures: list[Failure] = field(default_factory=list)
    failed: int = 0
    figures: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    commit: str = field(default_factory=commit)
    machine: Mapping[str, Any] = field(default_factory=machine)
    _begin: float = field(default_factory=time.monotonic)
    _shown_at: float = 0.0

    def fail(self, case: str, what: str, again: str = "") -> None:
        """Note a failure, and say so at once."""
        self.failed += 1
        if len(self.failures) < MAX_FAILURES:
            self.failures.append(Failure(case, what, again))
        sys.stderr.write(f"FAILED {self.part} {case}: {what}  [{again}]\n")

    def show(self, said: str, always: bool = False) -> None:
        """A line of progress, every ten seconds at most."""
        now = time.monotonic()
        if always or now - self._shown_at >= _PROGRESS_S:
            self._shown_at = now
            sys.stderr.write(f"{self.part:<10} {now - self._begin:6.0f} s  {said}\n")
            sys.stderr.flush()

    def write(self, folder: Path) -> Path:
        """Write the result as `<part>.json`."""
        self.seconds = round(time.monotonic() - self._begin, 1)
        content = {name: value for name, value in asdict(self).items() if name[0] != "_"}
        content["trials"] = dict(sorted(self.trials.items()))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.part}.json"
        path.write_text(f"{json.dumps(content, indent=1, ensure_ascii=False)}\n", encoding="utf-8")
        return path

    @property
    def total(self) -> int:
        """Trials of all cases together."""
        return sum(self.trials.values())
