"""How far a queue is, towards its end or towards the goal that it is answered for."""

from dataclasses import dataclass

from linkage_rl.decision_log.questions import Queue
from linkage_rl.reviewing.words import Words


@dataclass(frozen=True)
class Progress:
    """How far a queue is."""

    answered: int
    total: int
    """Answers that are needed, as far as it is known."""
    text: str


def progress_of(queue: Queue, words: Words) -> Progress:
    """How many clients of a queue are answered."""
    text = words("progress", answered=f"{queue.answered:,}", questions=f"{queue.questions:,}")
    return Progress(queue.answered, queue.questions, text)
