import numpy as np
from numpy.typing import NDArray

_Proposals = tuple[NDArray[np.int32], NDArray[np.float32]]

def bear_key(
    asked: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    key_rows: NDArray[np.int32],
    client_of_pair: NDArray[np.int64],
    row_of_pair: NDArray[np.int64],
) -> NDArray[np.uint8]: ...
def count_keys(keys: NDArray[np.uint64], asked: NDArray[np.uint64]) -> NDArray[np.int64]: ...
def office_shares(
    keys: NDArray[np.uint64],
    shares: NDArray[np.float32],
    city: NDArray[np.uint32],
    office: NDArray[np.uint16],
) -> NDArray[np.float32]: ...
def propose_by_key(
    asked: NDArray[np.uint64],
    clients: NDArray[np.void],
    client_ends: NDArray[np.int64],
    client_grams: NDArray[np.int32],
    keys: NDArray[np.uint64],
    key_rows: NDArray[np.int32],
    former_asked: NDArray[np.uint64],
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
    former_asked: NDArray[np.uint64],
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
def compare_names(
    client_of_pair: NDArray[np.int64],
    client_ends: NDArray[np.int64],
    client_grams: NDArray[np.int32],
    doc_of_pair: NDArray[np.int64],
    doc_ends: NDArray[np.int64],
    doc_grams: NDArray[np.int32],
    idf: NDArray[np.float32],
) -> NDArray[np.float32]: ...
def invert(
    doc_ends: NDArray[np.int64], doc_grams: NDArray[np.int32], buckets: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]: ...
def document_norms(
    doc_ends: NDArray[np.int64], doc_grams: NDArray[np.int32], idf: NDArray[np.float32]
) -> NDArray[np.float32]: ...
