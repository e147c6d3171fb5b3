"""A whole circle with containers: a list without labels, the page, `learn`, and the running server.

The commands run on the user's machine; page and server are containers that see its folder.
"""

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

import pytest

from linkage_rl.decision_log.schema import METADATA
from linkage_rl.decision_log.store import DecisionLog
from tests.circle import (
    SAMPLE,
    TAUGHT,
    command_in,
    link_without_labels,
    teach_until_promoted,
    value_of,
    write_shop,
)
from tests.commands.conftest import run  # noqa: F401 - fixture
from tests.commands.shop import Run
from tests.commands.test_own_bundle import TINY
from tests.image.callers import send
from tests.image.containers import Container, program, run_container
from tests.knowing_reviewer import KnowingReviewer
from tests.moving_companies import MessyList, f1, messy_list

pytestmark = pytest.mark.image

TOKEN = "a-token-of-sixteen"
FOLDER = "/opt/ml/model"
"""Where the containers see the folder of the user."""


@pytest.fixture(scope="session")
def serving_image(image: str) -> str:
    """The image; the engine is found before a test changes the working folder."""
    program()
    return image


@pytest.fixture
def log_url(postgres_server: str) -> Iterator[str]:
    """A database without a log, before and after."""
    yield postgres_server
    with DecisionLog.open(postgres_server) as log:
        METADATA.drop_all(log.engine)


def load(server: Container, name: str, bundle: str) -> None:
    """Load a bundle of the user's folder into the running server."""
    answer = send(server.url, "/models", {"model_name": name, "url": f"{FOLDER}/{bundle}"})
    assert answer.status == 200, answer.body


def companies_of(server: Container, name: str, clients: MessyList) -> Mapping[str, str]:
    """The company that a loaded bundle finds for each client, '' for none."""
    body = {"mode": "bulk_linkage", "clients": list(clients.clients)}
    answer = send(server.url, f"/models/{name}/invoke", body)
    assert answer.status == 200, answer.body
    return {one["client_id"]: one["company_id"] or "" for one in answer.json["results"]}


def test_what_people_answer_makes_the_running_server_better(
    serving_image: str,
    run: Run,  # noqa: F811 - the fixture
    log_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The real training, in tiny sizes, of a list whose clients are not linked once they moved."""
    # the user of the image enters it
    tmp_path.chmod(0o755)
    module = import_module("linkage_rl.config.own_bundle")
    words = module.own_words
    monkeypatch.setattr(module, "own_words", lambda settings: [*words(settings), *TINY])
    clients, held_out = write_shop(tmp_path), messy_list(SAMPLE, "test")
    linked = link_without_labels(run, log_url)
    # the printed command has no password
    learn = [
        f"log={log_url}" if word.startswith("log=") else word
        for word in command_in(linked.out, "learn")
    ]
    bundle = value_of(learn, "bundle")

    with run_container(serving_image, tmp_path, SAGEMAKER_MULTI_MODEL="true") as server:
        load(server, "before", bundle)
        before = companies_of(server, "before", held_out)
        with (
            run_container(
                serving_image,
                tmp_path / bundle,
                command="review",
                LINKAGE_LOG_URL=log_url,
                LINKAGE_REVIEW_TOKEN=TOKEN,
            ) as page,
            KnowingReviewer(page.url, TOKEN, clients.truth) as reviewer,
        ):
            clicks = teach_until_promoted(run, learn, reviewer)
        load(server, "learned", "learned/bundle")
        after = companies_of(server, "learned", held_out)
        marks = [
            json.loads(send(server.url, f"/models/{name}/invoke", {"mode": "info"}).body)["info"]
            for name in ("before", "learned")
        ]

    assert clicks > TAUGHT
    assert marks[0] != marks[1]
    assert f1(held_out.truth, after) > f1(held_out.truth, before) + 0.02
