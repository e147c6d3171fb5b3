"""Threads change neither order nor draws, and an error comes where it happened."""

import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from linkage_rl.threads import ahead, spread


@pytest.fixture(params=[1, 3])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """A machine with one core, and one with three."""
    count: int = request.param
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(count)))
    return count


def drawn(count: int) -> Iterator[int]:
    rng = np.random.default_rng(5)
    for _ in range(count):
        yield int(rng.integers(1000))


def failing(item: int) -> int:
    if item == 2:
        raise ValueError("at 2")
    return item


def test_items_made_ahead_are_those_of_the_iterator() -> None:
    assert list(ahead(drawn(50))) == list(drawn(50))
    assert list(ahead([])) == []


def test_an_item_is_made_while_the_one_before_is_used() -> None:
    begun = threading.Event()

    def items() -> Iterator[str]:
        yield "first"
        begun.set()
        yield "second"

    made = ahead(items())

    assert next(made) == "first"
    assert begun.wait(10)


def test_an_error_comes_after_the_items_before_it() -> None:
    seen: list[int] = []

    with pytest.raises(ValueError, match="at 2"):
        seen.extend(ahead(map(failing, range(5))))
    for item in (made := ahead(map(failing, range(5)))):
        seen.append(item)
        if item == 1:
            break
    made.close()  # type: ignore[attr-defined]

    assert seen == [0, 1, 0, 1]


@pytest.mark.usefixtures("cores")
@pytest.mark.parametrize("size", [0, 1, 2, 50])
def test_results_are_in_the_order_of_the_parts(size: int) -> None:
    assert list(spread(lambda part: part * 2, range(size))) == [2 * part for part in range(size)]


@pytest.mark.usefixtures("cores")
def test_an_error_comes_in_the_place_of_its_result() -> None:
    results = spread(failing, range(5))

    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="at 2"):
        next(results)
