"""The map from raw confidence to a probability; `evaluation.calibration` fits it."""

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import BundleError, SchemaError


@dataclass(frozen=True, eq=False)
class Calibration:
    """A non-decreasing, piecewise linear map into [0, 1], constant outside its knots.

    Raw confidence is whatever score a policy has for its best candidate. After the map, 0.9 means
    that nine of ten such candidates are right.

    >>> Calibration(np.array([0.2, 0.6]), np.array([0.0, 0.8])).apply(np.array([0.1, 0.4, 0.9]))
    array([0. , 0.4, 0.8], dtype=float32)
    """

    scores: NDArray[np.float64]
    """Raw confidence at the knots, shape (J,), strictly ascending, J >= 1."""
    probabilities: NDArray[np.float64]
    """Probability at the knots, shape (J,), non-decreasing, each in [0, 1]."""

    def __post_init__(self) -> None:
        scores, probabilities = self.scores, self.probabilities
        if scores.ndim != 1 or scores.shape != probabilities.shape or not len(scores):
            raise SchemaError(
                "a calibration needs as many scores as probabilities, at least one, got shapes "
                f"{scores.shape} and {probabilities.shape}; fit it again"
            )
        if not (np.isfinite(scores).all() and (np.diff(scores) > 0).all()):
            raise SchemaError(
                f"calibration scores must be finite and strictly ascending, got {scores.tolist()}; "
                "fit it again"
            )
        inside = (probabilities >= 0).all() and (probabilities <= 1).all()
        if not (inside and (np.diff(probabilities) >= 0).all()):
            raise SchemaError(
                "calibration probabilities must lie in [0, 1] and not decrease, got "
                f"{probabilities.tolist()}; fit it again"
            )

    @classmethod
    def identity(cls) -> "Calibration":
        """The map that leaves [0, 1] as it is, for a policy without calibration."""
        return cls(np.array([0.0, 1.0]), np.array([0.0, 1.0]))

    @classmethod
    def from_json(cls, text: str) -> "Calibration":
        """The calibration that `to_json` wrote.

        Raises:
            BundleError: The text is not a calibration.
        """
        try:
            knots = json.loads(text)
            return cls(
                np.asarray(knots["scores"], dtype=np.float64),
                np.asarray(knots["probabilities"], dtype=np.float64),
            )
        except (KeyError, TypeError, ValueError, SchemaError) as error:
            raise BundleError(
                "expected a calibration as JSON with 'scores' and 'probabilities', got "
                f"{text[:60]!r} ({error}); export the bundle again"
            ) from error

    def to_json(self) -> str:
        """One line of JSON that `from_json` reads back to the last bit."""
        return json.dumps(
            {"scores": self.scores.tolist(), "probabilities": self.probabilities.tolist()}
        )

    def apply(self, score: NDArray[np.floating]) -> NDArray[np.float32]:
        """Probability that the best candidate is right, same shape as `score`."""
        return np.asarray(np.interp(score, self.scores, self.probabilities), dtype=np.float32)
