from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def merge(
    starts: NDArray[np.int64],
    rows: NDArray[np.int64],
    blockers: NDArray[np.uint16],
    scores: NDArray[np.float32],
    feature_rows: NDArray[np.int64],
    asking: NDArray[np.int64],
    found: NDArray[np.int64],
    found_scores: NDArray[np.float32],
    blocker: int,
) -> tuple[
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.uint16],
    NDArray[np.float32],
    NDArray[np.int64],
]: ...
def find(
    starts: NDArray[np.int64],
    rows: NDArray[np.int64],
    clients: NDArray[np.int64],
    wanted: NDArray[np.int64],
) -> NDArray[np.int64]: ...
def number_new(
    starts: NDArray[np.int64], rows: NDArray[np.int64], feature_rows: NDArray[np.int64], first: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
def as_bits(columns: Sequence[NDArray[np.uint8]], size: int) -> NDArray[np.uint16]: ...
