from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.strings import StringColumn
from linkage_rl.text._likeness import Likeness

def code_points(
    columns: Sequence[Sequence[str]],
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]: ...
def spell(
    tables: Likeness,
    client_ends: NDArray[np.int64],
    client_codes: NDArray[np.uint32],
    client_gram_ends: NDArray[np.uint32],
    client_grams: NDArray[np.int32],
    client_of_pair: NDArray[np.int64],
    companies: NDArray[np.void],
    row_of_pair: NDArray[np.int64],
    first_row: int,
    end_row: int,
    columns: Sequence[StringColumn],
    gram_ends: NDArray[np.uint32],
    grams: NDArray[np.uint8],
    idf: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None: ...
