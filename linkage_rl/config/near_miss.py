"""Explains in one sentence why a configuration was refused, and which key was perhaps meant."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

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

from linkage_rl.config.renamed import CHOICES, current_key

EXPECTED: Final = {
    "Integer": "a whole number",
    "Float": "a number",
    "Boolean": "true or false",
    "String": "a text",
}
"""OmegaConf's name of a type to its name in a message."""

REFUSALS: Final = (HydraException, OmegaConfBaseException)
"""The errors that `explain` takes."""


GROUP_REFUSED: Final = "Config group override must be"
"""How Hydra's `ValueError` begins when a group is given null or a number."""


def explain(error: Exception, known: Sequence[str] = ()) -> str:
    """One sentence for an error of Hydra or OmegaConf.

    Args:
        error: One of `REFUSALS`.
        known: Every dotted key of the command, among which a key that was perhaps meant is sought.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OmegaConfBaseException):
        cause = cause.__cause__
    if cause is None or isinstance(error, MissingConfigException):
        return _refused_argument(error, known)
    if isinstance(cause, (ConfigAttributeError, ConfigKeyError)):
        return _unknown_key(cause, error, known)
    if isinstance(cause, MissingMandatoryValue):
        return f"{cause.full_key} has no value; give one, as in {cause.full_key}=..."
    if isinstance(cause, (ValidationError, ConfigTypeError)):
        return _wrong_type(cause, error)
    return _first_sentence(cause)


def nearest_key(unknown: str, known: Sequence[str]) -> str:
    """The dotted key closest to an unknown one; '' where none is close.

    >>> nearest_key("candidates.limits", ["seed", "candidates.limit", "env.max_candidates"])
    'candidates.limit'
    >>> nearest_key("max_candidates", ["seed", "candidates.limit", "env.max_candidates"])
    'env.max_candidates'
    """
    last = unknown.rsplit(".", 1)[-1]
    known = [key for key in known if not unknown.startswith(f"{key}.")]
    same = [key for key in known if key.rsplit(".", 1)[-1] == last]
    by_end = {key.rsplit(".", 1)[-1]: key for key in reversed(known)}
    close = get_close_matches(unknown, known, n=1, cutoff=0.8)
    ends = [by_end[end] for end in get_close_matches(last, by_end, n=1, cutoff=0.7)]
    return next(iter([*same, *close, *ends]), "")


def refused_key(key: str, known: Sequence[str], otherwise: str = "") -> str:
    """The sentence that refuses a key.

    Args:
        key: The dotted key.
        known: Every dotted key that there is.
        otherwise: The end of the sentence where the key is like none of them.
    """
    current = current_key(key)
    if current and (not known or current in known):
        return f"unknown key {key}; it is now {current}"
    near = nearest_key(key, known)
    return f"unknown key {key}; did you mean {near}?" if near else f"unknown key {key}{otherwise}"


def _refused_argument(error: Exception, known: Sequence[str]) -> str:
    """For arguments that Hydra refuses before OmegaConf looks at a value."""
    message = str(error)
    if isinstance(error, OverrideParseException):
        return f"cannot read {error.override!r}; write key=value, and quote odd values: key='a b'"
    if isinstance(error, MissingConfigException):
        return _unknown_choice(error)
    if message.startswith(GROUP_REFUSED):
        return "a group takes the name of one of its choices, got a number or null; see --help"
    if "Ambiguous value for argument" in message:
        word = message.split("'")[1]
        return f"{word} lists several values; add --multirun to run each of them"
    if absent := re.search(r"Could not (?:override|delete from config\.?) '?([\w.]+)", message):
        return refused_key(absent[1], known)
    return _first_sentence(error)


def _unknown_key(cause: OmegaConfBaseException, error: Exception, known: Sequence[str]) -> str:
    key = str(cause.full_key)
    parent = cause.parent_node
    # OmegaConf stops at the first unknown part of the key that Hydra was given
    given = re.search(rf"'({re.escape(key)}\.[\w.]+)'", str(error))
    if given and current_key(given[1]):
        return refused_key(given[1], known)
    if not isinstance(parent, DictConfig):
        return refused_key(key, known)
    where = key.rsplit(".", 1)[0] if "." in key else "the configuration"
    names = ", ".join(str(name) for name in parent if name != "hydra")
    return refused_key(key, known, f"; {where} has {names}")


def _unknown_choice(error: MissingConfigException) -> str:
    missing = str(error.missing_cfg_file or "").removesuffix(".yaml")
    group, _, name = missing.rpartition("/")
    options = [option for option in error.options or () if not option.endswith("_schema")]
    if not group or not options:
        return _first_sentence(error)
    near = get_close_matches(name, options, n=1)
    hint = f"did you mean {group}={near[0]}? " if near else ""
    if current := CHOICES.get(f"{group}={name}"):
        hint = f"it is now {current}. "
    return f"unknown choice {group}={name}; {hint}There are {', '.join(options)}"


def _wrong_type(cause: OmegaConfBaseException, error: Exception) -> str:
    message = _first_sentence(cause)
    key = str(cause.full_key or "")
    found = re.search(r"Value '(.*?)' (?:of type '\w+' )?could not be converted to (\w+)", message)
    if found:
        return f"{key} expects {EXPECTED.get(found[2], found[2])}, got {found[1]!r}"
    found = re.search(r"Value '(.*?)' is not a valid bool", message)
    if found:
        return f"{key} expects true or false, got {found[1]!r}"
    if re.search(r"non optional field|field '.*' is not Optional", message, re.IGNORECASE):
        return f"{key or _overridden_key(error)} needs a value, got null"
    if re.search(r"incompatible with type hint|is not a subclass|Cannot (?:assign|merge)", message):
        key = key or _overridden_key(error)
        return f"{key} is a group of keys; set one of them, as in {key}.KEY=1"
    return f"{key}: {message}" if key else message


def _overridden_key(error: Exception) -> str:
    found = re.search(r"override ([^=\s]+)=", str(error))
    return found[1] if found else "the override"


def _first_sentence(error: BaseException) -> str:
    """The first sentence of a message that goes on over many lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [
        line for line in lines if not line.startswith(("full_key:", "object_type=", "reference"))
    ]
    return "; ".join(kept[:2]) or type(error).__name__
