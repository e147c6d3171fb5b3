"""`python -m experiments.suite.no_labels RUN ...`: how good are runs without labels on real lists?

A run is a folder of `linkage_rl.train clients=own`, LABEL=FOLDER, or a pattern; runs of one label
are the seeds of one condition, and the first label is compared with the others. Calibration and
threshold are the run's own, from clients drawn from the table; the labels of lists only judge.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from experiments.suite.finished_runs import run_folders
from experiments.suite.no_labels_page import Claim, Trial, page
from experiments.suite.run_on_lists import DRAWN, SYSTEMS, RunOnLists, open_run, settings_of
from experiments.tools.problem import right_is_visible
from experiments.tools.records import commit
from linkage_rl.config.command import say
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import ConfigError
from linkage_rl.evaluation.answers import Answers, apply_threshold, best_threshold, calibrate

BOTH: Final = "all, one threshold"
"""Name of all lists together."""
SAMPLE: Final = "bundle of the sample"
"""Label of the run that learned on the sample."""
FEW_CLIENTS: Final = Claim(("list_300", "agent"), ("full", "agent"), 0.01)
"""A short list is enough."""
WITH_LABELS: Final = (
    *(Claim((f"labels_{count}", "agent"), ("full", "agent")) for count in (100, 300, 1_000)),
    *(
        Claim((f"adapted_to_{one}", "agent"), (theirs, "agent"))
        for one, other in (("payees", "moves"), ("moves", "payees"))
        for theirs in (f"labels_of_{other}", "full")
    ),
)
"""Labels on top, and labels of another list with this one unlabelled, are better than either."""
RESULTS: Final = Path(__file__).parent / "results" / "no_labels.md"


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    runs: Mapping[str, Sequence[Path]]
    """Label of a condition to its runs."""
    split: str
    sample_run: Path | None
    peers: Path | None
    """Folder of `<list>/<peer>/<split>.npz`."""
    systems: Sequence[str]
    kept: Path
    output: Path


def main() -> None:
    """Judge the runs, write the page, and print it."""
    asked = _asked()
    trials: list[Trial] = []
    recalls: dict[str, tuple[float, float]] = {}
    for label, folders in asked.runs.items():
        for folder in folders:
            run = open_run(folder, asked.split, asked.kept)
            trials += trials_of(run, label, asked.systems)
            recalls |= candidate_recalls(run)
    if asked.sample_run:
        first = settings_of(next(iter(asked.runs.values()))[0])
        run = open_run(asked.sample_run, asked.split, asked.kept, first.table)
        trials += trials_of(run, SAMPLE, ["agent"])
    if asked.peers:
        judged = {trial.list_name for trial in trials}
        peers = peer_trials(asked.peers, asked.split)
        trials += [trial for trial in peers if trial.list_name in judged]
    text = page(trials, claims_of(trials), recalls, asked.split, commit())
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(text, encoding="utf-8")
    say(text)


def _asked() -> Asked:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", help="FOLDER, or LABEL=FOLDER; patterns are allowed")
    parser.add_argument("--split", choices=["valid", "test"], default="valid")
    parser.add_argument("--sample-run", type=Path, help="a run that learned on the sample")
    parser.add_argument("--peers", type=Path, help="what experiments.peers.unlabelled wrote")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS)
    parser.add_argument("--kept", type=Path, default=Path("outputs/no_labels/answers"))
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    return Asked(**(vars(asked) | {"runs": labelled(asked.runs)}))


def labelled(words: Sequence[str]) -> dict[str, list[Path]]:
    """The finished runs by label; without one the name of the experiment is the label.

    Raises:
        ConfigError: A word names no finished run.
    """
    found: dict[str, list[Path]] = {}
    for word in words:
        label, given, pattern = word.rpartition("=")
        for folder in run_folders([pattern]):
            name = label if given else settings_of(folder).experiment
            found.setdefault(name, []).append(folder)
    return found


def trials_of(run: RunOnLists, label: str, systems: Sequence[str] = SYSTEMS) -> Iterator[Trial]:
    """The systems of a run on each list and on all of them, with the threshold of the run."""
    weights = run.settings.reward
    for system, drawn, real in run.answers(systems):
        goal = None if system == "rules" else "f1"
        if goal:
            drawn, real = calibrate(drawn, real)
        threshold = best_threshold(drawn, goal, weights)
        stated = apply_threshold(drawn, threshold, weights).metrics.f1
        for name, part in _parts(run.lists, real):
            own = None
            if goal and name in run.datasets:
                chooses = drawn.take(drawn.dataset == run.datasets.index(name))
                own = _f1(part, best_threshold(chooses, goal, weights), weights)
            yield Trial(
                label,
                name,
                system,
                run.settings.seed,
                apply_threshold(part, threshold, weights),
                best_f1=_f1(part, best_threshold(part, goal, weights), weights),
                own_threshold_f1=own,
                drawn_f1=stated,
            )


def _parts(lists: Sequence[str], answers: Answers) -> Iterator[tuple[str, Answers]]:
    """The answers about each list, then about all where there are several."""
    for place, name in enumerate(lists):
        yield name, answers.take(answers.dataset == place)
    if len(lists) > 1:
        yield BOTH, answers


def _f1(answers: Answers, threshold: float | None, weights: RewardWeights) -> float:
    return apply_threshold(answers, threshold, weights).metrics.f1


def candidate_recalls(run: RunOnLists) -> dict[str, tuple[float, float]]:
    """Of each list, the share of clients with a row whose company is proposed, and is in a slot."""
    cases, recalls = run.real, {}
    proposed = np.zeros(len(cases), dtype=np.bool_)
    proposed[cases.case_of_pair[cases.is_right]] = True
    visible = right_is_visible(cases, run.view)
    for place, name in enumerate(run.lists):
        rows = (cases.dataset == place) & np.array(cases.has_row)
        recalls[name] = float(proposed[rows].mean()), float(visible[rows].mean())
    return recalls


def peer_trials(folder: Path, split: str) -> Iterator[Trial]:
    """Other programs on the same lists, as `experiments.peers.unlabelled` left their answers.

    Each is judged at its own threshold, and at the one that is best for the valid *labels* of each
    list, which favours it: on valid this is the best that any threshold could reach.
    """
    weights = RewardWeights()
    lists = sorted({path.parents[1].name for path in folder.glob(f"*/*/{split}.npz")})
    peers = sorted({path.parent.name for path in folder.glob(f"*/*/{split}.npz")})
    for peer in peers:
        decided: dict[str, list[Answers]] = {}
        for name in lists:
            files = [folder / name / peer / f"{part}.npz" for part in (DRAWN, split)]
            if not all(file.exists() for file in files):
                continue
            chooses, reports = (Answers.load(file) for file in files)
            for system, threshold in (
                (f"{peer}, own threshold", None),
                (f"{peer}, threshold of valid labels", best_threshold(chooses, "f1", weights)),
            ):
                run = apply_threshold(reports, threshold, weights)
                decided.setdefault(system, []).append(run.answers)
                yield Trial("peers", name, system, 0, run)
        for system, parts in decided.items():
            if len(parts) == len(lists) > 1:
                run = apply_threshold(_joined(parts), None, weights)
                yield Trial("peers", BOTH, system, 0, run)


def _joined(parts: Sequence[Answers]) -> Answers:
    names = vars(parts[0])
    return Answers(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def claims_of(trials: Sequence[Trial]) -> list[Claim]:
    """The agent of the first label against its ranker, other systems, conditions and peers."""
    first = trials[0].label
    ours = (first, "agent")
    pairs = list(dict.fromkeys((trial.label, trial.system) for trial in trials))
    own_claims = {claim.ours[0] for claim in (FEW_CLIENTS, *WITH_LABELS)}
    others = [
        (label, system)
        for label, system in pairs
        if (label in (first, "peers") or system == "agent")
        and label not in own_claims
        and (label, system) not in (ours, (first, "ranker"), (first, "agent, list"))
    ]
    claims = [Claim(ours, (first, "ranker"), 0.005), *(Claim(ours, other) for other in others)]
    claims += [Claim((first, "agent, list"), ours), FEW_CLIENTS, *WITH_LABELS]
    return [claim for claim in claims if claim.ours in pairs and claim.theirs in pairs]


if __name__ == "__main__":
    try:
        main()
    except ConfigError as error:
        raise SystemExit(str(error)) from None
