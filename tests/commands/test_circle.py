"""The whole circle by commands and the page: link without labels, judge, learn, promote."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

from linkage_rl.bundle import load_bundle
from linkage_rl.records import RecordBatch
from tests.circle import (
    SAMPLE,
    TAUGHT,
    command_in,
    link_without_labels,
    teach_until_promoted,
    value_of,
    write_shop,
)
from tests.commands.shop import Run
from tests.commands.test_own_bundle import TINY
from tests.knowing_reviewer import KnowingReviewer
from tests.moving_companies import FIELDS, MessyList, f1, messy_list
from tests.serving.http_client import free_port

TOKEN = "a-token-of-sixteen"


@contextmanager
def review_page(words: Sequence[str]) -> Iterator[str]:
    """The address that the command prints while it serves the page."""
    command = [sys.executable, "-m", "linkage_rl.review", *words, f"port={free_port()}"]
    environ = os.environ | {"LINKAGE_REVIEW_TOKEN": TOKEN}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        try:
            yield re.findall(r"http://\S+", said)[0]
        finally:
            process.terminate()


def companies_of(bundle: Path, clients: MessyList) -> Mapping[str, str]:
    """The company of each client, '' for none."""
    ids = [one["client_id"] for one in clients.clients]
    records = RecordBatch(ids, {name: [one[name] for one in clients.clients] for name in FIELDS})
    return dict(zip(ids, load_bundle(bundle).link(records).company_ids, strict=True))


@pytest.mark.extras
def test_answers_teach_a_bundle_that_was_trained_without_labels(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real training, in tiny sizes, of a list whose clients are not linked once they moved."""
    module = import_module("linkage_rl.config.own_bundle")
    words = module.own_words
    monkeypatch.setattr(module, "own_words", lambda settings: [*words(settings), *TINY])
    clients, held_out = write_shop(tmp_path), messy_list(SAMPLE, "test")

    linked = link_without_labels(run, "decisions.db")
    learn = command_in(linked.out, "learn")
    with (
        review_page(command_in(linked.out, "review")) as url,
        KnowingReviewer(url, TOKEN, clients.truth) as reviewer,
    ):
        clicks = teach_until_promoted(run, learn, reviewer)

    before, after = (
        f1(held_out.truth, companies_of(bundle, held_out))
        for bundle in (Path(value_of(learn, "bundle")), Path("learned/bundle"))
    )
    assert clicks > TAUGHT
    assert after > before + 0.02
