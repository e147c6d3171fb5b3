from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

class Likeness:
    def __init__(
        self,
        kinds: NDArray[np.uint8],
        sounds: NDArray[np.uint32],
        voiced: NDArray[np.uint32],
        words: NDArray[np.uint32],
        longest: int,
    ) -> None: ...

def forms(
    tables: Likeness,
    texts: Iterable[str],
    form: Literal["read_alike", "marks", "without_marks"],
) -> list[str]: ...
