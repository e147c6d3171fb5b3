"""An episode as text: the client, the candidates with the features that tell them apart."""

import unicodedata
from typing import Final

import numpy as np

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import Outcome
from linkage_rl.records import Observation

HEADLINES: Final = (
    *("retrieval_score", "core_ratio", "kana_ratio", "name_equal", "form_equal"),
    *("city_equal", "block_equal", "phone_equal", "domain_equal"),
)
"""Features that tell most at a glance; those that a set of cases lacks are left out."""
_TEXT_WIDTH: Final = 60


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
    ran = [name for name, on in zip(cases.blockers, observation.state[0], strict=False) if on > 0]
    lines = [
        f"client    {cases.client_texts.take(np.array([case]))[0]}",
        f"blockers    {', '.join(ran) or 'none run'}; cost {observation.state[0, -1]:.3f}",
        *_table(cases, view, observation, reveal=outcome != Outcome.RUNNING),
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
    if action < layout.first_blocker:
        return "no match" if action == layout.no_match else "review"
    return f"run blocker {cases.blockers[action - layout.first_blocker]}"


def _table(cases: CaseSet, view: View, observation: Observation, *, reveal: bool) -> list[str]:
    """One line per candidate; once the episode is over, a star marks the right ones."""
    pairs = observation.slot_pairs[0]
    pairs = pairs[pairs >= 0]
    if len(pairs) == 0:
        return ["candidates none visible"]
    names = view.candidate_features(cases)
    columns = [names.index(name) for name in HEADLINES if name in names]
    head = "  ".join(names[column] for column in columns)
    rows = [f"{_fitted('candidates', _TEXT_WIDTH + 5)} {head}"]
    texts = cases.company_texts.take(cases.pair_company[pairs])
    for slot, (text, right) in enumerate(zip(texts, cases.is_right[pairs], strict=True)):
        values = "  ".join(
            f"{observation.candidates[0, slot, column]:>{len(names[column])}.2f}"
            for column in columns
        )
        mark = "*" if right and reveal else " "
        rows.append(f"{slot:>3}{mark} {_fitted(text, _TEXT_WIDTH)} {values}")
    return rows


def _fitted(text: str, width: int) -> str:
    """The text cut or filled to this many terminal cells; kanji and kana take two."""
    fitted, left = "", width
    for char in text:
        cells = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if cells > left:
            break
        fitted, left = fitted + char, left - cells
    return fitted + " " * left
