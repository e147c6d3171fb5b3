"""Composes a configuration of `configs/` inside a running program, as a command line would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict, read_write

from linkage_rl.config import nodes
from linkage_rl.config.command import CONFIGS
from linkage_rl.train import COMPONENTS, TrainSettings, with_database_url

Schema = TypeVar("Schema")


@dataclass(frozen=True)
class Composed(Generic[Schema]):
    """A composed configuration."""

    settings: Schema
    config: DictConfig
    """The same as Hydra composed it, for looking up single keys."""
    hydra: DictConfig
    """Hydra's own part, among it the search space of a sweep."""


def compose_settings(
    command: str,
    overrides: Sequence[str],
    schema: type[Schema],
    components: Mapping[str, type] | None = None,
) -> Composed[Schema]:
    """What a command would read from these overrides.

    A program that Hydra started may call it too: Hydra's global state, of which there is one per
    process, is put back afterwards.

    Args:
        command: Name of the file in `configs/`.
        overrides: Arguments such as `agent=dqn`.
        schema: Frozen dataclass of the configuration.
        components: Choices of groups that offer several kinds, see `nodes.register`.

    Raises:
        HydraException: An override is malformed or names an unknown key.
        ConfigError: A value is out of its range.
    """
    nodes.register(command, schema, components or {})
    outer_config, outer_hydra = HydraConfig.instance().cfg, GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            config = compose(command, list(overrides), return_hydra_config=True)
        # interpolations such as ${hydra:runtime.choices.agent} are resolved through it
        HydraConfig.instance().set_config(config)
        hydra = config.hydra
        with open_dict(config), read_write(config):
            config.pop("hydra")
        return Composed(nodes.settings(config, schema), config, hydra)
    finally:
        HydraConfig.instance().cfg = outer_config
        GlobalHydra.instance().hydra = outer_hydra


def train_settings(overrides: Sequence[str]) -> TrainSettings:
    """The settings of `python -m linkage_rl.train` with these overrides."""
    return with_database_url(
        compose_settings("train", overrides, TrainSettings, COMPONENTS).settings
    )
