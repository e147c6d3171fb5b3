"""Says in one sentence why a configuration was refused, and which key was perhaps meant."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    ConfigTypeError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    ValidationError,
)

EXPECTED = {
    "Integer": "a whole number",
    "Float": "a number",
    "Boolean": "true or false",
    "String": "a text",
}
"""What OmegaConf calls a type to what a user should hear."""


def explain(error: Exception) -> str:
    """One sentence for an error of Hydra or OmegaConf."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OmegaConfBaseException):
        cause = cause.__cause__
    if cause is None or isinstance(error, MissingConfigException):
        return _of_words(error)
    if isinstance(cause, (ConfigAttributeError, ConfigKeyError)):
        return _unknown_key(cause)
    if isinstance(cause, MissingMandatoryValue):
        return f"{cause.full_key} has no value; give one, as in {cause.full_key}=..."
    if isinstance(cause, (ValidationError, ConfigTypeError)):
        return _wrong_type(cause, error)
    return _one_line(cause)


def nearest_key(asked: str, known: list[str]) -> str:
    """The dotted key that is most like the asked one; '' where none is like it.

    >>> nearest_key("candidates.limits", ["seed", "candidates.limit", "env.max_candidates"])
    'candidates.limit'
    >>> nearest_key("max_candidates", ["seed", "candidates.limit", "env.max_candidates"])
    'env.max_candidates'
    """
    last = asked.rsplit(".", 1)[-1]
    known = [key for key in known if not asked.startswith(f"{key}.")]
    same = [key for key in known if key.rsplit(".", 1)[-1] == last]
    by_end = {key.rsplit(".", 1)[-1]: key for key in reversed(known)}
    close = get_close_matches(asked, known, n=1, cutoff=0.8)
    ends = [by_end[end] for end in get_close_matches(last, by_end, n=1, cutoff=0.7)]
    return next(iter([*same, *close, *ends]), "")


def _of_words(error: Exception) -> str:
    """For arguments that Hydra refuses before it looks at any key."""
    if isinstance(error, OverrideParseException):
        return f"cannot read {error.override!r}; write key=value, and quote odd values: key='a b'"
    if isinstance(error, MissingConfigException):
        return _unknown_choice(error)
    if str(error).startswith("Config group override must be"):
        return "a group takes the name of one of its choices, got a number; see --help"
    if "Ambiguous value for argument" in str(error):
        word = str(error).split("'")[1]
        return f"{word} lists several values; add --multirun to run each of them"
    return _one_line(error)


def _unknown_key(error: OmegaConfBaseException) -> str:
    parent = error.parent_node
    key = str(error.full_key)
    if not isinstance(parent, DictConfig):
        return f"unknown key {key}"
    near = nearest_key(key, list(_keys(_root(parent))))
    if near:
        return f"unknown key {key}; did you mean {near}?"
    where = key.rsplit(".", 1)[0] if "." in key else "the configuration"
    names = ", ".join(str(name) for name in parent if name != "hydra")
    return f"unknown key {key}; {where} has {names}"


def _unknown_choice(error: MissingConfigException) -> str:
    missing = str(error.missing_cfg_file or "").removesuffix(".yaml")
    group, _, name = missing.rpartition("/")
    options = [option for option in error.options or () if not option.endswith("_schema")]
    if not group or not options:
        return _one_line(error)
    near = get_close_matches(name, options, n=1)
    hint = f"did you mean {group}={near[0]}? " if near else ""
    return f"unknown choice {group}={name}; {hint}There are {', '.join(options)}"


def _wrong_type(cause: OmegaConfBaseException, error: Exception) -> str:
    said = _one_line(cause)
    key = str(cause.full_key or "")
    found = re.search(r"Value '(.*?)' (?:of type '\w+' )?could not be converted to (\w+)", said)
    if found:
        expected = EXPECTED.get(found[2], found[2])
        return f"{key} expects {expected}, got {found[1]!r}"
    found = re.search(r"Value '(.*?)' is not a valid bool", said)
    if found:
        return f"{key} expects true or false, got {found[1]!r}"
    if re.search(r"incompatible with type hint|is not a subclass|Cannot (?:assign|merge)", said):
        return f"{key or _overridden(error)} is a group of keys; set one of them, as in {key}.KEY=1"
    return f"{key}: {said}" if key else said


def _overridden(error: Exception) -> str:
    found = re.search(r"override ([^=\s]+)=", str(error))
    return found[1] if found else "the override"


def _keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    """Dotted keys of everything but Hydra's own settings."""
    for name in config:
        if not prefix and name == "hydra":
            continue
        yield f"{prefix}{name!s}"
        child = config._get_node(name)
        if isinstance(child, DictConfig) and not child._is_none():
            yield from _keys(child, f"{prefix}{name!s}.")


def _root(config: DictConfig) -> DictConfig:
    root = config._get_root()
    return root if isinstance(root, DictConfig) else config


def _one_line(error: BaseException) -> str:
    """The first sentence of a message that goes on over many lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [
        line for line in lines if not line.startswith(("full_key:", "object_type=", "reference"))
    ]
    return "; ".join(kept[:2]) or type(error).__name__


REFUSALS = (HydraException, OmegaConfBaseException)
"""What `explain` can put into words."""
