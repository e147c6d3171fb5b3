"""The options of `reset`: which cases to start, and in which rows of a vector environment."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import ConfigError


def chosen_cases(
    options: Mapping[str, Any] | None, batch: int, cases: int, known: tuple[str, ...] = ("case",)
) -> NDArray[np.int64] | None:
    """Case of each of B episodes that `options["case"]` asks for, None where it asks for none.

    Args:
        options: As given to `reset`. "case" is the position of a case, or one for each episode.
        batch: Episodes side by side, B.
        cases: Number of cases.
        known: Names of the options that there are.

    Raises:
        ConfigError: There is another option, or "case" is something else.
    """
    options = options or {}
    if unknown := sorted(set(options) - set(known)):
        raise ConfigError(f"expected reset options among {list(known)}, got {unknown}")
    if options.get("case") is None:
        return None
    case = np.asarray(options["case"])
    if not np.issubdtype(case.dtype, np.integer) or case.shape not in ((), (batch,)):
        raise ConfigError(
            f"expected options['case'] to be a whole number or {batch} of them, "
            f"got {options['case']!r}"
        )
    if case.min() < 0 or case.max() >= cases:
        raise ConfigError(f"expected a case in 0..{cases - 1}, got {options['case']}")
    return np.broadcast_to(case, batch).astype(np.int64)


def reset_mask(options: Mapping[str, Any] | None, batch: int) -> NDArray[np.bool_] | None:
    """Which of B episodes `options["reset_mask"]` asks to replace, None for all of them.

    Raises:
        ConfigError: The mask is no boolean array of shape (B,), or selects no episode.
    """
    mask = (options or {}).get("reset_mask")
    if mask is None:
        return None
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != (batch,):
        raise ConfigError(
            f"expected options['reset_mask'] to be a boolean array of shape ({batch},), "
            f"got {mask!r}"
        )
    if not mask.any():
        raise ConfigError("expected options['reset_mask'] to select at least one episode, got none")
    return mask
