"""An episode as text: the client, the candidates with the features that tell them apart."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.envs.rewards import Outcome
from linkage_rl.records import Observation

SHOWN_FEATURES: Final = 6
_NAME_WIDTH: Final = 32


def describe(
    cases: CaseSet,
    view: View,
    observation: Observation,
    case: int,
    action: int | None = None,
    outcome: Outcome = Outcome.RUNNING,
) -> str:
    """What stands before the policy, and what it just did.

    Args:
        cases: Where the texts come from.
        view: How the case is shown.
        observation: A batch of one.
        case: Position of the case.
        action: The last action, None at the start.
        outcome: How the episode stands.
    """
    bought = [name for name, on in zip(cases.routes, observation.state[0], strict=False) if on > 0]
    lines = [
        f"client    {cases.client_texts.take(np.array([case]))[0]}",
        f"routes    {', '.join(bought) or 'none bought'}; cost {observation.state[0, -1]:.3f}",
        *_table(cases, view, observation),
    ]
    if action is not None:
        verdict = "" if outcome == Outcome.RUNNING else f": {outcome.name.lower()}"
        lines.append(f"action    {action_name(cases, view, action)}{verdict}")
    return "\n".join(lines)


def action_name(cases: CaseSet, view: View, action: int) -> str:
    """An action in words.

    Slots count from 0, as in the action space.
    """
    layout = view.layout
    if action < layout.slots:
        return f"link candidate {action}"
    if action < layout.first_route:
        return "no match" if action == layout.no_match else "review"
    return f"buy route {cases.routes[action - layout.first_route]}"


def _table(cases: CaseSet, view: View, observation: Observation) -> list[str]:
    pairs = observation.slot_pairs[0]
    pairs = pairs[pairs >= 0]
    if len(pairs) == 0:
        return ["candidates none visible"]
    features = observation.candidates[0, : len(pairs)]
    columns = _telling(features)
    names = view.candidate_features(cases)
    texts = cases.company_texts.take(cases.pair_company[pairs])
    head = "  ".join(names[column] for column in columns)
    rows = [f"{'candidates':<{_NAME_WIDTH + 4}}  {head}"]
    for slot, text in enumerate(texts):
        values = "  ".join(
            f"{features[slot, column]:>{len(names[column])}.2f}" for column in columns
        )
        rows.append(f"{slot:>3} {text[:_NAME_WIDTH]:<{_NAME_WIDTH}}  {values}")
    return rows


def _telling(features: NDArray[np.float32]) -> NDArray[np.int64]:
    """Columns that differ most among the candidates, ties broken by their height."""
    spread = features.max(axis=0) - features.min(axis=0) + features.max(axis=0) / 100
    return np.sort(np.argsort(-spread, kind="stable")[:SHOWN_FEATURES])
