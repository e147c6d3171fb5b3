import numpy as np
from numpy.typing import NDArray

def take_rows(
    companies: NDArray[np.void],
    row_of_pair: NDArray[np.int64],
    first_row: int,
    out: NDArray[np.void],
) -> None: ...
def check_pairs(
    client_of_pair: NDArray[np.int64],
    row_of_pair: NDArray[np.int64],
    clients: int,
    rows: int,
) -> None: ...
def compare(
    clients: NDArray[np.void],
    client_of_pair: NDArray[np.int64],
    companies: NDArray[np.void],
    kind_of_form: NDArray[np.uint8],
    place_keys: NDArray[np.uint64],
    points: NDArray[np.float32],
    office_keys: NDArray[np.uint64],
    shares: NDArray[np.float32],
    out: NDArray[np.float32],
    structure: int,
    places: int,
) -> None: ...
def scale_counts(
    counts: NDArray[np.uint16],
    row_of_pair: NDArray[np.int64],
    first_row: int,
    scale: NDArray[np.float32],
    begin: NDArray[np.int64],
    most: NDArray[np.int64],
    chosen: NDArray[np.uint8],
    out: NDArray[np.float32],
    at: int,
) -> None: ...
def spread(
    values: NDArray[np.float32],
    client_of_pair: NDArray[np.int64],
    out: NDArray[np.float32],
    at: int,
) -> None: ...
def describe(
    clients: NDArray[np.void],
    cores: list[str],
    core_keys: NDArray[np.uint64],
    stem_keys: NDArray[np.uint64],
    gram_ends: NDArray[np.uint32],
    grams: NDArray[np.int32],
    idf: NDArray[np.float32],
    kind_of_form: NDArray[np.uint8],
    kinds: int,
) -> NDArray[np.float32]: ...
