"""Limits how many queries a worker starts per second."""

from collections.abc import Callable


class QueryRate:
    """Limits how many queries start per second (a token bucket of one second)."""

    def __init__(self, per_s: float, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._clock = clock
        self._tokens = max(1.0, per_s)
        self._refilled_at = clock()

    def wait_s(self) -> float:
        """Seconds until a query may start."""
        now = self._clock()
        self._tokens = min(
            max(1.0, self._per_s), self._tokens + (now - self._refilled_at) * self._per_s
        )
        self._refilled_at = now
        return max(0.0, (1 - self._tokens) / self._per_s)

    def take(self) -> None:
        """Count a query that starts."""
        self._tokens -= 1
