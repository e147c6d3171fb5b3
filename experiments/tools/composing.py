"""The settings of a training run, composed from `configs/` inside a running program."""

from collections.abc import Sequence

from linkage_rl.config.composing import compose_settings
from linkage_rl.train import COMPONENTS, TrainSettings, with_database_url


def train_settings(overrides: Sequence[str]) -> TrainSettings:
    """The settings of `python -m linkage_rl.train` with these overrides."""
    return with_database_url(
        compose_settings("train", overrides, TrainSettings, COMPONENTS).settings
    )
