import numpy as np
from numpy.typing import NDArray

def add_up(
    order: NDArray[np.int64],
    entry: NDArray[np.int64],
    candidates: NDArray[np.int32],
    shares: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.int32]]: ...
def propose(
    entry: NDArray[np.int64],
    total: NDArray[np.int64],
    best_of: NDArray[np.int32],
    groups: int,
    kept: int,
) -> NDArray[np.int64]: ...
def claims_by_company(
    candidates: NDArray[np.int32], shares: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]: ...
def chains(
    clients: int, ordered: list[NDArray[np.int64]], numbers: list[NDArray[np.int64]], most: int
) -> NDArray[np.int64]: ...
def count_pairs(
    clients: NDArray[np.int64],
    candidates: NDArray[np.int32],
    groups: NDArray[np.int32],
    proposed: NDArray[np.int64],
    first_proposed: NDArray[np.int64],
    kept: int,
) -> NDArray[np.int64]: ...
def fill_pairs(
    clients: NDArray[np.int64],
    starts: NDArray[np.int64],
    candidates: NDArray[np.int32],
    shares: NDArray[np.float32],
    tied: NDArray[np.int16],
    no_match: NDArray[np.float32],
    groups: NDArray[np.int32],
    proposed: NDArray[np.int64],
    first_proposed: NDArray[np.int64],
    kept: int,
    bounds: NDArray[np.int64],
    first_bound: NDArray[np.int64],
    sizes: NDArray[np.int64],
    first_size: NDArray[np.int64],
    entry: NDArray[np.int32],
    total: NDArray[np.uint32],
    highest: NDArray[np.float32],
    best_of: NDArray[np.int32],
    claimed: NDArray[np.int32],
    highest_claim: NDArray[np.float32],
    alike: float,
    floor: float,
    min_share: float,
    logarithms: NDArray[np.float32],
    features: int,
    client_features: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]: ...
