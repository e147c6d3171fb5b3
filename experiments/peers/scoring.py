"""How good the links of a peer are: calibrated and thresholded on valid, measured on test."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.peers.exchange import JUDGED, read_rows
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import InputFileError
from linkage_rl.evaluation.answers import Answers, apply_threshold, best_threshold, calibrate
from linkage_rl.evaluation.calibration import choose_threshold
from linkage_rl.records import DecisionKind

Figures = dict[str, float | int | str | None]


def figures_of(folder: Path, output: Path, weights: RewardWeights | None = None) -> Figures:
    """The test metrics of a peer and what its run took; its error where it failed.

    Args:
        folder: What `prepare` wrote.
        output: What `run_peer` returned.
        weights: Value of each outcome; None for the defaults.
    """
    ran: Figures = json.loads((output / "peer.json").read_text(encoding="utf-8"))
    if "error" in ran:
        return ran
    answers = read_links(output / "links.csv", folder)
    valid, test = (answers[split] for split in JUDGED)
    both = {"judged": len(valid) + len(test)}
    return ran | both | judged(valid, test, RewardWeights() if weights is None else weights)


def judged(valid: Answers, test: Answers, weights: RewardWeights) -> Figures:
    """Test metrics at the threshold that is best for F1 on valid; names as in `ThresholdedAnswers`.

    Scores become probabilities by isotonic regression on valid, as those of every system do.
    """
    valid, test = calibrate(valid, test)
    thresholded = apply_threshold(test, best_threshold(valid, "f1", weights), weights)
    return {
        **thresholded.figures_with_interval(),
        "proposed": float(test.right.sum() / max(int(test.has_row.sum()), 1)),
    }


def read_links(links: Path, inputs: Path) -> dict[str, Answers]:
    """The links of a peer by split, with ties as is better for F1 on valid (`links_by_ties`)."""
    return max(links_by_ties(links, inputs).values(), key=lambda read: _best_f1(read["valid"]))


def links_by_ties(links: Path, inputs: Path) -> dict[str, dict[str, Answers]]:
    """The links of a peer beside the truth, clients in the order of their lists.

    Its scores become ranks in (0, 1]: only their order counts, calibration does the rest. Where
    companies share the best score of a client, either the first is taken or none, for all clients
    alike (`ties_method` of splink). Its own decision is to link from its own threshold on, which
    `peer.json` beside the links names; where it does not, whatever has a candidate.

    Args:
        links: `links.csv` with `split, client_id, company_id, score, sharers`.
        inputs: Folder of `valid.csv` and `test.csv` with the truth.

    Returns:
        'linked' and 'left out' to the answers of each split.

    Raises:
        InputFileError: A client is missing.
    """
    row_of = {(row["split"], row["client_id"]): row for row in read_rows(links)}
    truth = {split: _truth(inputs / f"{split}.csv") for split in JUDGED}
    lacking = [
        client for split in JUDGED for client in truth[split] if (split, client) not in row_of
    ]
    if lacking:
        raise InputFileError(
            f"{links} needs a line for every client of valid and test, lacks {len(lacking)}, "
            f"{lacking[0]!r} among them"
        )
    rows = {split: [row_of[split, client] for client in truth[split]] for split in JUDGED}
    scores = np.array(
        [float(row["score"]) for split in JUDGED for row in rows[split] if row["company_id"]]
    )
    levels = np.unique(scores)
    own = _own_threshold(links.with_name("peer.json"))
    return {
        ties: {split: _answers(rows[split], truth[split], levels, most, own) for split in JUDGED}
        for ties, most in (("linked", np.inf), ("left out", 1))
    }


def _own_threshold(report: Path) -> float:
    """Score from which on the peer itself links; minus infinity where it does not say."""
    content = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return float(content.get("own_threshold") or "-inf")


def _best_f1(valid: Answers) -> float:
    return choose_threshold(valid.confidence, valid.right, valid.has_row, "f1").f1


def _answers(
    rows: Sequence[Mapping[str, str]],
    truth: Mapping[str, str],
    levels: NDArray[np.float64],
    max_sharers: float,
    own_threshold: float,
) -> Answers:
    """The answers about a split; where too many companies share a score there is no candidate."""
    present = np.array([0 < int(row["sharers"]) <= max_sharers for row in rows])
    score = np.array([float(row["score"] or "-inf") for row in rows])
    rank = (np.searchsorted(levels, score) + 1) / max(len(levels), 1)
    named = [
        row["company_id"] in names.split("|")
        for row, names in zip(rows, truth.values(), strict=True)
    ]
    right = present & np.array(named, dtype=np.bool_)
    clients = len(rows)
    return Answers(
        kind=np.where(
            present & (score >= own_threshold), DecisionKind.LINK, DecisionKind.NO_MATCH
        ).astype(np.int8),
        has_candidate=present,
        pair=np.full(clients, -1, dtype=np.int64),
        confidence=np.where(present, rank, 0.0).astype(np.float32),
        tied=np.ones(clients, dtype=np.int16),
        right=right,
        has_row=np.array([names != "" for names in truth.values()], dtype=np.bool_),
        ran=np.zeros(clients, dtype=np.uint16),
        cost=np.zeros(clients, dtype=np.float32),
        dataset=np.zeros(clients, dtype=np.int16),
    )


def _truth(path: Path) -> dict[str, str]:
    return {row["client_id"]: row["company_id"] for row in read_rows(path)}
