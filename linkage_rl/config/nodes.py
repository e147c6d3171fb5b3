"""Frozen dataclasses as typed Hydra nodes, and back."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields, is_dataclass, make_dataclass
from types import UnionType
from typing import Any, TypeVar, get_args

from hydra.core.config_store import ConfigStore
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

Schema = TypeVar("Schema")


def register(command: str, schema: type, components: Mapping[str, type]) -> None:
    """Make `<command>_schema` and `<group>/<name>_schema` known to the YAML files.

    Args:
        command: Name of the command.
        schema: Frozen dataclass of the whole configuration.
        components: '<group>/<name>' to the frozen dataclass that types this choice; needed only
            where a group offers several kinds.
    """
    store = ConfigStore.instance()
    store.store(name=f"{command}_schema", node=node(schema), provider="linkage_rl")
    for place, component in components.items():
        group, name = place.rsplit("/", 1)
        typed = node(component)
        store.store(group=group, name=f"{name}_schema", node=typed, provider="linkage_rl")


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


def settings(composed: DictConfig, schema: type[Schema]) -> Schema:
    """The composed configuration as the dataclass that its schema is.

    Raises:
        ConfigError: A value makes no sense; by the dataclass that refuses it.
        OmegaConfBaseException: An interpolation cannot be resolved.
    """
    return schema(**{str(name): _plain(composed, str(name)) for name in composed})


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
    if typed._metadata.object_type is dict:
        OmegaConf.set_struct(typed, False)
    for name in typed:
        child = typed._get_node(name)
        if isinstance(child, DictConfig) and not child._is_none():
            _make_writable(child)
