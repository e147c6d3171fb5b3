"""Weights that do not fit each other make no policy, whatever graph holds them."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.decision import exported_policy
from linkage_rl.decision._scorer import Scorer

F, Q, R, UNITS = 5, 3, 2, 4
KNOWN = 2 * UNITS + Q + R + 2
Weights = list[NDArray[np.generic]]


def _layers() -> dict[str, NDArray[np.float32]]:
    shapes = {
        "embed.weight": (F, UNITS),
        "embed.bias": (UNITS,),
        "embed_query.weight": (Q, UNITS),
        "mix.weight": (UNITS, UNITS),
        "mix.bias": (UNITS,),
        "link_own.weight": (UNITS, UNITS),
        "link_own.bias": (UNITS,),
        "link_context.weight": (KNOWN, UNITS),
        "link.weight": (UNITS, 1),
        "link.bias": (1,),
        "no_match.0.weight": (KNOWN, UNITS),
        "no_match.0.bias": (UNITS,),
        "no_match.2.weight": (UNITS, 1),
        "no_match.2.bias": (1,),
        "gain.0.weight": (KNOWN, UNITS),
        "gain.0.bias": (UNITS,),
        "gain.2.weight": (UNITS, 1 + R),
        "gain.2.bias": (1 + R,),
    }
    return {name: np.ones(shape, dtype=np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("name", _layers())
def test_layers_that_do_not_fit_each_other_are_refused(name: str) -> None:
    layers = _layers()

    assert Scorer(layers, True, 1.0).sizes == (F, Q, R)
    for damaged in (layers[name][:0], np.concatenate([layers[name]] * 2, axis=-1)):
        with pytest.raises(ValueError, match="expected"):
            Scorer({**layers, name: damaged}, True, 1.0)


def _weights() -> Weights:
    """The tensors of a graph of a scorer with relative scores, in their order."""
    layers, illegal = _layers(), np.array(-1e8, dtype=np.float32)
    names = ["embed_query.weight", "embed.weight", "embed.bias", "mix.weight", "mix.bias"]
    names += ["one", "link_own.weight", "link_own.bias", "link_context.weight"]
    heads = ["link", "no_match.0", "no_match.2", "gain.0", "gain.2"]
    names += [f"{head}.{part}" for head in heads for part in ("weight", "bias")]
    held = {**layers, "one": np.array(1, dtype=np.float32)}
    transposed = {f"{head}.weight" for head in heads[1:]}
    ordered = [held[name].T if name in transposed else held[name] for name in names]
    one = np.array(1, dtype=np.float32)
    return [*ordered, np.array([1 + R, 1]), illegal, one, illegal]


def _cut(weights: Weights) -> None:
    weights.pop()


def _wrong_sizes(weights: Weights) -> None:
    weights[19] = np.array([1 + R, 0])


def _wide(weights: Weights) -> None:
    weights[3] = weights[3].astype(np.float64)


def _flat(weights: Weights) -> None:
    weights[1] = weights[1].ravel()


def _other_constant(weights: Weights) -> None:
    weights[-1] = np.array(-1, dtype=np.float32)


@pytest.mark.parametrize("damage", [_cut, _wrong_sizes, _wide, _flat, _other_constant])
def test_tensors_that_are_no_scorer_are_refused(damage: Callable[[Weights], None]) -> None:
    read = exported_policy._read_scorer
    assert read(iter(_weights()), relative=True).sizes == (F, Q, R)
    weights = _weights()
    damage(weights)

    with pytest.raises((ValueError, StopIteration)):
        read(iter(weights), relative=True)
