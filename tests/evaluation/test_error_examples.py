"""Error examples: the most confident first, with the weights of their fields where wanted."""

import re

import numpy as np
import pytest

from linkage_rl.decision.decide import Decider, decide_cases
from linkage_rl.decision.prepare import prepare_cases
from linkage_rl.evaluation.answers import Answers
from linkage_rl.evaluation.error_examples import NO_WORDS, error_examples
from linkage_rl.evaluation.waterfall import waterfall_figure
from tests.cases_factory import two_clients
from tests.decision.test_decide import VIEW as TWO_SLOTS
from tests.decision.test_decide import Careful
from tests.decision.test_pool import BLOCKERS, VIEW
from tests.features.test_explanation import CLIENT, Linear
from tests.small_table import client_records, small_index


def test_a_wrong_link_has_the_weights_of_its_fields() -> None:
    cases = prepare_cases(small_index(), BLOCKERS, client_records(CLIENT, {}), ["", ""], limit=5)
    every = tuple(range(len(BLOCKERS)))
    decider = Decider(Linear({"block_equal": 3, "postal_equal": 1}, {}), VIEW, plan=every)
    answers = Answers.of(decide_cases(decider, cases), cases)

    (example,) = error_examples(answers, cases, np.arange(2), 5, decider)
    (plain,) = error_examples(answers, cases, np.arange(2), 5)

    assert example.outcome == "link without a row"
    assert dict(example.weights)["address"] > dict(example.weights)["postal_code"] > 0
    assert "phone" not in dict(example.weights), "a field without weight is left out"
    assert plain.weights == ()


def test_cases_of_other_features_say_that_there_are_no_words_for_them() -> None:
    cases, decider = two_clients(), Decider(Careful(), TWO_SLOTS)
    answers = Answers.of(decide_cases(decider, cases), cases)

    examples = error_examples(answers, cases, np.arange(2), 5, decider)

    assert [example.company for example in examples] == ["company acme", "company zeta"]
    assert {example.reason for example in examples} == {NO_WORDS}
    assert {example.weights for example in examples} == {()}


def test_a_waterfall_ends_at_the_log_odds_of_the_candidate() -> None:
    svg = waterfall_figure(2.0, [("name", 3.0), ("phone", -0.5)])

    texts = re.findall(r">([^<>]+)</text>", svg)
    assert [text for text in texts if text in ("without fields", "phone", "name")] == [
        "without fields",
        "phone",
        "name",
    ]
    assert "log-odds of the candidate: +2.00" in texts
    # from 0 up by -0.5, and by 3.0 from there: 2.0 is where the last bar ends
    bars = re.findall(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)"', svg)
    (line,) = re.findall(r'<line x1="([\d.]+)"', svg)
    left, width = map(float, bars[-1])
    assert left + width == pytest.approx(float(line), abs=0.11)
    assert width == pytest.approx(6 * float(bars[1][1]), abs=0.5)


@pytest.mark.parametrize("weights", [[], [("name", 0.0)]])
def test_a_waterfall_without_weights_is_drawn(weights: list[tuple[str, float]]) -> None:
    assert waterfall_figure(-1.0, weights).startswith("<svg")


def test_a_name_of_a_field_is_text() -> None:
    assert "&lt;b&gt;&amp;" in waterfall_figure(1.0, [("<b>&", 1.0)])
