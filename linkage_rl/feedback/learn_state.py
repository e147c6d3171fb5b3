"""What `learn` keeps of a round in `state.json`: what was learned, and how its gate stands."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from linkage_rl.atomic import replacing
from linkage_rl.errors import InputFileError
from linkage_rl.feedback.gate import GateResult

STATE: Final = "state.json"


@dataclass(frozen=True)
class LearnState:
    """A round of learning."""

    state: Literal["learning", "promoted", "kept", "open"]
    """'learning' until the gate of the candidate is open."""
    base: str
    """Mark of the bundle that learned."""
    candidate: str
    """Mark of the bundle that was learned; '' before."""
    verdicts: str
    """What tells the verdicts learned from others: their number, and the last one's."""
    learned: int
    """Verdicts that were learned."""
    customer: str
    list_id: str
    incumbent: str = ""
    """Mark of the bundle in use, which the learned one must beat."""
    queue_id: str = ""
    """Questions of the gate; '' without."""
    answers: int = 0
    """Answers of the gate that count."""
    more_needed: int = 0
    """Estimate of the answers until the gate decides."""
    gain: float | None = None
    """Mean gain in reward per client on which the bundles differ."""
    choices: Mapping[str, object] = field(default_factory=dict)
    """Settings that the candidate was learned with, name to value."""
    why: str = ""
    """Why it was promoted or kept, as a sentence."""

    def after(self, result: GateResult) -> "LearnState":
        """The round after these answers of its gate."""
        return replace(
            self,
            state=result.state,
            answers=result.answers,
            more_needed=result.more_needed,
            gain=result.gain if result.answers else None,
            why=result.why,
        )

    def is_of(self, base: str, customer: str, list_id: str) -> bool:
        """Whether the round is of this bundle, customer and list."""
        return (self.base, self.customer, self.list_id) == (base, customer, list_id)

    def is_done_with(self, verdicts: str) -> bool:
        """Whether these verdicts were learned and what came of it was judged."""
        return self.state in ("promoted", "kept") and self.verdicts == verdicts


def read_state(folder: Path) -> LearnState | None:
    """The last round of a folder, None where there was none.

    Raises:
        InputFileError: The file holds something else.
    """
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        return LearnState(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputFileError(
            f"expected the state of linkage-rl learn in {path}, got another file: {error}; "
            "choose another output="
        ) from error


def write_state(folder: Path, state: LearnState) -> None:
    """Write the round.

    Raises:
        OutputError: The file cannot be written.
    """
    with replacing(folder / STATE) as partial:
        partial.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
