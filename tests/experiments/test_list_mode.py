"""Training runs side by side, client by client and list by list."""

from typing import Any

from experiments.suite.list_mode import FIGURES, table


def run(f1: float, list_f1: float | None) -> dict[str, Any]:
    def figures(value: float) -> dict[str, dict[str, float]]:
        return {"test": dict.fromkeys(FIGURES, value)}

    with_list = {} if list_f1 is None else {"agent, list": figures(list_f1)}
    return {"agent": figures(f1)} | with_list


def test_each_system_has_the_mean_of_its_runs() -> None:
    lines = table([run(0.8, 0.9), run(0.7, 0.8)], "test").split("\n")

    assert lines[2].startswith("| agent | 2 | 0.7000 to 0.8000 | 0.7500 |")
    assert lines[3].startswith("| agent, list | 2 | 0.8000 to 0.9000 | 0.8500 |")


def test_a_run_that_left_the_list_stage_out_is_not_counted() -> None:
    lines = table([run(0.8, 0.9), run(0.7, None)], "test").split("\n")

    assert lines[3].startswith("| agent, list | 1 | 0.9000 to 0.9000 | 0.9000 |")
