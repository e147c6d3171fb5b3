"""Makes the queues of questions: a stratified sample, the decisions left to people, an audit."""

from dataclasses import asdict, replace
from typing import Final

import numpy as np

from linkage_rl.decision_log.clients import first_of_each, judged_clients
from linkage_rl.decision_log.confidences import Confidences, confidences
from linkage_rl.decision_log.questions import Questions, Queue
from linkage_rl.decision_log.rows import Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError
from linkage_rl.feedback.audit_design import AuditDesign
from linkage_rl.feedback.strata import stratified_sample

DRAWS: Final = 10_000
"""Links drawn for an audit."""
CENSUS: Final = 10_000
"""Links of a list up to which its audit goes on, after the draws, with those never drawn."""

MOST: Final = 1_000_000
"""Questions of a queue."""


def stratified_queue(log: DecisionLog, selection: Selection, size: int, seed: int) -> str:
    """A sample of decisions stratified by confidence, of clients on whom there is no verdict yet.

    A client that was logged more than once, or judged in another list of the customer, is not
    asked about again.

    Args:
        log: The log.
        selection: Decisions to draw from.
        size: Clients to ask about; all where there are fewer.
        seed: Of the draw.

    Returns:
        The id of the queue.

    Raises:
        ConfigError: The size lies outside its range, or there is nothing to ask about.
    """
    if not 1 <= size <= MOST:
        raise ConfigError(f"expected a queue of 1 to {MOST:,} questions, got size={size:.10g}")
    found = _unjudged_clients(log, selection)
    sample = stratified_sample(found.confidence, size, np.random.default_rng(seed))
    return Questions(log).create(
        "stratified",
        {"selection": asdict(selection), "size": size, "seed": seed},
        [found.decision_id[place] for place in sample.places.tolist()],
        sample.chances.tolist(),
    )


def review_queue(log: DecisionLog, selection: Selection) -> str:
    """Every decision 'review' that has no verdict yet, by falling confidence.

    Args:
        log: The log.
        selection: Decisions among which they are; its `action` is not used.

    Returns:
        The id of the queue.

    Raises:
        ConfigError: There is nothing to ask about.
    """
    selection = replace(selection, action="review")
    found = _unjudged(log, selection)
    order = np.argsort(-found.confidence, kind="stable").tolist()
    return Questions(log).create(
        "review",
        {"selection": asdict(selection)},
        [found.decision_id[place] for place in order],
        [1.0] * len(order),
    )


def audit_queue(
    log: DecisionLog, selection: Selection, goal: float, confidence: float, seed: int
) -> str:
    """Links drawn for an audit of their precision, see `certification.status`.

    Args:
        log: The log.
        selection: Decisions whose links are audited; its `action` is not used.
        goal: Precision to be shown, in (0, 1).
        confidence: Chance that what the audit says is right, in (0, 1).
        seed: Of the draw.

    Returns:
        The id of the queue.

    Raises:
        ConfigError: A value lies outside its range, or there is no link.
    """
    for name, value in (("goal", goal), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ConfigError(f"expected {name} between 0 and 1, got {value}")
    selection = replace(selection, action="link")
    links = _some(confidences(log, selection), log, selection)
    rng = np.random.default_rng(seed)
    design = AuditDesign.of(goal, confidence, links.confidence)
    places = design.draws(links.confidence, DRAWS, rng)
    if len(links) <= CENSUS:
        places = np.concatenate([places, np.setdiff1d(np.arange(len(links)), places)])
    chances = design.chance(links.confidence) / len(links)
    return Questions(log).create(
        "audit",
        {"selection": asdict(selection), "seed": seed, "draws": DRAWS, "places": len(places)}
        | design.to_json(),
        [links.decision_id[place] for place in places.tolist()],
        np.minimum(chances[places], 1.0).tolist(),
    )


def audits_of(log: DecisionLog, selection: Selection) -> list[Queue]:
    """Every audit of these links, the oldest first, whatever its claim.

    Args:
        log: The log.
        selection: See `audit_queue`.
    """
    wanted = asdict(replace(selection, action="link"))
    return [
        queue
        for queue in Questions(log).queues()
        if queue.kind == "audit" and queue.settings["selection"] == wanted
    ]


def find_audit(log: DecisionLog, selection: Selection, goal: float, confidence: float) -> str:
    """The id of the newest audit of these links with this claim, '' where there is none.

    Args:
        log: The log.
        selection: See `audit_queue`.
        goal: See `audit_queue`.
        confidence: See `audit_queue`.
    """
    claim = {"goal": goal, "confidence": confidence}
    found = [
        queue.queue_id
        for queue in audits_of(log, selection)
        if claim.items() <= queue.settings.items()
    ]
    return found[-1] if found else ""


def _unjudged(log: DecisionLog, selection: Selection) -> Confidences:
    selection = replace(selection, judged=False)
    judged = log.latest(selection)
    return _some(confidences(log, selection).without(judged.keys()), log, selection)


def _unjudged_clients(log: DecisionLog, selection: Selection) -> Confidences:
    selection = replace(selection, judged=False)
    judged = log.latest(selection)
    found = confidences(log, selection, with_clients=True).without(judged.keys())
    places = first_of_each(found.client_hash, judged_clients(log, selection.customer))
    return _some(found.take(places), log, selection)


def _some(found: Confidences, log: DecisionLog, selection: Selection) -> Confidences:
    if not len(found):
        meant = {name: value for name, value in asdict(selection).items() if value}
        raise ConfigError(
            f"expected decisions to ask about in {log}, got none for {meant or 'the whole log'}; "
            "log some with link log=URL, or select others"
        )
    return found
