import numpy as np
from numpy.typing import NDArray

def invert(
    doc_ends: NDArray[np.uint32], doc_grams: NDArray[np.uint8], buckets: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint8] | NDArray[np.int32]]: ...
def highest(narrow: NDArray[np.uint8]) -> int: ...
def document_norms(
    doc_ends: NDArray[np.uint32], doc_grams: NDArray[np.uint8], idf: NDArray[np.float32]
) -> NDArray[np.float32]: ...
