from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def hash_columns(columns: Sequence[Sequence[str]], salt: int) -> NDArray[np.uint64]: ...
def joined(columns: tuple[list[str], ...], needed: tuple[int, ...]) -> list[str]: ...
def gram_lists(
    columns: Sequence[Sequence[str]], mask: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]: ...
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
def gather_texts(
    offsets: NDArray[np.int64], blob: NDArray[np.uint8], rows: NDArray[np.int64]
) -> list[str]: ...
def gather_bytes(
    offsets: NDArray[np.int64], blob: NDArray[np.uint8], rows: NDArray[np.int64]
) -> bytes: ...
def are_texts(offsets: NDArray[np.int64], blob: NDArray[np.uint8]) -> bool: ...
