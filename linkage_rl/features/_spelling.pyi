import numpy as np
from numpy.typing import NDArray

def distinct(
    client_of_pair: NDArray[np.int64], names: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
def spell(
    core: list[str],
    company_core: list[str],
    loose: list[str],
    company_loose: list[str],
    marks: list[str],
    company_marks: list[str],
    bare: list[str],
    company_bare: list[str],
    kana: list[str],
    company_kana: list[str],
    latin: list[str],
    company_latin: list[str],
    similarity: NDArray[np.float32],
    grams: NDArray[np.float32],
) -> NDArray[np.float32]: ...
