from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

def count_keys(keys: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]: ...

class KeyCounts:
    def __init__(self, arrays: Sequence[tuple[NDArray[Any], ...]]) -> None: ...
    def add(self, wanted: Sequence[NDArray[np.uint64]], counts: NDArray[np.int64]) -> None: ...

def have_key(
    client_keys: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    key_rows: NDArray[np.int32],
    client_of_pair: NDArray[np.int64],
    row_of_pair: NDArray[np.int64],
) -> NDArray[np.uint8]: ...
