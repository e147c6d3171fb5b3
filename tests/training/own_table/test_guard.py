"""Which system is shipped, and what is said of drawn clients."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from linkage_rl.agents.baselines import Rules, TopOne
from linkage_rl.candidates.strings import StringColumn
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, Thresholds
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.evaluation.answers import Answers, ThresholdedAnswers, apply_threshold
from linkage_rl.evaluation.comparison import ALL, Comparison, System, Trial
from linkage_rl.features.matrix import PAIR_FEATURES
from linkage_rl.records import DecisionKind
from linkage_rl.training.own_table.drawn import DrawnDataset
from linkage_rl.training.own_table.guard import shipped_system
from linkage_rl.training.own_table.statement import (
    ListFacts,
    linked_clients,
    statement_of,
    unlike_warning,
    unnamed_share,
)
from linkage_rl.training.rankers import DRAWN_ONLY, LABELS_ONLY, what_each_brought
from linkage_rl.training.shipping import chosen_system
from tests.cases_factory import DRAWN_VIEW, Candidate, Client, synthetic_cases, typed_cases

CLIENTS = 100
WEIGHTS = RewardWeights()
LIKE = ListFacts("/lists/new.csv", clients=1000, linked=550, unnamed_share=0.1, unseen_share=0.02)
CASES = synthetic_cases(2 * CLIENTS, np.random.default_rng(0))
DECIDER = Decider(TopOne(), DRAWN_VIEW, Calibration.identity(), Thresholds(0.5), plan=(0, 1, 2))


def answers(right: int, wrong: int, dataset: int = 0, ran: int = 0b111) -> Answers:
    """About 100 clients that all have a row: these many linked rightly and wrongly, others not."""
    linked = np.arange(CLIENTS) < right + wrong
    return Answers(
        kind=np.where(linked, DecisionKind.LINK, DecisionKind.NO_MATCH).astype(np.int8),
        has_candidate=linked,
        pair=np.where(linked, 0, -1).astype(np.int64),
        confidence=np.where(linked, 0.9, 0.0).astype(np.float32),
        tied=np.ones(CLIENTS, dtype=np.int16),
        right=np.arange(CLIENTS) < right,
        has_row=np.ones(CLIENTS, dtype=np.bool_),
        ran=np.full(CLIENTS, ran, dtype=np.uint16),
        cost=np.full(CLIENTS, 0.01 * ran.bit_count(), dtype=np.float32),
        dataset=np.full(CLIENTS, dataset, dtype=np.int16),
    )


def joined(*parts: Answers) -> Answers:
    arrays = [vars(part) for part in parts]
    return Answers(**{name: np.concatenate([one[name] for one in arrays]) for name in arrays[0]})


def trial(*parts: Answers) -> Trial:
    judged: ThresholdedAnswers = apply_threshold(joined(*parts), None, WEIGHTS)
    return Trial(DECIDER, judged, judged)


def comparison(systems: Mapping[str, tuple[Answers, ...]]) -> Comparison:
    """Datasets `labelled` and `own` where a system has two answers, else `own` alone."""
    names = ("labelled", "own")[-len(next(iter(systems.values()))) :]
    lists = {
        dataset: {name: trial(parts[place]) for name, parts in systems.items()}
        for place, dataset in enumerate(names)
    }
    place = np.repeat(np.arange(len(names)), CLIENTS)
    cases = replace(CASES.take(np.arange(len(place))), dataset=place.astype(np.int16))
    return Comparison(lists, {name: trial(*parts) for name, parts in systems.items()}, cases)


def shipped(goal: str = "f1", **systems: Answers) -> str:
    given = {name.replace("_", " "): (one,) for name, one in systems.items()}
    return shipped_system(comparison(given), ["own"], goal, with_list_stage=False).system


class TestGuard:
    def test_the_agent_is_shipped_where_it_wins(self) -> None:
        assert shipped(agent=answers(80, 5), static_plan=answers(80, 6), rules=answers(70, 2)) == (
            "agent"
        )

    def test_the_rules_are_shipped_where_they_win(self) -> None:
        won = shipped(agent=answers(80, 5), static_plan=answers(80, 5), rules=answers(81, 4))
        assert won == "rules"

    def test_a_tie_is_the_agents(self) -> None:
        assert shipped(agent=answers(80, 5), static_plan=answers(80, 5), rules=answers(80, 5)) == (
            "agent"
        )

    def test_a_static_plan_must_win_by_more_than_chance(self) -> None:
        weak = answers(80, 5)
        assert shipped(agent=weak, static_plan=answers(81, 5), rules=answers(50, 1)) == "agent"
        assert shipped(agent=weak, static_plan=answers(95, 5), rules=answers(50, 1)) == (
            "static plan"
        )

    def test_a_static_plan_that_earns_less_reward_is_not_shipped(self) -> None:
        # F1 of 150/160 against 140/170, but dear blockers
        plan = replace(answers(95, 5), cost=np.full(CLIENTS, 0.9, dtype=np.float32))
        assert shipped(agent=answers(80, 5), static_plan=plan, rules=answers(50, 1)) == "agent"

    def test_for_a_precision_the_most_links_that_reach_it_win(self) -> None:
        systems = {
            "agent": answers(49, 1),
            "static_plan": answers(49, 1),
            "rules": answers(80, 10),
        }
        assert shipped("precision:0.98", **systems) == "agent"
        assert shipped("precision:0.85", **systems) == "rules"

    def test_only_drawn_clients_count(self) -> None:
        systems = {
            "agent": (answers(20, 5), answers(80, 5, dataset=1)),
            "static plan": (answers(20, 5), answers(80, 5, dataset=1)),
            "rules": (answers(90, 5), answers(70, 5, dataset=1)),
        }
        verdict = shipped_system(comparison(systems), ["own"], "f1", with_list_stage=False)

        assert verdict.system == "agent"
        assert verdict.figures["agent"]["f1"] == pytest.approx(160 / 185)
        assert verdict.sentence == (
            "Shipped: agent. F1 on the drawn validation clients: "
            "agent 0.865, static plan 0.865, rules 0.800"
        )

    def test_the_list_stage_belongs_to_the_agent(self) -> None:
        systems = {
            "agent": (answers(70, 5),),
            "agent, list": (answers(80, 5),),
            "static plan": (answers(70, 5),),
            "rules": (answers(75, 5),),
        }
        with_stage = shipped_system(comparison(systems), ["own"], "f1", with_list_stage=True)
        without = shipped_system(comparison(systems), ["own"], "f1", with_list_stage=False)

        assert (with_stage.system, with_stage.policy) == ("agent, list", "agent")
        assert without.system == "rules"


def test_links_are_counted_without_a_truth() -> None:
    listed = unlabelled(CASES)
    system = System("top-1", TopOne(), (0, 1, 2))
    found = int((np.diff(CASES.starts) > 0).sum())

    assert linked_clients(system, replace(DECIDER, thresholds=None), listed) == found
    assert linked_clients(system, replace(DECIDER, thresholds=Thresholds(2.0)), listed) == 0


def unlabelled(cases: CaseSet) -> CaseSet:
    return replace(
        cases,
        is_right=np.zeros(cases.pairs, dtype=np.bool_),
        has_row=np.zeros(len(cases), dtype=np.bool_),
        truth=StringColumn.from_texts([""] * len(cases)),
    )


def test_a_client_without_a_company_of_such_a_name_is_counted() -> None:
    # the only feature of typed cases, core_ratio, is the retrieval score
    cases = typed_cases(
        [
            Client([Candidate("a", 1, 0.9), Candidate("b", 1, 0.2)]),
            Client([Candidate("a", 1, 0.79), Candidate("b", 1, 0.78)]),
            Client([]),
            Client([Candidate("a", 1, 0.81)]),
        ]
    )
    assert unnamed_share(cases) == 0.5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"linked": 40}, "4.0% of its 1,000 clients are linked, 60.0% of those drawn"),
        ({"linked": 290}, "29.0% of its 1,000 clients are linked, 60.0% of those drawn"),
        ({"unnamed_share": 0.7}, "for 70.0% no company has a name that resembles theirs"),
        ({"unseen_share": 0.5}, "50.0% are unlike any client that was drawn"),
    ],
)
def test_a_list_unlike_the_table_gives_one_sentence(
    changes: Mapping[str, float], words: str
) -> None:
    warning = unlike_warning(replace(LIKE, **changes), 0.6)  # type: ignore[arg-type]

    assert warning.startswith("new.csv seems to have little to do with the table: ")
    assert words in warning
    assert warning.count("%") <= 2


def test_a_list_like_the_table_gives_none() -> None:
    assert unlike_warning(LIKE, 0.6) == ""
    assert unlike_warning(replace(LIKE, unseen_share=None), 0.6) == ""


def test_without_a_list_the_error_of_the_confidence_is_all_that_is_said() -> None:
    systems = {"agent": (answers(80, 5),)}

    said = statement_of(
        "own", DrawnDataset("", None, None), comparison(systems), System("agent", TopOne())
    )

    assert said.like is None
    assert said.warning == ""
    # 85 clients at 0.9, of whom 80 are right, and 15 at 0
    assert said.calibration_error == pytest.approx(0.85 * abs(0.9 - 80 / 85), abs=1e-6)
    assert len(said.sentences()) == 2
    assert said.as_json()["synthetic"] is True


def test_tables_and_metrics_say_what_the_figures_are_of() -> None:
    systems = {
        name: (answers(60, 5), answers(80 if name == "rules" else 60, 5, dataset=1))
        for name in ("rules", "ranker", LABELS_ONLY, DRAWN_ONLY, "static plan", "agent")
    }
    compared = comparison(systems)
    drawn = {"own": DrawnDataset("/lists/new.csv", unlabelled(CASES), 0.04)}
    known = [System("rules", Rules(CASES, DRAWN_VIEW), (0, 1, 2)), System("agent", TopOne())]

    chosen, noted = chosen_system(compared, known, drawn, "f1", None)

    assert chosen.policy == "rules"
    labelled, own, everything = noted.tables().split("\n\n")
    assert "Synthetic" not in labelled
    assert "Synthetic clients, drawn from the table: no estimate of F1 on a list" in own
    assert "new.csv: " in own
    assert f"own: {noted.notes['own'][0]}" in everything
    assert all(what_each_brought(noted, name) in noted.notes[name] for name in noted.trials)
    assert noted.notes[ALL][-1].startswith("Shipped: rules. F1 on the drawn validation clients")
    features = np.zeros((noted.cases.pairs, len(PAIR_FEATURES)), dtype=np.float32)
    described = replace(noted.cases, feature_names=PAIR_FEATURES, features=features)
    page = replace(noted, cases=described).report("own", "", 0)
    assert page.notes[1:] == noted.notes["own"]
    written = chosen.as_json()
    assert written["shipped"]["system"] == "rules"
    assert written["drawn"]["own"]["like"]["clients"] == len(CASES)
    assert written["drawn"]["own"]["like"]["unseen_share"] == 0.04


def test_without_drawn_clients_nothing_changes() -> None:
    compared = comparison({"agent": (answers(10, 5),), "rules": (answers(90, 5),)})

    chosen, same = chosen_system(compared, [], {}, "f1", None)

    assert (chosen.policy, chosen.as_json()) == ("agent", {})
    assert same is compared
