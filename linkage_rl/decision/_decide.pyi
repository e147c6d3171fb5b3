import numpy as np
from numpy.typing import NDArray

def slot_shares(logits: NDArray[np.float32], slots: int) -> NDArray[np.float32]: ...
def raw_confidence(
    logits: NDArray[np.float32], ties: NDArray[np.int8]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int16]]: ...
def act(
    logits: NDArray[np.float32],
    mask: NDArray[np.int8],
    candidates: NDArray[np.int64],
    ties: NDArray[np.int8],
    cases: NDArray[np.int64],
    illegal: np.float32,
    actions: int,
    kind: NDArray[np.int8],
    candidate: NDArray[np.int64],
    confidence: NDArray[np.float32],
    tied: NDArray[np.int16],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]: ...
def groups(
    cases: NDArray[np.int64], blockers: NDArray[np.int64], ran: NDArray[np.uint16]
) -> tuple[NDArray[np.int64], list[tuple[int, NDArray[np.int64]]]]: ...
def shorten(
    rows: NDArray[np.int64],
    shares: NDArray[np.float32],
    candidates: NDArray[np.int64],
    ties: NDArray[np.int8],
    kept: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int16]]: ...
