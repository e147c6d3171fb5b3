from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

class Scorer:
    def __init__(
        self, layers: Mapping[str, NDArray[np.float32]], relative: bool, temperature: float
    ) -> None: ...
    @property
    def sizes(self) -> tuple[int, int, int]: ...
    def logits(
        self,
        candidates: NDArray[np.float32],
        query: NDArray[np.float32],
        state: NDArray[np.float32],
        mask: NDArray[np.int8],
        blockers_only: bool = False,
    ) -> NDArray[np.float32]: ...

def run_plan_first(
    logits: NDArray[np.float32], mask: NDArray[np.int8], planned: NDArray[np.int8]
) -> None: ...
def stop_as(logits: NDArray[np.float32], stops: NDArray[np.float32], blockers: int) -> None: ...
