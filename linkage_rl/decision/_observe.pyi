import numpy as np
from numpy.typing import NDArray

def observe(
    cases: NDArray[np.int64],
    ran: NDArray[np.uint16],
    starts: NDArray[np.int64],
    pair_blockers: NDArray[np.uint16],
    retrieval_score: NDArray[np.float32],
    features: NDArray[np.float32],
    feature_rows: NDArray[np.int64],
    candidate_ids: NDArray[np.int64],
    evidence: NDArray[np.int64],
    query: NDArray[np.float32],
    available: NDArray[np.uint16],
    costs: NDArray[np.float32],
    slots: int,
    allow_review: bool,
) -> tuple[
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.int8],
    NDArray[np.int64],
    NDArray[np.int8],
]: ...
def blocker_cost(ran: NDArray[np.uint16], costs: NDArray[np.float32]) -> NDArray[np.float32]: ...
def legal_actions(
    filled: NDArray[np.int64],
    ran: NDArray[np.uint16],
    available: NDArray[np.uint16],
    slots: int,
    blockers: int,
    allow_review: bool,
) -> NDArray[np.int8]: ...
def keep_evidence(
    rows: NDArray[np.int64],
    candidates: NDArray[np.float32],
    slot_candidates: NDArray[np.int64],
    ties: NDArray[np.int8],
    shares: NDArray[np.float32],
) -> tuple[
    NDArray[np.int64],
    NDArray[np.uint8],
    NDArray[np.float32],
    NDArray[np.uint8],
    NDArray[np.int64],
]: ...
