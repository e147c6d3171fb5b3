import numpy as np
from numpy.typing import NDArray

def pack_rows(
    name: list[str],
    written: list[str],
    core: list[str],
    stem: list[str],
    kana: list[str],
    reading: list[str],
    city: list[str],
    town: list[str],
    building: list[str],
    phone: list[str],
    domain: list[str],
    page: list[str],
    corporate: list[str],
    postal: list[str],
    block: list[str],
    prefecture: NDArray[np.int8],
    form: NDArray[np.int8],
    side: NDArray[np.int8],
    salt: int,
) -> NDArray[np.uint8]: ...
