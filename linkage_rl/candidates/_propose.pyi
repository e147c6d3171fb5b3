import numpy as np
from numpy.typing import NDArray

_Proposals = tuple[NDArray[np.int32], NDArray[np.float32]]

def propose_by_key(
    client_keys: NDArray[np.uint64],
    clients: NDArray[np.void],
    client_ends: NDArray[np.int64],
    client_grams: NDArray[np.int32],
    keys: NDArray[np.uint64],
    key_rows: NDArray[np.int32],
    client_former: NDArray[np.uint64],
    former_keys: NDArray[np.uint64],
    former_rows: NDArray[np.int32],
    companies: NDArray[np.void],
    doc_ends: NDArray[np.int64],
    doc_grams: NDArray[np.int32],
    idf: NDArray[np.float32],
    alive: NDArray[np.uint8],
    limit: int,
    max_rows: int,
) -> _Proposals: ...
def propose_by_grams(
    clients: NDArray[np.void],
    client_ends: NDArray[np.int64],
    client_grams: NDArray[np.int32],
    starts: NDArray[np.int64],
    postings: NDArray[np.int32],
    doc_norms: NDArray[np.float32],
    doc_row_ends: NDArray[np.int64],
    doc_rows: NDArray[np.int32],
    client_former: NDArray[np.uint64],
    former_keys: NDArray[np.uint64],
    former_rows: NDArray[np.int32],
    companies: NDArray[np.void],
    doc_ends: NDArray[np.int64],
    doc_grams: NDArray[np.int32],
    idf: NDArray[np.float32],
    alive: NDArray[np.uint8],
    mass: NDArray[np.float32],
    touched: NDArray[np.int32],
    limit: int,
    documents: int,
    max_rows: int,
) -> _Proposals: ...
