"""`progress.csv`: one row per evaluation, with the same columns whatever the algorithm is."""

import csv
from pathlib import Path
from typing import Any, Final

from stable_baselines3.common.logger import KVWriter, filter_excluded_keys

from linkage_rl.atomic import replacing
from linkage_rl.decision.rewards import Outcome

STEPS: Final = "time/total_timesteps"
COLUMNS: Final = (
    STEPS,
    *("eval/mean_reward", "eval/success_rate", "eval/mean_ep_length", "eval/linkage_rate"),
    *("rollout/ep_rew_mean", "rollout/blockers_mean"),
    *(f"rollout/{outcome.name.lower()}" for outcome in list(Outcome)[1:]),
    "rollout/exploration_rate",
    *("train/n_updates", "train/learning_rate", "train/loss"),
    *("train/policy_gradient_loss", "train/value_loss", "train/entropy_loss"),
    *("train/approx_kl", "train/clip_fraction", "train/clip_range", "train/explained_variance"),
)
"""Columns in their order; empty where an algorithm has no such figure, or has not yet learned.

What an algorithm of yours records besides follows in further columns.
"""


class ProgressTable(KVWriter):
    """Writes the rows, after those of an interrupted run that is resumed.

    The file is replaced atomically with each row: a killed run leaves no torn line.
    """

    def __init__(self, path: Path, steps: int = 0) -> None:
        """Go on with a table.

        Args:
            path: The file, which may exist.
            steps: Steps that the resumed run has behind it; later rows are left out, since they
                are to come again.
        """
        self._path = path
        self._rows: list[dict[str, Any]] = []
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                self._rows = [row for row in csv.DictReader(file) if int(row[STEPS]) <= steps]

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Add a row; called by the logger of Stable-Baselines3.

        Raises:
            OutputError: The file cannot be written.
        """
        self._rows.append(filter_excluded_keys(key_values, key_excluded, "csv"))
        others = (name for row in self._rows for name in row if name not in COLUMNS)
        columns = [*COLUMNS, *dict.fromkeys(others)]
        with (
            replacing(self._path) as partial,
            partial.open("w", newline="", encoding="utf-8") as file,
        ):
            table = csv.DictWriter(file, columns, restval="")
            table.writeheader()
            table.writerows(self._rows)

    def close(self) -> None:
        """Nothing is left to write."""
