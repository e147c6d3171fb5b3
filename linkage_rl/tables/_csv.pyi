from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def csv_lines(
    columns: Sequence[Sequence[str]], quoted: NDArray[np.uint8] | None = None
) -> bytes: ...
