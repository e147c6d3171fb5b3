import numpy as np
from numpy.typing import NDArray

def invert(
    doc_ends: NDArray[np.uint32], doc_grams: NDArray[np.int32], buckets: int
) -> tuple[NDArray[np.uint32], NDArray[np.int32]]: ...
def document_norms(
    doc_ends: NDArray[np.uint32], doc_grams: NDArray[np.int32], idf: NDArray[np.float32]
) -> NDArray[np.float32]: ...
