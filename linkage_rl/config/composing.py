"""Composes the configuration of a command inside a running program, as its command line would.

Hydra keeps one global state per process. Here it is set aside first and put back afterwards, so
that a notebook, or a program that Hydra itself started, may compose as often as it likes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict, read_write

from linkage_rl.config import nodes
from linkage_rl.config.command import CONFIGS, WRONG_USE, hydra_words, verdict
from linkage_rl.errors import ConfigError

Schema = TypeVar("Schema")

_CONFIG_DIR = "--config-dir="


@dataclass(frozen=True)
class Composed(Generic[Schema]):
    """A composed configuration."""

    settings: Schema
    config: DictConfig
    """The same as Hydra composed it, for looking up single keys."""
    hydra: DictConfig
    """Hydra's own part, among it the search space of a sweep."""
    words: tuple[str, ...]
    """The arguments as Hydra saw them, without passwords."""


def compose_settings(
    command: str,
    overrides: Sequence[str],
    schema: type[Schema],
    components: Mapping[str, type] | None = None,
) -> Composed[Schema]:
    """What a command would read from these overrides.

    Args:
        command: Name of the file in `configs/`.
        overrides: Arguments such as `agent=dqn` or `--config-dir=conf`.
        schema: Frozen dataclass of the configuration.
        components: Choices of groups that offer several kinds, see `nodes.register`.

    Raises:
        ConfigError: An override is malformed, names an unknown key, or has a value out of its
            range.
    """
    with composing(command, overrides, schema, components) as composed:
        return composed


@contextmanager
def composing(
    command: str,
    overrides: Sequence[str],
    schema: type[Schema],
    components: Mapping[str, type] | None = None,
) -> Iterator[Composed[Schema]]:
    """Like `compose_settings`; within it, `HydraConfig.get()` is that of the command."""
    outer_config, outer_hydra = HydraConfig.instance().cfg, GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        yield _composed(command, overrides, schema, components or {})
    finally:
        HydraConfig.instance().cfg = outer_config
        GlobalHydra.instance().hydra = outer_hydra


def _composed(
    command: str, overrides: Sequence[str], schema: type[Schema], components: Mapping[str, type]
) -> Composed[Schema]:
    nodes.register(command, schema, components)
    words = hydra_words(overrides)
    try:
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            config = compose(command, _without_flags(words), return_hydra_config=True)
        # interpolations such as ${hydra:runtime.choices.agent} are resolved through it
        HydraConfig.instance().set_config(config)
        folder = Path(config.hydra.run.dir).absolute()
        with open_dict(config.hydra.runtime), read_write(config.hydra.runtime):
            config.hydra.runtime.output_dir = str(folder)
        HydraConfig.instance().set_config(config)
        hydra = config.hydra
        with open_dict(config), read_write(config):
            config.pop("hydra")
        return Composed(nodes.settings(config, schema), config, hydra, tuple(words))
    except Exception as error:
        known = tuple(nodes.dotted_keys(schema, components))
        sentence, code = verdict(error, known, words)
        if code != WRONG_USE or isinstance(error, ConfigError):
            raise
        raise ConfigError(sentence) from error


def _without_flags(words: Sequence[str]) -> list[str]:
    """The overrides, folders of configurations among them.

    Raises:
        ConfigError: A flag has a meaning on the command line only.
    """
    folders = [word.removeprefix(_CONFIG_DIR) for word in words if word.startswith(_CONFIG_DIR)]
    keys = [word for word in words if not word.startswith(_CONFIG_DIR)]
    for word in keys:
        if word.startswith("-"):
            raise ConfigError(f"expected key=value or {_CONFIG_DIR}DIR, got {word!r}")
    places = ",".join(f"'file://{Path(folder).expanduser().absolute()}'" for folder in folders)
    return [*keys, *([f"hydra.searchpath=[{places}]"] if places else [])]
