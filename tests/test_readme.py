"""What the README shows runs as it stands there."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_environment_example_runs_and_shows_a_decision(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (example,) = blocks("python")

    exec(compile(example, "README.md", "exec"), {})

    printed = capsys.readouterr().out
    assert printed.startswith("client ")
    assert "action " in printed


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text(encoding="utf-8")

    used = set(re.findall(r"^make ([a-z-]+)", "\n".join(blocks("bash")), flags=re.MULTILINE))

    assert used == {"train", "test", "link", "image", "serve", "experiment"}
    for target in used:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_every_command_of_the_readme_is_a_module() -> None:
    used = set(re.findall(r"python -m linkage_rl\.([a-z]+)", README))

    assert used == {"companies", "link", "evaluate", "train", "export"}
    for name in used:
        assert (Path(__file__).parent.parent / "linkage_rl" / f"{name}.py").is_file()


def test_the_example_has_ten_lines() -> None:
    (example,) = blocks("python")

    assert len(example.strip().splitlines()) <= 10
