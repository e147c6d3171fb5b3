"""The configuration of `train`, composed once for each agent and changed as Hydra changes it."""

from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from linkage_rl.agents.algorithms import AGENTS
from linkage_rl.config import nodes
from linkage_rl.config.command import CONFIGS
from linkage_rl.config.near_miss import explain
from linkage_rl.errors import ConfigError
from linkage_rl.train import COMPONENTS, TrainSettings

KNOWN = tuple(nodes.dotted_keys(TrainSettings, COMPONENTS))


def agent_with(key: str) -> str:
    """The first agent that has a key; any for keys that are not of the agent."""
    return next(
        (name for name, kind in AGENTS.items() if key in nodes.dotted_keys(kind, {}, "agent.")),
        "ppo",
    )


def composed(*words: str) -> DictConfig:
    """The configuration as the command composes it from these arguments."""
    nodes.register("train", TrainSettings, COMPONENTS)
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = compose("train", list(words), return_hydra_config=True)
    agent = config.hydra.runtime.choices.agent
    with open_dict(config), read_write(config):
        config.pop("hydra")
        # it is interpolated from Hydra's part
        config.agent_name = agent
    return config


@cache
def _composed(agent: str) -> DictConfig:
    return composed(f"agent={agent}")


def changed(agent: str, key: str, value: object) -> TrainSettings:
    """The settings with a key set, as Hydra sets it when it is given as `key=value`."""
    config = deepcopy(_composed(agent))
    OmegaConf.update(config, key, value, merge=True)
    return nodes.settings(config, TrainSettings)


def replaced(settings: Any, key: str, value: object) -> Any:
    """The settings with one field set, without Hydra."""
    name, _, rest = key.partition(".")
    inner = replaced(getattr(settings, name), rest, value) if rest else value
    return replace(settings, **{name: inner})


def refusal(*words: str) -> str:
    """The sentence with which the command refuses these arguments."""
    with pytest.raises(Exception) as error:  # noqa: PT011 - Hydra wraps errors in many classes
        nodes.settings(composed(*words), TrainSettings)
    if isinstance(error.value, ConfigError):
        return str(error.value)
    return explain(error.value, KNOWN)
