"""Classes of blockers by name: what a bundle may hold, and how it is read back.

A bundle is data from elsewhere, so it names the kind of a blocker and nothing that could be
imported by that name: only registered classes are made. Yours becomes one by

    @register
    @dataclass(frozen=True)
    class Own:
        name: str = "own"
        cost: float = 0.001
        def applies_to(self, clients): ...
        def propose(self, segment, alive, clients, chosen, limit): ...

in a module that is imported before the bundle is loaded. An installed package can declare the
class instead, so that the commands and the server find it without an import of yours:

    [project.entry-points."linkage_rl.blockers"]
    Own = "my_package.blockers:Own"
"""

import inspect
import json
import marshal
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, TypeVar

from linkage_rl.candidates.blockers import Blocker, KeyBlocker, NgramBlocker
from linkage_rl.errors import ConfigError

BLOCKERS: Final[dict[str, type[Any]]] = {"key": KeyBlocker, "ngram": NgramBlocker}
"""Kind of a blocker, as bundles name it, to its class."""
ENTRY_POINTS: Final = "linkage_rl.blockers"
"""Group of entry points in which installed packages declare their blockers."""
MAX_BLOCKERS: Final = 16
"""Blockers that a run may use: a candidate keeps one bit for each."""
_PLAIN: Final = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}
"""Name of a plain type to the types that JSON has for it."""
_MEMBERS: Final = ("name", "cost", "applies_to", "propose")

Class = TypeVar("Class")


def register(blocker: type[Class], kind: str = "") -> type[Class]:
    """Let bundles hold blockers of this class; also a decorator.

    Args:
        blocker: A frozen dataclass with the members of `Blocker`.
        kind: How bundles name the class; '' takes the class's own name.

    Raises:
        ConfigError: It is no dataclass, lacks a member, or the kind is taken by another class.
    """
    kind = kind or blocker.__name__
    if not is_dataclass(blocker) or not vars(blocker)["__dataclass_params__"].frozen:
        raise ConfigError(
            f"expected a frozen dataclass to register as a blocker, got {_path_of(blocker)}; "
            "decorate it with @dataclass(frozen=True) below @register"
        )
    # a field without a default is no attribute of its class
    present = {*dir(blocker), *(one.name for one in fields(blocker))}
    lacking = [member for member in _MEMBERS if member not in present]
    if lacking:
        raise ConfigError(f"blocker class {_path_of(blocker)} needs {lacking}; add them to it")
    held = BLOCKERS.get(kind)
    if held is not None and _path_of(held) != _path_of(blocker):
        raise ConfigError(
            f"blocker kind {kind!r} is taken by {_path_of(held)}; register {_path_of(blocker)} "
            "under another kind"
        )
    BLOCKERS[kind] = blocker
    return blocker


def check_registered(blockers: Sequence[Blocker]) -> None:
    """Refuse blockers that a bundle could not hold, so that no run trains for nothing.

    Raises:
        ConfigError: There are more than 16, two have one name, a cost is negative, a class is not
            registered, or its fields do not survive JSON.
    """
    if len(blockers) > MAX_BLOCKERS:
        raise ConfigError(f"expected at most {MAX_BLOCKERS} blockers, got {len(blockers)}")
    repeated = [name for name, count in Counter(one.name for one in blockers).items() if count > 1]
    if repeated:
        raise ConfigError(f"expected blockers of different names, got {repeated} twice; rename one")
    for blocker in blockers:
        if not 0 <= blocker.cost < math.inf:
            raise ConfigError(
                f"cost of blocker {blocker.name!r} must be 0 or more, got {blocker.cost}"
            )
        described = describe(blocker)
        try:
            copy = restore(json.loads(json.dumps(described)))
        except (TypeError, ValueError) as error:
            raise ConfigError(_not_json(blocker, str(error))) from None
        if copy != blocker:
            raise ConfigError(_not_json(blocker, f"they come back as {copy!r}"))


def describe(blocker: Blocker) -> dict[str, Any]:
    """The blocker as a bundle records it: its kind and its fields.

    Raises:
        ConfigError: Its class is not registered.
    """
    for kind, known in BLOCKERS.items():
        if type(blocker) is known:
            return {"kind": kind, **asdict(blocker)}  # type: ignore[call-overload]
    path = _path_of(type(blocker))
    for declared in entry_points(group=ENTRY_POINTS):
        if declared.value == path:
            register(declared.load(), declared.name)
            return describe(blocker)
    raise ConfigError(
        f"a bundle cannot hold blocker {blocker.name!r}, whose class {path} is not registered; "
        f"call linkage_rl.candidates.registry.register({type(blocker).__name__}) where the class "
        "is defined, or leave the blocker out"
    )


def restore(described: Mapping[str, Any]) -> Blocker:
    """The blocker that `describe` described.

    Raises:
        ConfigError: No class is registered under its kind, or its fields are not those recorded.
    """
    values = dict(described)
    kind = str(values.pop("kind", ""))
    if kind not in BLOCKERS:
        for declared in entry_points(group=ENTRY_POINTS, name=kind):
            register(declared.load(), kind)
    if kind not in BLOCKERS:
        raise ConfigError(
            f"blocker kind {kind!r} is not registered, known are {sorted(BLOCKERS)}; import the "
            "module that registers it (linkage_rl.candidates.registry.register) first, or install "
            f"the package that declares it as an entry point of {ENTRY_POINTS!r}"
        )
    _check_types(kind, values)
    try:
        blocker: Blocker = BLOCKERS[kind](**values)
    except TypeError as error:
        raise ConfigError(
            f"blocker {values.get('name')!r} of kind {kind!r} was recorded with other fields: "
            f"{error}; train and export again"
        ) from None
    return blocker


def _check_types(kind: str, values: Mapping[str, Any]) -> None:
    """Refuse a value that is not of the plain type of its field, before its class computes."""
    declared = {one.name: one.type for one in fields(BLOCKERS[kind])}
    for name, value in values.items():
        wanted = declared.get(name)
        wanted = wanted if isinstance(wanted, str) else getattr(wanted, "__name__", "")
        allowed = _PLAIN.get(wanted)
        if allowed is not None and type(value) not in allowed:
            raise ConfigError(
                f"field {name!r} of a blocker of kind {kind!r} must be of type {wanted}, got "
                f"{str(value)[:40]!r}; train and export again"
            )


def source_of(blocker: Blocker) -> str:
    """What a blocker does, as text that changes with its class and its fields, cost left out.

    Prepared cases are kept under it, so that an edited class gets new ones.
    """
    kind = type(blocker)
    values = {name: value for name, value in _fields_of(blocker).items() if name != "cost"}
    return f"{_path_of(kind)} {values} {_code_of(kind)}"


def _fields_of(blocker: object) -> dict[str, Any]:
    if is_dataclass(blocker):
        return {one.name: getattr(blocker, one.name) for one in fields(blocker)}
    return dict(vars(blocker))


def _code_of(kind: type[Any]) -> str:
    try:
        if kind.__module__ == "__main__":
            return inspect.getsource(kind)
        return Path(inspect.getsourcefile(kind) or "").read_text(encoding="utf-8")
    except (OSError, TypeError):
        # typed at a prompt: the compiled methods are all there is
        methods = (inspect.unwrap(getattr(kind, name)) for name in _MEMBERS[2:])
        return repr([marshal.dumps(method.__code__) for method in methods])


def _path_of(kind: type[Any]) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _not_json(blocker: Blocker, problem: str) -> str:
    return (
        f"a bundle cannot hold the fields of blocker {blocker.name!r}: {problem}; "
        "use texts, numbers, truth values and lists of them"
    )
