from collections.abc import Mapping, Sequence, Set

import numpy as np
from numpy.typing import NDArray

class Forms:
    def __init__(
        self, forms: Sequence[tuple[str, str, int, Set[str]]], leading: Mapping[str, object]
    ) -> None: ...

def read_usual(
    names: Sequence[str],
    shifts: NDArray[np.uint32],
    kinds: NDArray[np.uint8],
    is_kana: NDArray[np.uint8],
    core_shifts: NDArray[np.uint32],
    forms: Forms,
) -> tuple[
    list[str], list[str], NDArray[np.int8], NDArray[np.int8], list[int], list[int], list[int]
]: ...
