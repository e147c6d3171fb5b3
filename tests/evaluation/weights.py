"""What each end pays in the examples of this folder: round numbers, easy to add up."""

from typing import NamedTuple


class Weights(NamedTuple):
    correct_link: float = 1.0
    wrong_link: float = -4.0
    correct_reject: float = 0.5
    missed_link: float = -0.5
    review: float = 0.1
