import numpy as np
from numpy.typing import NDArray

def are_rows(rows: NDArray[np.int64], count: int) -> bool: ...
def join_sites(
    clients: NDArray[np.void],
    client_ends: NDArray[np.uint32],
    client_grams: NDArray[np.int32],
    client_of_pair: NDArray[np.int64],
    row_of_pair: NDArray[np.int64],
    companies: NDArray[np.void],
    doc_ends: NDArray[np.uint32],
    doc_grams: NDArray[np.uint8],
    idf: NDArray[np.float32],
    heads: NDArray[np.int32],
    begins: NDArray[np.int32],
    rows: NDArray[np.int32],
    joined: NDArray[np.void],
    chosen: NDArray[np.int32],
) -> None: ...
