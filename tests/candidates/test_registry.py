"""Blockers of one's own: recorded in bundles when registered, refused before training when not."""

import json
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.candidates import registry
from linkage_rl.candidates.blockers import Blocker, Clients, KeyBlocker, NgramBlocker, Proposals
from linkage_rl.candidates.registry import (
    BLOCKERS,
    check_registered,
    describe,
    register,
    restore,
    source_of,
)
from linkage_rl.candidates.segment import Segment
from linkage_rl.errors import ConfigError


@dataclass(frozen=True)
class FirstRows:
    """Proposes the first rows of the table for everyone."""

    name: str = "first"
    cost: float = 0.001
    score: float = 0.5

    def applies_to(self, clients: Clients) -> NDArray[np.bool_]:
        return np.ones(len(clients), dtype=np.bool_)

    def propose(
        self,
        segment: Segment,
        alive: NDArray[np.uint8],
        clients: Clients,
        chosen: NDArray[np.int64],
        limit: int,
    ) -> Proposals:
        some = np.flatnonzero(alive)[:limit]
        rows = np.full((len(chosen), limit), -1, dtype=np.int64)
        rows[:, : len(some)] = some
        scores = np.where(rows >= 0, self.score, 0).astype(np.float32)
        return Proposals(rows, scores)


@dataclass(frozen=True)
class Listed(FirstRows):
    """A blocker whose field does not survive JSON."""

    words: tuple[str, ...] = field(default=("a",))


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in set(BLOCKERS) - {"key", "ngram"}:
        monkeypatch.delitem(BLOCKERS, kind)
    # what a test registers is taken back
    monkeypatch.setattr(registry, "BLOCKERS", dict(BLOCKERS))


def test_the_library_s_blockers_are_recorded_and_restored() -> None:
    for blocker in (KeyBlocker("core", 0.25, 7), NgramBlocker(budget=9)):
        assert restore(json.loads(json.dumps(describe(blocker)))) == blocker


def test_an_unregistered_class_is_refused_with_the_call_that_registers_it() -> None:
    with pytest.raises(
        ConfigError, match=r"a bundle cannot hold blocker 'first'.*register\(FirstRows\)"
    ):
        check_registered([KeyBlocker("core"), FirstRows()])


def test_a_registered_class_is_recorded_under_its_name() -> None:
    register(FirstRows)

    check_registered([FirstRows()])

    assert describe(FirstRows(score=0.25)) == {
        "kind": "FirstRows",
        "name": "first",
        "cost": 0.001,
        "score": 0.25,
    }
    assert restore(describe(FirstRows(score=0.25))) == FirstRows(score=0.25)


def test_register_decorates_a_class_and_takes_another_kind() -> None:
    assert register(FirstRows, "first-rows") is FirstRows
    assert describe(FirstRows())["kind"] == "first-rows"


def test_a_class_that_an_installed_package_declares_needs_no_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared = EntryPoint("Declared", f"{__name__}:FirstRows", registry.ENTRY_POINTS)
    monkeypatch.setattr(
        registry,
        "entry_points",
        lambda group, name="Declared": [declared] if name == "Declared" else [],
    )

    recorded = describe(FirstRows())
    registry.BLOCKERS.pop("Declared")

    assert recorded["kind"] == "Declared"
    assert restore(recorded) == FirstRows()


def test_a_kind_that_nothing_registered_is_never_imported() -> None:
    with pytest.raises(ConfigError, match=r"'os:system' is not registered, known are \['key'"):
        restore({"kind": "os:system", "command": "true"})


def test_a_class_with_other_fields_than_recorded_is_refused() -> None:
    register(FirstRows)

    with pytest.raises(ConfigError, match=r"'first' of kind 'FirstRows' was recorded with other"):
        restore({"kind": "FirstRows", "name": "first", "depth": 3})


def test_two_classes_cannot_share_a_kind() -> None:
    with pytest.raises(ConfigError, match=r"kind 'key' is taken by .*KeyBlocker"):
        register(FirstRows, "key")


def test_a_class_that_is_no_frozen_dataclass_is_refused() -> None:
    class Plain:
        name = "plain"

    with pytest.raises(ConfigError, match=r"frozen dataclass .*Plain"):
        register(Plain)


def test_a_class_that_lacks_a_method_is_refused() -> None:
    @dataclass(frozen=True)
    class Half:
        name: str
        cost: float

    with pytest.raises(ConfigError, match=r"Half needs \['applies_to', 'propose'\]"):
        register(Half)


def test_fields_that_json_changes_are_refused_before_training() -> None:
    register(Listed)

    with pytest.raises(ConfigError, match=r"cannot hold the fields of blocker 'first'.*\['a'\]"):
        check_registered([Listed()])


@pytest.mark.parametrize(
    ("blockers", "message"),
    [
        ([KeyBlocker("core"), KeyBlocker("core", 1.0)], r"different names, got \['core'\] twice"),
        ([NgramBlocker(name=f"{n}") for n in range(17)], "at most 16 blockers, got 17"),
        ([KeyBlocker("core", cost=-1.0)], "cost of blocker 'core' must be 0 or more, got -1"),
    ],
)
def test_blockers_that_cannot_be_used_together_are_refused(
    blockers: list[Blocker], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_registered(blockers)


def test_prepared_cases_depend_on_class_and_fields_but_not_on_the_cost() -> None:
    first = source_of(FirstRows())

    assert source_of(FirstRows(cost=1)) == first
    assert source_of(FirstRows(score=0.25)) != first
    assert source_of(Listed()) != first
    assert "Proposes the first rows of the table for everyone." in first
