"""`learn`: from verdicts in a log to a bundle that people prefer, or the reason why not."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from linkage_rl.agents.policy_weights import PolicyWeights, read_weights, save_weights
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.bundle import Settings, golden_answers, load_bundle, read_settings, write_bundle
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Thresholds
from linkage_rl.decision.observation import SLOT_FEATURES
from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.rows import Answer, Selection, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import OutputError
from linkage_rl.exporting.onnx import export_policy
from linkage_rl.features.matrix import PAIR_FEATURES, QUERY_FEATURES
from linkage_rl.feedback import conventions
from linkage_rl.feedback.candidate_bundle import mark_of
from linkage_rl.feedback.gate import GateResult
from linkage_rl.records import RecordBatch
from tests.commands.shop import Run, write_csv

RIGHT = {"青空商事": "c1", "山田製作所": "c2", "はるか": "c3"}
"""Core of a name to its company; every other client has none."""
QUICK = ("learning.min_updates=40", "learning.max_updates=40", "learning.half_step=20")


def client_names(number: int) -> list[str]:
    """Names with a legal form that is left out or moved, two of five of companies unknown."""
    cores = [*RIGHT, "青空商会", "山田工業"]
    forms = ("株式会社{}", "{}㈱", "{}", "有限会社{}", "{} 本社")
    return [forms[place // 5 % 5].format(cores[place % 5]) for place in range(number)]


def truth_of(name: str) -> str:
    return next((company for core, company in RIGHT.items() if core in name), "")


@pytest.fixture(autouse=True)
def few_bold_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """How well conventions are found is shown in tests/feedback."""
    monkeypatch.setattr(conventions, "_BOLD_UPDATES", 40)


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Path:
    """A bundle whose policy runs every blocker and then links at random."""
    folder = tmp_path_factory.mktemp("learner")
    blockers = CandidateSettings().blockers()
    features = len(PAIR_FEATURES) + len(blockers) + len(SLOT_FEATURES)
    shape = ScorerConfig(features, len(QUERY_FEATURES), len(blockers))
    weights = PolicyWeights(
        CandidateScorer(shape, torch.Generator().manual_seed(3)), tuple(range(len(blockers)))
    )
    save_weights(weights, folder / "weights.npz")
    export_policy(weights.graph(), shape, folder / "policy.onnx")
    settings = Settings(blockers, 20, 5, False, Thresholds(0.3))
    parts = (folder / "policy.onnx", Calibration.identity(), settings)
    made = folder / "bundle"
    write_bundle(made, *parts, [], bundle / "index", None, folder / "weights.npz")
    golden = golden_answers(load_bundle(made), RecordBatch(["g1"], {"name": ["青空商事"]}))
    write_bundle(made, *parts, golden, bundle / "index", None, folder / "weights.npz")
    return made


def logged_list(run: Run, files: Path, learner: Path) -> None:
    """Link 200 clients with a log."""
    names = client_names(200)
    write_csv(files / "many.csv", [("client_id", "name"), *((n, n) for n in names_with_ids(names))])
    ended = run("link", f"bundle={learner}", "clients=many.csv", "output=o.csv", "log=log.db")
    assert ended.code == 0, ended.err


def names_with_ids(names: list[str]) -> list[str]:
    """The names, each made unique by trailing blanks."""
    return [f"{name}{' ' * (place // 25)}" for place, name in enumerate(names)]


def answer(log: DecisionLog, decision_ids: list[str]) -> list[Verdict]:
    """What a person who knows the truth says."""
    rows = log.find(decision_ids)
    truths = [truth_of(client_id) for client_id in rows.client_id]
    return [
        Verdict(one, Answer.COMPANY if truth else Answer.NONE, truth, "kim")
        for one, truth in zip(rows.decision_id, truths, strict=True)
    ]


def answer_gate(place: str, queue_id: str) -> None:
    """Answer 40 questions of a gate as a person who knows the truth."""
    with DecisionLog.open(place) as log:
        questions = Questions(log)
        for question in questions.take(queue_id, "kim", 40):
            (verdict,) = answer(log, [question.decision_id])
            questions.answer(question.question_id, verdict)


def all_ids(log: DecisionLog) -> list[str]:
    return [one for page in log.decisions(Selection()) for one in page.decision_id]


def accuracy(bundle: Path, names: list[str]) -> float:
    linked = load_bundle(bundle).link(RecordBatch(names, {"name": names}))
    return float(
        np.mean([one == truth_of(n) for one, n in zip(linked.company_ids, names, strict=True)])
    )


def test_verdicts_make_a_better_bundle_once_people_prefer_it(
    run: Run, files: Path, learner: Path
) -> None:
    logged_list(run, files, learner)
    words = (f"bundle={learner}", "log=log.db", "output=learned", *QUICK)
    with DecisionLog.open("log.db") as log:
        log.add_verdicts(answer(log, all_ids(log)[:100]))

    asked = run("learn", *words)

    assert asked.code == 0, asked.err
    assert "learned  100 verdicts" in asked.out
    state = json.loads(Path("learned/state.json").read_text())
    assert f"needs about {state['more_needed']} more: linkage-rl review" in asked.out
    assert f"queue={state['queue_id']}" in asked.out
    assert not Path("learned/bundle").exists()

    answer_gate("log.db", state["queue_id"])
    promoted = run("learn", *words)

    assert promoted.code == 0, promoted.err
    assert promoted.out.startswith("promoted learned/bundle: reward +")
    assert not Path("learned/candidate").exists()
    held_out = [f"{name}　" for name in client_names(50)]
    assert accuracy(Path("learned/bundle"), held_out) > accuracy(learner, held_out) + 0.2
    made = read_settings(Path("learned/bundle"))
    assert made.origin["learned_verdicts"] == "100"
    # the bundle that learned is still the start of the next round
    weights, start = read_weights(Path("learned/bundle")), read_weights(learner)
    assert weights is not None
    assert start is not None
    assert torch.equal(weights.origin.link.weight, start.scorer.link.weight)
    # the answers of the gate alone start no other round
    again = run("learn", *words)
    assert "verdicts none since then but answers of gates" in again.out
    # the next round must beat the promoted bundle, and its state says so
    with DecisionLog.open("log.db") as log:
        log.add_verdicts(answer(log, all_ids(log)[100:110]))
    following = run("learn", *words)
    assert following.code == 0, following.err
    state = json.loads(Path("learned/state.json").read_text())
    assert state["state"] in ("open", "kept")
    assert state["incumbent"] == mark_of(Path("learned/bundle")) != state["base"]
    # what is kept is the bundle in use
    assert ("kept     learned/bundle: " in following.out) == (state["state"] == "kept")
    # export packs it for deployment
    assert run("export", "run=learned", "output=packed/model").code == 0


def test_without_a_gate_it_is_promoted_at_once_and_said_again_later(
    run: Run, files: Path, learner: Path
) -> None:
    logged_list(run, files, learner)
    with DecisionLog.open("log.db") as log:
        log.add_verdicts(answer(log, all_ids(log)[:60]))
    words = (f"bundle={learner}", "log=log.db", "output=learned", "gate=none", *QUICK)

    first, again = run("learn", *words), run("learn", *words)

    assert "promoted learned/bundle: gate=none asks nobody" in first.out
    assert "verdicts none since then" in again.out
    assert read_settings(Path("learned/bundle")).thresholds != Thresholds(0.3)
    other = run("learn", *words, "customer=acme")
    assert other.code == 2
    assert "output=learned is of the bundle" in other.last
    assert run("learn", *words, "threshold=keep", "again=true").code == 0
    assert read_settings(Path("learned/bundle")).thresholds == Thresholds(0.3)


def test_a_bundle_without_weights_is_one_sentence(run: Run, files: Path, bundle: Path) -> None:
    ended = run("learn", f"bundle={bundle}", "log=log.db", "output=learned")

    assert ended.code == 1
    assert ended.last.startswith(
        f"error: expected a bundle with weights.npz to learn from, got {bundle}"
    )


def test_a_log_without_verdicts_is_one_sentence(run: Run, files: Path, learner: Path) -> None:
    logged_list(run, files, learner)

    ended = run("learn", f"bundle={learner}", "log=log.db", "output=learned")

    assert ended.code == 1
    assert "ask with linkage-rl review log=URL" in ended.last


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("output=o",), "learn needs bundle=, a bundle folder; see --help"),
        (("bundle=b", "output=o", "gate=dr"), "expected gate=audit or none, got 'dr'"),
        (
            ("bundle=b", "output=o", "learning.prior=-1"),
            "learning.prior must be at least 0, got -1",
        ),
        (("bundle=b", "output=o", "seed=-1"), "seed must be at least 0, got -1"),
    ],
)
def test_wrong_settings_are_refused(run: Run, words: tuple[str, ...], sentence: str) -> None:
    ended = run("learn", *words)

    assert ended.code == 2
    assert ended.last.startswith(f"error: {sentence}")


def test_a_folder_of_something_else_is_left_alone(run: Run, files: Path, learner: Path) -> None:
    (files / "mine").mkdir()
    (files / "mine" / "notes.txt").write_text("keep")

    ended = run("learn", f"bundle={learner}", "log=log.db", "output=mine")

    assert ended.code == 1
    assert "found 'notes.txt'; name another folder" in ended.last


def test_a_promotion_that_was_stopped_before_its_state_is_finished(
    run: Run, files: Path, learner: Path
) -> None:
    logged_list(run, files, learner)
    with DecisionLog.open("log.db") as log:
        log.add_verdicts(answer(log, all_ids(log)[:60]))
    words = (f"bundle={learner}", "log=log.db", "output=learned", *QUICK)
    assert run("learn", *words).code == 0
    state = json.loads(Path("learned/state.json").read_text())
    answer_gate("log.db", state["queue_id"])
    # what a process leaves that is killed after the bundle is in its place
    Path("learned/candidate").rename("learned/bundle")

    ended = run("learn", *words)

    assert ended.code == 0, ended.err
    assert ended.out.startswith("promoted learned/bundle: reward +")
    assert json.loads(Path("learned/state.json").read_text())["state"] == "promoted"
    assert accuracy(Path("learned/bundle"), client_names(25)) > 0.8


def test_a_queue_is_found_again_where_learn_was_stopped_after_it_was_made(
    run: Run, files: Path, learner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged_list(run, files, learner)
    with DecisionLog.open("log.db") as log:
        log.add_verdicts(answer(log, all_ids(log)[:60]))
    words = (f"bundle={learner}", "log=log.db", "output=learned", *QUICK)

    def stopped(*given: object) -> GateResult:
        raise OutputError("stopped")

    with monkeypatch.context() as patched:
        patched.setattr("linkage_rl.learn.tally", stopped)
        assert run("learn", *words).code == 1
    ended = run("learn", *words, "seed=2")

    with DecisionLog.open("log.db") as log:
        (queue,) = Questions(log).queues()
    assert ended.code == 0, ended.err
    assert "note     other seed than the open round has" in ended.out
    state = json.loads(Path("learned/state.json").read_text())
    assert (state["state"], state["queue_id"]) == ("open", queue.queue_id)
    # who says gate=none of an open round asks nobody any more
    at_once = run("learn", *words, "gate=none")
    assert "promoted learned/bundle: gate=none asks nobody" in at_once.out
    inside = run("learn", "bundle=learned/bundle", "log=log.db", "output=learned")
    assert "output=learned has the bundle that learns" in inside.last


def test_a_round_that_was_stopped_is_never_promoted_by_the_answers_of_an_earlier_gate(
    run: Run, files: Path, learner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged_list(run, files, learner)
    with DecisionLog.open("log.db") as log:
        log.add_verdicts(answer(log, all_ids(log)[:60]))
    words = (f"bundle={learner}", "log=log.db", "output=learned", *QUICK)
    assert run("learn", *words).code == 0
    first = json.loads(Path("learned/state.json").read_text())
    answer_gate("log.db", first["queue_id"])

    def stopped(*given: object) -> str:
        raise OutputError("stopped")

    with monkeypatch.context() as patched:
        patched.setattr("linkage_rl.learn.ask_about_differences", stopped)
        assert run("learn", *words, "again=true", "seed=2").code == 1
    assert mark_of(Path("learned/candidate")) != first["candidate"]
    ended = run("learn", *words)

    assert ended.code == 0, ended.err
    assert not Path("learned/bundle").exists()
    state = json.loads(Path("learned/state.json").read_text())
    assert (state["state"], state["answers"]) == ("open", 0)
    assert state["queue_id"] != first["queue_id"]

    # another bundle where the candidate was, whichever way the answers go
    shutil.rmtree("learned/candidate")
    shutil.copytree(learner, "learned/candidate")
    promoted = GateResult("promoted", 40, 0, 0.5, 0.1)
    monkeypatch.setattr("linkage_rl.learn.tally", lambda *_: promoted)
    refused = run("learn", *words)

    assert refused.code == 1
    assert f"error: expected the bundle {state['candidate']}, about which people" in refused.err
    assert not Path("learned/bundle").exists()
