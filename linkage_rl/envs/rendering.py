"""What is rendered of an episode, and its rendering as text."""

import unicodedata
from dataclasses import dataclass
from typing import Final

import numpy as np

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import blocker_cost
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import Outcome
from linkage_rl.envs.core import LinkageCore

SHOWN_FEATURES: Final = (
    *("retrieval_score", "core_ratio", "kana_ratio", "name_equal", "form_equal"),
    *("city_equal", "block_equal", "phone_equal", "domain_equal"),
)
"""Features that say most at a glance; those that a set of cases lacks are left out."""
_TEXT_WIDTH: Final = 60


@dataclass(frozen=True)
class ShownBlocker:
    """A blocker of a scene."""

    name: str
    cost: float
    ran: bool
    applies: bool
    """Whether the client has the field that it looks up."""


@dataclass(frozen=True)
class ShownCandidate:
    """A filled slot of a scene."""

    company: str
    values: tuple[float, ...]
    """Of the features of the scene."""
    is_right: bool


@dataclass(frozen=True)
class Scene:
    """What is shown of one episode, whatever it is drawn with."""

    client: str
    blockers: tuple[ShownBlocker, ...]
    cost: float
    """Cost so far, unit: one correct link."""
    features: tuple[str, ...]
    """Names of the features that are shown."""
    candidates: tuple[ShownCandidate, ...]
    """By slot, from 0 on."""
    action: str
    """The last action in words, '' before the first."""
    linked: int | None
    """Slot that was linked."""
    outcome: Outcome

    @property
    def ended(self) -> bool:
        """Whether the truth may be shown."""
        return self.outcome != Outcome.RUNNING


@dataclass(frozen=True)
class LastStep:
    """What happened last in an episode."""

    action: int | None = None
    """None before the first."""
    outcome: Outcome = Outcome.RUNNING


def scene_of(core: LinkageCore, row: int = 0, last: LastStep | None = None) -> Scene:
    """What is to be shown of one of the episodes of a core.

    Args:
        core: B episodes.
        row: Which of them.
        last: What happened last in it.
    """
    last = last or LastStep()
    cases, view, observation = core.cases, core.view, core.observation
    case, ran = int(core.episodes.case[row]), int(core.episodes.ran[row])
    available = int(cases.available[case])
    pairs = observation.slot_candidates[row]
    pairs = pairs[pairs >= 0]
    names = view.candidate_features(cases)
    features = tuple(name for name in SHOWN_FEATURES if name in names)
    columns = [names.index(name) for name in features]
    cost = 0.0 if core.all_run else float(blocker_cost(core.episodes.ran, view.cost_row)[row])
    linked = last.action is not None and last.action < view.layout.slots and last.outcome > 0
    return Scene(
        client=cases.client_texts.take(np.array([case]))[0],
        blockers=tuple(
            ShownBlocker(name, view.costs[bit], bool(ran >> bit & 1), bool(available >> bit & 1))
            for bit, name in enumerate(cases.blockers)
        ),
        cost=cost,
        features=features,
        candidates=tuple(
            ShownCandidate(text, tuple(observation.candidates[row, slot, columns].tolist()), right)
            for slot, (text, right) in enumerate(
                zip(
                    cases.company_texts.take(cases.pair_company[pairs]),
                    cases.is_right[pairs].tolist(),
                    strict=True,
                )
            )
        ),
        action="" if last.action is None else action_name(cases, view, last.action),
        linked=last.action if linked else None,
        outcome=last.outcome,
    )


def action_name(cases: CaseSet, view: View, action: int) -> str:
    """An action in words; slots count from 0, as in the action space."""
    layout = view.layout
    if action < layout.slots:
        return f"link candidate {action}"
    if action < layout.first_blocker:
        return "no match" if action == layout.no_match else "review"
    return f"run blocker {cases.blockers[action - layout.first_blocker]}"


def as_text(scene: Scene) -> str:
    """The scene as lines of text: client, blockers run, a line per candidate, the last action.

    Once the episode has ended, a star marks the right candidates.
    """
    ran = ", ".join(blocker.name for blocker in scene.blockers if blocker.ran)
    lines = [
        f"client      {scene.client}",
        f"blockers    {ran or 'none run'}; cost {scene.cost:.3f}",
        *_table(scene),
    ]
    if scene.action:
        outcome = f": {scene.outcome.name.lower()}" if scene.ended else ""
        lines.append(f"action      {scene.action}{outcome}")
    return "\n".join(lines)


def _table(scene: Scene) -> list[str]:
    if not scene.candidates:
        return ["candidates  none visible"]
    head = "  ".join(scene.features)
    rows = [f"{fitted('candidates', _TEXT_WIDTH + 5)} {head}"]
    for slot, candidate in enumerate(scene.candidates):
        values = "  ".join(
            f"{value:>{len(name)}.2f}"
            for name, value in zip(scene.features, candidate.values, strict=True)
        )
        mark = "*" if candidate.is_right and scene.ended else " "
        rows.append(f"{slot:>3}{mark} {fitted(candidate.company, _TEXT_WIDTH)} {values}")
    return rows


def fitted(text: str, width: int) -> str:
    """The text cut or filled to this many terminal cells; kanji and kana take two.

    >>> fitted("東京 Ltd", 6) + "|", fitted("ab", 4) + "|"
    ('東京 L|', 'ab  |')
    """
    kept, left = "", width
    for char in text:
        cells = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if cells > left:
            break
        kept, left = kept + char, left - cells
    return kept + " " * left
