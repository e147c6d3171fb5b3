"""Aligned text and Markdown tables."""

from linkage_rl.evaluation.tables import markdown_table, text_table


def test_named_columns_are_aligned_left_and_the_others_right() -> None:
    table = text_table([["system", "seeds", "list"], ["rules", "10", "sample"]], left=(0, 2))

    assert table.splitlines() == ["system  seeds  list", "rules      10  sample"]


def test_wide_characters_count_twice_so_that_a_terminal_shows_straight_columns() -> None:
    table = text_table([["list", "F1"], ["名簿", "0.9"], ["abcd", "0.8"]])

    assert table.splitlines() == ["list   F1", "名簿  0.9", "abcd  0.8"]


def test_a_pipe_inside_a_cell_does_not_end_it() -> None:
    assert markdown_table([["claim"], ["a | b"]]).splitlines()[-1] == r"| a \| b |"


def test_a_heading_without_rows_is_a_table() -> None:
    assert text_table([["system", "F1"]]) == "system  F1"
    assert markdown_table([["system", "F1"]]) == "| system | F1 |\n| --- | --- |"
