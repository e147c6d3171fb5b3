import numpy as np
from numpy.typing import NDArray

class Rules:
    def __init__(
        self,
        codes: NDArray[np.uint8],
        feature: NDArray[np.int64],
        between: NDArray[np.float32],
        unless: NDArray[np.int64],
        needs: NDArray[np.int64],
        on_name: NDArray[np.uint8],
        trade_name: int,
    ) -> None: ...

def codes(
    rules: Rules,
    features: NDArray[np.float32],
    name_agrees: NDArray[np.int64],
    nothing: int,
) -> NDArray[np.uint8]: ...
