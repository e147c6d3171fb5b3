import numpy as np
from numpy.typing import NDArray

_Proposals = tuple[NDArray[np.int64], NDArray[np.float32]]

FREE: int

class Asking:
    def __init__(
        self,
        rows: NDArray[np.void],
        ends: NDArray[np.uint32],
        grams: NDArray[np.int32],
        former: NDArray[np.uint64],
    ) -> None: ...

class Searchable:
    def __init__(
        self,
        companies: NDArray[np.void],
        doc_ends: NDArray[np.uint32],
        doc_grams: NDArray[np.uint8],
        idf: NDArray[np.float32],
        starts: NDArray[np.uint32],
        postings: NDArray[np.uint8] | NDArray[np.int32],
        doc_norms: NDArray[np.float32],
        doc_row_ends: NDArray[np.uint32],
        doc_rows: NDArray[np.int32],
        former_keys: NDArray[np.uint64],
        former_rows: NDArray[np.int32],
        heads: NDArray[np.int32],
        begins: NDArray[np.int32],
        sites: NDArray[np.int32],
    ) -> None: ...
    def by_key(
        self,
        asking: Asking,
        chosen: NDArray[np.int64],
        client_keys: NDArray[np.uint64],
        keys: NDArray[np.uint64],
        key_rows: NDArray[np.int32],
        alive: NDArray[np.uint8],
        limit: int,
        max_rows: int,
    ) -> _Proposals: ...
    def by_grams(
        self,
        asking: Asking,
        chosen: NDArray[np.int64],
        alive: NDArray[np.uint8],
        slots: NDArray[np.int64],
        touched: NDArray[np.int32],
        limit: int,
        budget: int,
        documents: int,
        max_rows: int,
    ) -> _Proposals: ...
