import numpy as np
from numpy.typing import NDArray

def fill_slots(
    cases: NDArray[np.int64],
    bought: NDArray[np.uint16],
    starts: NDArray[np.int64],
    pair_routes: NDArray[np.uint16],
    affinity: NDArray[np.float32],
    features: NDArray[np.float32],
    feature_rows: NDArray[np.int64],
    slots: int,
    routes: int,
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]: ...
