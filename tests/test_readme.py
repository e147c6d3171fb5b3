"""The README is short, and its rows are what the commands in it give."""

import csv
import re

import pytest

from tests.docs_runner import ROOT, blocks_of, rows_between

READMES = ("README.md", "README.ja.md")
MAX_LINES, MAX_WORDS, MAX_ROWS = 120, 900, 8


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", READMES)
class TestEveryReadme:
    def test_is_read_in_a_few_minutes(self, name: str) -> None:
        text = text_of(name)

        assert len(text.splitlines()) <= MAX_LINES
        assert len(text.split()) <= MAX_WORDS

    def test_shows_one_figure_that_is_kept(self, name: str) -> None:
        (figure,) = re.findall(r"!\[.*?\]\((.*?)\)", text_of(name))

        assert (ROOT / figure).is_file()

    def test_compares_with_few_systems(self, name: str) -> None:
        (table,) = re.findall(r"<!-- from .*? -->\n((?:\|.*\n)+)", text_of(name))

        assert len(table.splitlines()) - 2 <= MAX_ROWS

    def test_the_examples_have_ten_lines(self, name: str) -> None:
        for block in blocks_of(text_of(name)):
            if block.language == "python":
                assert len(block.text.strip().splitlines()) <= 10

    def test_every_link_leads_to_a_file(self, name: str) -> None:
        for link in re.findall(r"\]\(([^)#]+)", text_of(name)):
            assert (ROOT / link).is_file(), link


def test_both_readmes_show_the_same_commands_rows_and_figures() -> None:
    english, japanese = map(text_of, READMES)

    def shown(text: str) -> list[str]:
        code = [
            re.sub(r" *#.*|\s+$", "", block.text, flags=re.MULTILINE) for block in blocks_of(text)
        ]
        return [*code, *(line for line in text.splitlines() if line.startswith("|"))]

    assert shown(english) == shown(japanese)


def test_the_messy_rows_are_those_of_the_example_list() -> None:
    header, *rows = rows_between(text_of("README.md"), "rows in", "end of rows")

    with (ROOT / "docs" / "examples" / "clients.csv").open(encoding="utf-8") as stream:
        listed = list(csv.DictReader(stream))
    assert rows == [[one[name] for name in header] for one in listed[: len(rows)]]


def test_the_environment_example_runs_and_shows_a_decision(
    capsys: pytest.CaptureFixture[str],
) -> None:
    *_, example = (one for one in blocks_of(text_of("README.md")) if one.language == "python")

    exec(compile(example.text, "README.md", "exec"), {})

    printed = capsys.readouterr().out
    assert "client" in printed
    assert "action" in printed
