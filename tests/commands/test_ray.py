"""Work on a Ray cluster of this machine; slow, since a cluster takes its time to start."""

import importlib
import importlib.util
import json
import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread

import pytest

from linkage_rl.config.launchers import LauncherSettings, ray_module
from linkage_rl.errors import InputFileError, LinkageError
from tests.commands.list_shop import long_list
from tests.commands.shop import CLIENTS, Run, write_csv
from tests.commands.test_link import finished, start
from tests.commands.test_train import TINY

pytestmark = [
    pytest.mark.extras,
    # Ray leaves sockets and files of its processes to the collector
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

WORKERS = 2


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """A cluster of this machine with as many processors as there are workers."""
    if importlib.util.find_spec("ray") is None:
        pytest.fail("Ray is not installed: make setup-extras", pytrace=False)
    ray = importlib.import_module("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(address="local", num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def actors() -> set[int]:
    """Processes that link for this one's cluster."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes()
            raylet = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            owner = int(Path(f"/proc/{raylet}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if b"_Worker" in name and owner == os.getpid():
            found.add(int(folder.name))
    return found


def many_clients(folder: Path, count: int) -> None:
    """The clients of the shop over and over."""
    rows = [(f"k{place}", *CLIENTS[1 + place % 4][1:]) for place in range(count)]
    write_csv(folder / "many.csv", [CLIENTS[0], *rows])


def in_order(act: object, items: object) -> Iterator[object]:
    results: Iterator[object] = ray_module("linkage_rl.config.on_ray").in_order(
        act, items, WORKERS, LauncherSettings("ray", retries=1)
    )
    return results


def test_actors_of_a_cluster_write_the_same_file_as_one_process(
    run: Run, files: Path, bundle: Path
) -> None:
    many_clients(files, 600)
    run("companies", "source=companies.csv", "database=shop.db")
    words = (f"bundle={bundle}", "clients=many.csv", "database=shop.db")
    assert run("link", *words, "output=expected.csv").code == 0

    ended = run("link", *words, "output=ray.csv", "chunk=50", "launcher=ray", f"workers={WORKERS}")

    assert ended.code == 0, ended.err
    assert (files / "ray.csv").read_bytes() == (files / "expected.csv").read_bytes()


def test_a_list_that_is_decided_as_a_whole_is_the_same_on_a_cluster(
    run: Run, files: Path, list_bundle: Path
) -> None:
    long_list(files)
    words = (f"bundle={list_bundle}", "clients=many.csv")
    assert run("link", *words, "output=expected.csv").code == 0

    ended = run("link", *words, "output=ray.csv", "chunk=50", "launcher=ray", f"workers={WORKERS}")

    assert ended.code == 0, ended.err
    assert (files / "ray.csv").read_bytes() == (files / "expected.csv").read_bytes()


def test_what_a_killed_actor_had_in_hand_is_linked_once_by_its_successor(
    run: Run, files: Path, bundle: Path
) -> None:
    many_clients(files, 20_000)
    words = (f"bundle={bundle}", "clients=many.csv", "chunk=20")
    assert run("link", *words, "output=expected.csv").code == 0
    seen: dict[str, int] = {}

    def kill_one() -> None:
        while not seen and (files / "expected.csv").exists():
            if (done := finished(files)) >= 100 and (running := actors()):
                seen["done"], seen["actor"] = done, min(running)
                os.kill(seen["actor"], signal.SIGKILL)
            time.sleep(0.01)

    killer = Thread(target=kill_one, daemon=True)
    killer.start()
    ended = run("link", *words, "output=linked.csv", "launcher=ray", f"workers={WORKERS}")
    killer.join(timeout=10)

    assert ended.code == 0, ended.err
    assert 100 <= seen["done"] < 20_000
    assert (files / "linked.csv").read_bytes() == (files / "expected.csv").read_bytes()


def test_a_list_that_a_process_began_is_ended_by_a_cluster(
    run: Run, files: Path, bundle: Path
) -> None:
    many_clients(files, 600)
    words = (f"bundle={bundle}", "clients=many.csv", "chunk=10")
    assert run("link", *words, "output=expected.csv").code == 0
    process = start(files, bundle)
    while finished(files) < 100 and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.communicate()
    assert 100 <= finished(files) < 600

    ended = run("link", *words, "output=linked.csv", "launcher=ray", f"workers={WORKERS}")

    assert ended.code == 0, ended.err
    assert (files / "linked.csv").read_bytes() == (files / "expected.csv").read_bytes()


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(in_order(abs, partial(iter, [-3, 1, -2, 0]))) == [3, 1, 2, 0]


def faulty(item: int) -> int:
    if item == 2:
        raise InputFileError("row 2 is torn; write it again")
    return item


def torn() -> Iterator[int]:
    yield 1
    raise InputFileError("the file is torn; write it again")


def deadly(item: int) -> int:
    if item == 2:
        os._exit(9)
    return item


def test_a_fault_met_by_an_actor_is_raised_as_it_is() -> None:
    with pytest.raises(InputFileError, match="row 2 is torn; write it again"):
        list(in_order(faulty, partial(iter, [1, 2, 3])))


def test_a_fault_of_the_list_is_raised_as_it_is() -> None:
    with pytest.raises(InputFileError, match="the file is torn"):
        list(in_order(abs, torn))


def test_clients_that_kill_every_actor_end_with_one_sentence() -> None:
    with pytest.raises(LinkageError, match="workers were killed more than 1 times"):
        list(in_order(deadly, partial(iter, [1, 2, 3])))


def test_the_runs_of_a_sweep_go_side_by_side(run: Run, tmp_path: Path) -> None:
    ended = run("train", *TINY, "--multirun", "hydra/launcher=ray", "seed=1,2")

    assert ended.code == 0, ended.err
    lines = (tmp_path / "outputs" / "leaderboard.jsonl").read_text().splitlines()
    assert {json.loads(line)["seed"] for line in lines} == {1, 2}
