"""Sets of numbers as ascending arrays.

`np.unique`, `np.isin` and `np.setdiff1d` build a hash table from numpy 2.3 on, which takes seconds
for a million hashes; sorting them takes hundredths of a second.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.integer)


def distinct(values: NDArray[Number]) -> NDArray[Number]:
    """The values, ascending, each once.

    >>> distinct(np.array([3, 1, 3]))
    array([1, 3])
    """
    ascending = np.sort(values)
    first = np.ones(len(ascending), dtype=np.bool_)
    first[1:] = ascending[1:] != ascending[:-1]
    return ascending[first]


def is_among(values: NDArray[Number], some: NDArray[Number]) -> NDArray[np.bool_]:
    """Whether each value is in a set, shape (N,).

    Args:
        values: Shape (N,), in any order.
        some: The set, ascending.

    >>> is_among(np.array([3, 2, 3]), np.array([1, 3]))
    array([ True, False,  True])
    """
    if len(some) == 0:
        return np.zeros(len(values), dtype=np.bool_)
    place = np.minimum(np.searchsorted(some, values), len(some) - 1)
    found: NDArray[np.bool_] = some[place] == values
    return found


def difference(values: NDArray[Number], others: NDArray[Number]) -> NDArray[Number]:
    """The values that are not among others, ascending, each once.

    >>> difference(np.array([3, 1, 3, 2]), np.array([2]))
    array([1, 3])
    """
    ours = distinct(values)
    return ours[~is_among(ours, distinct(others))]
