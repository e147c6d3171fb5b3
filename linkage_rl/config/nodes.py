"""Frozen dataclasses as typed Hydra nodes, and back."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, field, fields, is_dataclass, make_dataclass
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from hydra.core.config_store import ConfigStore
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from linkage_rl.config.near_miss import refused_key
from linkage_rl.errors import ConfigError

Schema = TypeVar("Schema")

_registered: dict[str, type] = {}
"""What the store of Hydra, which is one for all commands of a process, has the nodes of."""


def register(command: str, schema: type, components: Mapping[str, type]) -> None:
    """Make `<command>_schema` and `<group>/<name>_schema` known to the YAML files.

    Args:
        command: Name of the command.
        schema: Frozen dataclass of the whole configuration.
        components: '<group>/<name>' to the frozen dataclass that types this choice; needed only
            where a group offers several kinds.
    """
    for place, kind in {command: schema, **components}.items():
        if _registered.get(place) is not kind:
            group, _, name = place.rpartition("/")
            ConfigStore.instance().store(
                group=group or None, name=f"{name}_schema", node=node(kind), provider="linkage_rl"
            )
            _registered[place] = kind


def node(schema: type) -> DictConfig:
    """A typed node with the defaults of a frozen dataclass; a field that offers several is None.

    Unknown keys and values of another type are refused by it.
    """
    typed: DictConfig = OmegaConf.structured(
        make_dataclass(schema.__name__, [_typed(one) for one in fields(schema)])
        if any(_offers_several(one.type) for one in fields(schema))
        else schema
    )
    _make_writable(typed)
    return typed


def dotted_keys(schema: type, components: Mapping[str, type], prefix: str = "") -> Iterator[str]:
    """Every key of a schema, groups included; of a group with several kinds those of each kind.

    Args:
        schema: Frozen dataclass.
        components: As for `register`.
        prefix: What each key begins with, '' or ending with a dot.
    """
    hints = get_type_hints(schema)
    for one in fields(schema):
        yield f"{prefix}{one.name}"
        kinds = [
            component for place, component in components.items() if place.startswith(f"{one.name}/")
        ]
        if not prefix and kinds:
            # several kinds share keys
            yield from dict.fromkeys(
                key for kind in kinds for key in dotted_keys(kind, {}, f"{one.name}.")
            )
        elif is_dataclass(hints[one.name]):
            yield from dotted_keys(hints[one.name], {}, f"{prefix}{one.name}.")


def settings(composed: DictConfig, schema: type[Schema]) -> Schema:
    """The composed configuration as the dataclass that its schema is.

    Raises:
        ConfigError: A value makes no sense; by the dataclass that refuses it. Or a key, added by
            `+key=value`, is unknown.
        OmegaConfBaseException: An interpolation cannot be resolved.
    """
    _refuse_added_keys(composed, composed, "")
    return schema(**{str(name): _plain(composed, str(name)) for name in composed})


def _refuse_added_keys(config: DictConfig, root: DictConfig, prefix: str) -> None:
    """Refuse keys that a typed node has beside the fields of its type."""
    kind = OmegaConf.get_type(config)
    for name in map(str, config):
        if is_dataclass(kind) and name not in {one.name for one in fields(kind)}:
            key = f"{prefix}{name}"
            raise ConfigError(refused_key(key, [known for known in _keys(root) if known != key]))
        child = _child(config, name)
        if isinstance(child, DictConfig):
            _refuse_added_keys(child, root, f"{prefix}{name}.")


def _keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    """Dotted keys of a composed configuration."""
    for name in map(str, config):
        yield f"{prefix}{name}"
        child = _child(config, name)
        if isinstance(child, DictConfig):
            yield from _keys(child, f"{prefix}{name}.")


def _child(config: DictConfig, name: str) -> object:
    """The node under a key; None for one that has no value, or takes it from elsewhere."""
    if OmegaConf.is_missing(config, name) or OmegaConf.is_interpolation(config, name):
        return None
    return config[name]


def _plain(parent: DictConfig, name: str) -> object:
    value = parent[name]
    if not OmegaConf.is_config(value):
        return value
    if "_target_" in value:
        return instantiate(value, _convert_="object")
    return OmegaConf.to_object(value)


def _typed(one: Field[Any]) -> tuple[str, Any, Any]:
    if _offers_several(one.type):
        return one.name, Any, field(default=None)
    if one.default_factory is not MISSING:
        return one.name, one.type, field(default_factory=one.default_factory)
    return one.name, one.type, field(default=one.default)


def _offers_several(kind: object) -> bool:
    """Whether a field may hold one of several dataclasses, which OmegaConf cannot type."""
    return isinstance(kind, UnionType) and any(map(is_dataclass, get_args(kind)))


def _make_writable(typed: DictConfig) -> None:
    """Frozen dataclasses become read-only nodes, each by a flag of its own.

    Plain dicts get open: their keys are names that users give, such as datasets of lists.
    """
    OmegaConf.set_readonly(typed, None)
    if OmegaConf.get_type(typed) is dict:
        OmegaConf.set_struct(typed, False)
    for name in map(str, typed):
        child = _child(typed, name)
        if isinstance(child, DictConfig):
            _make_writable(child)
