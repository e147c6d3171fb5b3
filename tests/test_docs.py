"""What README and docs show is run, or checked where a reader alone can run it."""

import csv
import hashlib
import importlib
import logging
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs_runner import (
    ROOT,
    Reader,
    RunCommand,
    blocks_of,
    cells_of,
    free_port,
    rows_between,
    statements,
)

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"))
)
RUN = ("bash", "python", "pycon", "diff")
"""Languages of blocks that a reader runs."""
CHECKABLE = re.compile(
    r"(linkage-rl|make|pip|python -m (linkage_rl|experiments|serving|examples))\b"
)
"""Statements whose settings, targets, extras and modules can be looked up."""
CODE = ("linkage_rl/**/*.py", "linkage_rl/**/*.pyx", "configs/**/*.yaml")
FAST = ("debug=fast", "training.total_timesteps=4096", "training.evaluations=1")
LONG_PAGES = ("add_blocker.md", "add_feature.md")
_checked: set[str] = set()
"""Commands that were composed for another page."""
QUIET = {
    "text",
    "sql",
    "yaml",
    "{toctree}",
    "{include}",
    "{http-reference}",
    "{eval-rst}",
    "{environment}",
    "{settings}",
}
"""Languages of blocks that are not run: output, pictures of the data path, parts of pages."""
FIGURES = re.compile(r"<!-- from (\S+) `(.+?)` -->\n((?:\|.*\n)+)")
"""Quoted rows: the kept file, the list in it, and the table."""
CLAIMED = re.compile(r"<!-- claims -->\n((?:\|.*\n)+)")
LISTS = {
    **{"sample": "sample", "fivefold": "fivefold", "moves": "real: moves"},
    **{"payees": "real: payees", "both lists, one threshold": "real: all lists, one threshold"},
}
"""Column of a table of claims to the list in the kept files."""


@pytest.fixture(scope="session")
def finished_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `linkage-rl train debug=fast` has run; kept while the code is the same."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in CODE for path in ROOT.glob(pattern)):
        digest.update(path.read_bytes())
    cache = getattr(request.config, "cache", None)
    kept = cache.mkdir("docs") if cache else tmp_path_factory.mktemp("docs")
    folder = Path(kept) / digest.hexdigest()[:16]
    if not (folder / "done").is_file():
        shutil.rmtree(kept)
        folder.mkdir(parents=True)
        command = [sys.executable, "-m", "linkage_rl.train", *FAST]
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True)
        (folder / "done").touch()
    return folder


@pytest.fixture
def desk(finished_run: Path, tmp_path: Path) -> Path:
    """A folder as a reader has it: the files of the tutorial, a finished run and its bundle."""
    for name in ("companies.csv", "clients.csv"):
        shutil.copy(ROOT / "docs" / "examples" / name, tmp_path)
    skipped = shutil.ignore_patterns("cache")
    shutil.copytree(finished_run / "outputs", tmp_path / "outputs", ignore=skipped)
    (bundle,) = tmp_path.glob("outputs/sample/ppo/*/bundle")
    shutil.copytree(bundle, tmp_path / "bundle")
    return tmp_path


@pytest.fixture
def run_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[RunCommand]:
    """Runs a command through its `main` in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    for name in ("DATABASE_URL", "DB_HOST", "DB_SECRET_ARN", "LINKAGE_RL_CACHE"):
        monkeypatch.delenv(name, raising=False)
    root, own = logging.getLogger(), logging.getLogger("linkage_rl")
    before = (list(root.handlers), root.level, own.level)

    def run(name: str, words: list[str]) -> str:
        monkeypatch.setattr(sys, "argv", [name, *words])
        code = 0
        try:
            importlib.import_module(f"linkage_rl.{name}").main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        for handler in set(root.handlers) - set(before[0]):
            handler.close()
        printed = capfd.readouterr()
        assert code == 0, f"{name} {' '.join(words)}\n{printed.err}"
        return printed.out

    yield run
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])


@pytest.fixture
def reader(desk: Path, run_command: RunCommand) -> Reader:
    """Someone who follows a page in a folder with the tutorial's files and its company table."""
    run_command("companies", ["source=companies.csv", "database=companies.db"])
    return Reader(desk, run_command)


@pytest.fixture(scope="session")
def server(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server with the bundle of the finished run."""
    (bundle,) = finished_run.glob("outputs/sample/ppo/*/bundle")
    port = free_port()
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LINKAGE_MODEL_DIR": str(bundle),
        "LINKAGE_MODEL_ROOT": str(tmp_path_factory.getbasetemp()),
        "LINKAGE_RUN_DIR": str(tmp_path_factory.mktemp("server")),
    }
    command = [sys.executable, "-m", "serving.worker", "--port", str(port)]
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(f"http://localhost:{port}/ping")
            yield f"localhost:{port}"
        finally:
            process.terminate()


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"no answer from {url}")


def has_code(page: str) -> bool:
    """Whether a page has a block that a reader would run."""
    blocks = blocks_of((ROOT / page).read_text(encoding="utf-8"))
    return any(block.language in RUN for block in blocks)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_can_be_composed(page: str, run_command: RunCommand) -> None:
    reader = Reader(Path.cwd(), run_command)

    for block in blocks_of((ROOT / page).read_text(encoding="utf-8")):
        assert block.language in (*RUN, *QUIET)
        for statement in statements(block.text) if block.language == "bash" else ():
            # own configurations and code exist only where the page is followed
            if CHECKABLE.match(statement) and "--config-dir" not in statement:
                command = statement.partition(" > ")[0]
                if command not in _checked:
                    reader.check(command)
                    _checked.add(command)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        # both train for minutes; an agent is added in the same way in half a minute
        pytest.param(page, marks=pytest.mark.extras if page.endswith(LONG_PAGES) else ())
        for page in PAGES
        if has_code(page)
    ],
)
def test_every_block_of_a_page_runs(
    page: str, reader: Reader, request: pytest.FixtureRequest
) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = blocks_of(text)
    if reader.server in text:
        reader.server = request.getfixturevalue("server")
    if any(block.language == "diff" for block in blocks):
        reader.isolated = True
        for name in ("linkage_rl", "configs", "tests", "setup.cfg", "pyproject.toml"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, reader.folder / name)

    for block in blocks:
        reader.follow(block)


@pytest.mark.slow
def test_the_linked_rows_of_the_readme_are_those_of_a_run(reader: Reader) -> None:
    words = ["clients=clients.csv", "output=linked.csv", "database=companies.db"]
    reader.run_command("link", ["bundle=bundle", *words])

    for name in ("README.md", "README.ja.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        header, *rows = rows_between(text, "rows out", "end of out")
        with (reader.folder / "linked.csv").open(encoding="utf-8") as stream:
            linked = list(csv.DictReader(stream))
        assert rows == [[row[column] for column in header] for row in linked[: len(rows)]]


@pytest.mark.parametrize(
    "page", ["README.md", "README.ja.md", "docs/results.md", "docs/howto/audit.md"]
)
def test_every_quoted_row_stands_in_a_kept_table(page: str) -> None:
    quoted = FIGURES.findall((ROOT / page).read_text(encoding="utf-8"))

    assert quoted
    for path, name, table in quoted:
        header, *rows = cells_of(table)
        kept = kept_rows(path, name)
        for row in rows:
            # the first column names the system, '-' leaves a figure out, intervals may be left out
            for column, cell in zip(header[1:], row[1:], strict=True):
                assert cell == "-" or kept[row[0]][column].partition(" [")[0] == cell, (row, column)


def kept_rows(path: str, name: str) -> dict[str, dict[str, str]]:
    """System to column and cell of one list in a kept result file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    found = re.search(rf"^`{re.escape(name)}`\n\n((?:\|.*\n)+)", text, flags=re.MULTILINE)
    assert found is not None, (path, name)
    header, *rows = cells_of(found[1])
    return {row[0]: dict(zip(header, row, strict=False)) for row in rows}


def test_every_claim_has_the_verdict_of_a_kept_table() -> None:
    (table,) = CLAIMED.findall((ROOT / "docs" / "results.md").read_text(encoding="utf-8"))
    header, *rows = cells_of(table)
    kept = kept_claims()

    for claim, *cells in rows:
        systems, _, metric = claim.rpartition(", ")
        for column, cell in zip(header[1:], cells, strict=True):
            key = (systems, LISTS[column], {"F1": "f1", "reward": "expected_reward"}[metric])
            if cell != "not run":
                assert kept[key] == cell.strip("*"), key


CLAIM = ("claim", "list", "metric", "ours", "theirs", "gap", "interval", "verdict")
"""Columns of the claims of a suite."""


def kept_claims() -> dict[tuple[str, str, str], str]:
    """(A > B, list, metric) to verdict and difference, from all kept files."""
    claims = {}
    for path in sorted((ROOT / "experiments" / "suite" / "results").glob("*.md")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.match(r"\| .+ > .+ \| .+ \| \w+ \|", line):
                (cells,) = cells_of(line)
                if len(cells) != len(CLAIM):
                    continue  # of a page that compares F1 alone
                systems, name, metric, _, _, gap, _, verdict = cells
                short = re.sub(r" (pipeline|[\d.]+)(?= >|$)", "", systems)
                claims[short, name, metric] = f"{verdict}, {gap.partition(' ')[0]}"
    return claims
