import numpy as np
from numpy.typing import NDArray

def sort_keys(
    hashes: NDArray[np.uint64], rows: NDArray[np.int32] | None = None, keep_zero: bool = False
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]: ...
def number_runs(
    keys: NDArray[np.uint64], rows: NDArray[np.int32], count: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]: ...
def count_sharing(
    keys: NDArray[np.uint64],
    rows: NDArray[np.int32],
    repeats: NDArray[np.bool_],
    counts: NDArray[np.uint16],
) -> None: ...
