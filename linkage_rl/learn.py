"""`linkage-rl learn`: a better bundle from what people said of decisions, or the reason why not."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("learn")
    raise SystemExit

import logging
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from linkage_rl.atomic import writing
from linkage_rl.bundle_files import swap
from linkage_rl.checks import SEED, check_ranges
from linkage_rl.config.command import command, say
from linkage_rl.decision_log.opening import named_log
from linkage_rl.decision_log.rows import Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError, OutputError
from linkage_rl.feedback.candidate_bundle import BaseBundle, mark_in
from linkage_rl.feedback.gate import KIND, Family, gates_of, tally
from linkage_rl.feedback.learn_round import (
    Round,
    ask_about_differences,
    learn_round,
    write_round,
)
from linkage_rl.feedback.learn_state import STATE, LearnState, read_state, write_state
from linkage_rl.feedback.learning import LearningConfig
from linkage_rl.training.run_folder import locked

_log = logging.getLogger(__name__)
GATES: Final = ("audit", "none")
THRESHOLDS: Final = ("f1", "keep")
CANDIDATE: Final = "candidate"
BUNDLE: Final = "bundle"


@dataclass(frozen=True)
class LearnSettings:
    """The bundle that learns, the log, and what is learned from it."""

    bundle: str = ""
    """Folder of the bundle that learns; it stays as it is."""
    log: str = ""
    """URL or file of the decision log; '' takes `LINKAGE_LOG_URL`."""
    output: str = ""
    """Folder of the result: `bundle/` once one is promoted, `candidate/` before, `state.json`."""
    customer: str = ""
    """Learn from this customer alone, for a bundle of their own; '' learns a shared bundle from
    every customer who contradicts no other."""
    list: str = ""
    """Learn from this list alone; '' from all."""
    gate: str = "audit"
    """audit asks people where the bundles differ before the new one is promoted; none promotes it
    at once."""
    threshold: str = "f1"
    """f1 chooses the link threshold by expected F1 on logged clients, keep leaves it."""
    again: bool = False
    """Whether to learn anew although the gate of the last round is still open."""
    seed: int = 1
    """Decides the order of the verdicts and of the questions."""
    learning: LearningConfig = field(default_factory=LearningConfig)

    def __post_init__(self) -> None:
        object.__setattr__(self, "log", named_log(self.log))
        for name, what in (("bundle", "a bundle folder"), ("output", "a folder for the result")):
            if not getattr(self, name):
                raise ConfigError(f"learn needs {name}=, {what}; see --help")
        check_ranges("", self, {"seed": SEED})
        for name, choices in (("gate", GATES), ("threshold", THRESHOLDS)):
            if getattr(self, name) not in choices:
                raise ConfigError(
                    f"expected {name}={' or '.join(choices)}, got {getattr(self, name)!r}"
                )


def run(settings: LearnSettings) -> None:
    """Go on with the gate of the last round, or learn and open a new one.

    Raises:
        LinkageError: The bundle has no weights or is damaged, the log cannot be read or has
            nothing to learn, or the folder cannot be written.
    """
    base = BaseBundle.read(Path(settings.bundle).expanduser())
    output = Path(settings.output).expanduser()
    _check_output(output, base.folder)
    with locked(output), DecisionLog.open(settings.log, create=False) as log:
        before = read_state(output)
        _check_same(before, settings, base)
        opened = None if settings.again else _opened(before, output, log)
        if opened is not None:
            _go_on(settings, output, log, opened)
            return
        selection = Selection(customer=settings.customer, list_id=settings.list)
        mark = _mark_of_verdicts(log, selection)
        if before is not None and before.is_done_with(mark) and not settings.again:
            _say_state(settings, output, log, before)
            say("verdicts none since then but answers of gates; again=true learns all anew")
            return
        _learn(settings, output, log, base, selection, mark)


def _opened(before: LearnState | None, output: Path, log: DecisionLog) -> LearnState | None:
    """The round whose gate is open, also if the run was stopped before it could say so."""
    if before is None or before.state == "open":
        return before
    if before.state != "learning" or before.candidate != mark_in(output / CANDIDATE):
        return None
    family = Family(before.base, before.customer, before.list_id)
    queues = [one for one in gates_of(log, family) if one.settings.get("new") == before.candidate]
    return replace(before, state="open", queue_id=queues[-1].queue_id) if queues else None


def _go_on(settings: LearnSettings, output: Path, log: DecisionLog, opened: LearnState) -> None:
    """Judge an open round, which stays what it was learned as."""
    choices = _choices(settings)
    others = [name for name, value in choices.items() if opened.choices.get(name, value) != value]
    if others:
        say(f"note     other {', '.join(others)} than the open round has; again=true learns anew")
    if settings.gate == "none":
        _finish(settings, output, log, _ungated(opened))
    else:
        _judge(settings, output, log, opened)


def _choices(settings: LearnSettings) -> dict[str, object]:
    """The settings that a candidate depends on."""
    learning = {f"learning.{name}": value for name, value in asdict(settings.learning).items()}
    return {"threshold": settings.threshold, "seed": settings.seed} | learning


def _ungated(state: LearnState) -> LearnState:
    return replace(state, state="promoted", more_needed=0, why="gate=none asks nobody")


def _learn(
    settings: LearnSettings,
    output: Path,
    log: DecisionLog,
    base: BaseBundle,
    selection: Selection,
    mark: str,
) -> None:
    """Learn a candidate and open its gate against the bundle that is in use."""
    incumbent = _incumbent(output, base)
    keeps = settings.threshold == "keep"
    found = learn_round(log, base, selection, settings.learning, settings.seed, keeps)
    _say_learned(found, log)
    state = LearnState(
        state="learning",
        base=base.mark,
        candidate="",
        verdicts=mark,
        learned=len(found.verdicts),
        customer=settings.customer,
        list_id=settings.list,
        incumbent=incumbent.mark,
        choices=_choices(settings),
    )
    # the answers of an earlier gate must never promote the bundle that is written now
    write_state(output, state)
    candidate = write_round(base, found, output / CANDIDATE, settings.seed)
    state = replace(state, candidate=candidate)
    # with the mark, a queue that is made now is found again
    write_state(output, state)
    if settings.gate == "none":
        _finish(settings, output, log, _ungated(state))
        return
    marks = {"old": incumbent.mark, "new": candidate}
    family = Family(base.mark, settings.customer, settings.list)
    queue_id = ask_about_differences(log, incumbent, family, found, marks, settings.seed)
    if not queue_id:
        why = "it decides every logged client without a verdict as the bundle in use does"
        _finish(settings, output, log, replace(state, state="kept", why=why))
        return
    _judge(settings, output, log, replace(state, state="open", queue_id=queue_id))


def _incumbent(output: Path, base: BaseBundle) -> BaseBundle:
    """The bundle that a new one must beat: the one promoted last, or the one that learns.

    Raises:
        ConfigError: The promoted one cannot decide what was logged for the one that learns.
    """
    if not mark_in(output / BUNDLE):
        return base
    promoted = BaseBundle.read(output / BUNDLE)
    if promoted.format != base.format:
        raise ConfigError(
            f"expected {output / BUNDLE} to have the features and blockers of {base.folder}, got "
            "others; name another output="
        )
    return promoted


def _judge(settings: LearnSettings, output: Path, log: DecisionLog, state: LearnState) -> None:
    """Count the answers of the gate, and promote or keep."""
    result = tally(log, state.queue_id)
    _finish(settings, output, log, state.after(result))


def _finish(settings: LearnSettings, output: Path, log: DecisionLog, state: LearnState) -> None:
    """Put a promoted bundle in its place, write the state, and say it."""
    if state.state == "promoted":
        _promote(output, state.candidate)
    write_state(output, state)
    _say_state(settings, output, log, state)


def _promote(output: Path, candidate: str) -> None:
    """Put the candidate of this mark in its place, where no run that was stopped has done so.

    Raises:
        OutputError: The folder has another candidate, or it cannot be moved.
    """
    found = mark_in(output / CANDIDATE)
    if not found and mark_in(output / BUNDLE) == candidate:
        return
    if found != candidate:
        raise OutputError(
            f"expected the bundle {candidate}, about which people were asked, in "
            f"{output / CANDIDATE}, found {found or 'none'}; learn anew with again=true"
        )
    with writing(output):
        swap(output / CANDIDATE, output / BUNDLE)


def _say_state(settings: LearnSettings, output: Path, log: DecisionLog, state: LearnState) -> None:
    if state.state == "promoted":
        say(f"promoted {output / BUNDLE}: {state.why}", state=state.state)
        say(f"next     linkage-rl export run={output} output=DIR/model, then deploy it")
    elif state.state == "kept":
        kept = output / BUNDLE if mark_in(output / BUNDLE) else settings.bundle
        say(f"kept     {kept}: {state.why}", state=state.state)
    else:
        say(
            f"gate     {state.answers:,} answers; needs about {state.more_needed:,} more: "
            f"linkage-rl review log={log} queue={state.queue_id}",
            **{"state": state.state, "more_needed": state.more_needed},
        )
        say("         with database= as for link")
        say("next     then linkage-rl learn with the same settings again")


def _say_learned(found: Round, log: DecisionLog) -> None:
    learned = found.learned
    how = (
        "from nothing, the start was worse"
        if learned.from_nothing
        else (f"{learned.step_share:.0%} of the way from the start")
    )
    say(f"learned  {len(found.verdicts):,} verdicts of {log}, {how}", verdicts=len(found.verdicts))
    say(f"links    from confidence {learned.thresholds.link:.3f} on")
    for why, number in found.verdicts.left_out.items():
        say(f"left out {number:,} judged decisions {why}")
    for odd in found.odd:
        say(
            f"left out customer {odd.customer or '(none named)'}: learning its {odd.verdicts:,} "
            "verdicts would make the policy worse for the others; give it a bundle of its own with "
            f"customer={odd.customer or 'ID'}"
        )


def _mark_of_verdicts(log: DecisionLog, selection: Selection) -> str:
    """What changes with every verdict on the selected decisions but the answers of gates.

    A gate would open the next one otherwise, and people would be asked without end.
    """
    verdicts = [one for one in log.verdicts(selection) if one.why_asked != KIND]
    last = verdicts[-1].verdict_id if verdicts else 0
    return f"{len(verdicts)}:{last}"


def _check_same(before: LearnState | None, settings: LearnSettings, base: BaseBundle) -> None:
    """Refuse the folder of another bundle, customer or list, whose promoted bundle it holds."""
    if before is None or before.is_of(base.mark, settings.customer, settings.list):
        return
    raise ConfigError(
        f"output={settings.output} is of the bundle {before.base}, customer={before.customer!r} "
        f"and list={before.list_id!r}, not of {base.mark}, customer={settings.customer!r} and "
        f"list={settings.list!r}; name another folder"
    )


def _check_output(output: Path, base: Path) -> None:
    """Refuse a folder that holds something else, or the bundle that learns."""
    if base.resolve().is_relative_to(output.resolve()):
        raise ConfigError(
            f"output={output} has the bundle that learns, {base}; name another folder, or the "
            "bundle that it began with"
        )
    known = {STATE, CANDIDATE, BUNDLE, ".lock"}
    if output.is_dir() and not (output / STATE).is_file():
        others = sorted({one.name for one in output.iterdir()} - known)
        if others:
            raise OutputError(
                f"expected output={output} to be empty or of an earlier learn, found "
                f"{others[0]!r}; name another folder"
            )


main = command("learn", LearnSettings, run)
