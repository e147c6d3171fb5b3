"""The figures of a suite: which panels there are."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.suite.pictures import Picture, pictures
from experiments.suite.summary import group_results, row_of
from tests.experiments.made_up import answers, judged_cell, with_result


def drawn(tmp_path: Path) -> dict[str, Picture]:
    """Two lists of the condition 'both', and six conditions of one list; only 'both' learned."""
    cell = judged_cell("both", "ppo", 1, "rrrrrrrrr-")
    both = answers("rrrrrrrrr-")
    both = replace(both, dataset=np.arange(len(both.dataset), dtype=np.int16) % 2)
    np.savez(tmp_path / "evaluations.npz", timesteps=[0, 100], results=[[0.1], [0.2]])
    datasets = {"datasets": ("moves", "payees")}
    cells = [with_result(cell, datasets, folder=tmp_path, valid=both, test=both)]
    cells += [judged_cell(f"c{number}", "ppo", 1, "rrrrrrrr--") for number in range(6)]
    groups, _ = group_results(cells)
    rows = [row_of(group, 20) for group in groups]
    return {one.name: one for one in pictures(groups, rows, [tmp_path])}


def titles(picture: Picture) -> list[str]:
    return [axes.get_title() for axes in picture.figure.axes]


def test_an_agent_that_learned_from_two_lists_has_one_learning_curve(tmp_path: Path) -> None:
    assert titles(drawn(tmp_path)["learning"]) == ["both"]


def test_every_list_has_a_panel_and_many_panels_take_several_rows(tmp_path: Path) -> None:
    picture = drawn(tmp_path)["risk_coverage"]

    assert titles(picture) == ["both: moves", "both: payees", *(f"c{n}" for n in range(6))]
    tops = {axes.get_subplotspec().rowspan.start for axes in picture.figure.axes}  # type: ignore[union-attr]
    assert tops == {0, 1}
