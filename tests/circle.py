"""The steps of a whole circle, as a user takes them: link, judge, learn, judge, learn.

Each step runs the command that the one before has printed.
"""

import re
from pathlib import Path
from typing import Final

from tests.commands.shop import Ended, Run
from tests.knowing_reviewer import KnowingReviewer
from tests.moving_companies import MessyList, messy_list, sample, write_companies

SAMPLE: Final = sample(companies=2_500, clients=1_600)
TAUGHT: Final = 35
"""Answers from which the bundle learns."""
MOST: Final = 200
"""Answers about the two bundles, at most; the queue is drawn anew in each run, mostly 15 do."""
AT_ONCE: Final = 5
"""Answers between two looks at the gate."""


def write_shop(folder: Path) -> MessyList:
    """Write the files of a user, a table and a list without labels; gives the list."""
    write_companies(SAMPLE, folder / "companies.csv")
    clients = messy_list(SAMPLE, "train")
    clients.write(folder / "list.csv")
    return clients


def link_without_labels(run: Run, log: str) -> Ended:
    """Load the table and link the list with a bundle of its own; logs the decisions."""
    loaded = run("companies", "source=companies.csv", "database=companies.db")
    assert loaded.code == 0, loaded.err
    words = ("clients=list.csv", "database=companies.db", "output=linked.csv")
    ended = run("link", *words, f"log={log}")
    assert ended.code == 0, ended.err
    return ended


def command_in(text: str, name: str) -> list[str]:
    """The arguments of a command that another command tells the user to run."""
    found = re.search(rf"linkage-rl {name} (.*)", text)
    assert found, text
    return found[1].split()


def value_of(words: list[str], name: str) -> str:
    """The value of one of these arguments."""
    return dict(word.split("=", 1) for word in words)[name]


def teach_until_promoted(run: Run, learn: list[str], reviewer: KnowingReviewer) -> int:
    """Answer and learn until the new bundle is promoted; gives the number of answers."""
    clicks = reviewer.answer(reviewer.new_queue("stratified", TAUGHT), TAUGHT)
    ended = run("learn", *learn)
    while not ended.out.startswith("promoted"):
        assert ended.code == 0, ended.err
        assert clicks < TAUGHT + MOST, (
            f"not promoted after {clicks} answers: {ended.out}{ended.err}"
        )
        queue = value_of(command_in(ended.out, "review"), "queue")
        clicks += reviewer.answer(f"/queues/{queue}", AT_ONCE)
        ended = run("learn", *learn)
    return clicks
