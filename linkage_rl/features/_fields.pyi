import numpy as np
from numpy.typing import NDArray

def agreement(
    clients: NDArray[np.void],
    client_of_pair: NDArray[np.int64],
    companies: NDArray[np.void],
    kind_of_form: NDArray[np.uint8],
    kinds: int,
) -> NDArray[np.float32]: ...
def nearness(
    clients: NDArray[np.void],
    client_of_pair: NDArray[np.int64],
    companies: NDArray[np.void],
    place_keys: NDArray[np.uint64],
    points: NDArray[np.float32],
) -> NDArray[np.float32]: ...
def describe(
    clients: NDArray[np.void],
    cores: list[str],
    core_keys: NDArray[np.uint64],
    stem_keys: NDArray[np.uint64],
    gram_ends: NDArray[np.int64],
    grams: NDArray[np.int32],
    idf: NDArray[np.float32],
    kind_of_form: NDArray[np.uint8],
    kinds: int,
) -> NDArray[np.float32]: ...
