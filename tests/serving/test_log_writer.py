"""Every decision that is to be logged is written, dropped for a reason, or waits."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, values

from linkage_rl.decision_log.linked import Facts, new_ids
from linkage_rl.decision_log.privacy import Privacy
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import DatabaseError
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.records import RecordBatch
from serving import log_process
from serving.attributes import NOBODY, Askers, Origin
from serving.log_metrics import LogMetrics
from serving.log_place import open_log
from serving.log_process import keep_tidy, serve
from serving.log_queue import BATCH, LogQueue
from serving.log_rows import LoggedDecisions, parcels
from serving.log_settings import LogSettings
from serving.log_sink import LogDownError, LogSink, RemoteSink
from serving.log_wire import decode, encode
from serving.log_writer import DecisionWriter
from serving.metrics import Metrics
from serving.models import ModelLibrary
from serving.run_folder import prepare
from serving.settings import METRICS_FOLDER, ServerSettings
from tests.serving.http_client import free_port

NOW = "2026-11-30T00:00:00.000Z"


@pytest.fixture(scope="module")
def answer(
    bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., LoggedDecisions]:
    """Makes an answer on so many clients."""
    model = ModelLibrary(tmp_path_factory.mktemp("models"), 64).load("shop", str(bundle))
    linker = model.linker_on(model.linker.index, model.linker.index, keeps_evidence=True)

    def make(
        clients: int, origin: Origin = NOBODY, evidence: float = 1, bundle_name: str = "shop"
    ) -> LoggedDecisions:
        records = RecordBatch([f"k{n}" for n in range(clients)], {"name": ["青空商事"] * clients})
        linked = replace(linker.link(records), decision_ids=new_ids(clients))
        facts = Facts.of(linker, "serve", bundle_name, "state", Privacy())
        askers: Askers = [(origin, clients)]
        return LoggedDecisions.of(linked, records, facts, askers, NOW, evidence)

    return make


@pytest.fixture
def metrics() -> LogMetrics:
    return LogMetrics(CollectorRegistry())


class Shelf:
    """A sink in memory that may be down."""

    def __init__(self) -> None:
        self.parcels: list[LoggedDecisions] = []
        self.down = threading.Event()
        self.refused = 0

    def write(self, parcel: LoggedDecisions) -> int:
        if self.down.is_set():
            raise LogDownError("the database does not answer")
        self.parcels.append(parcel)
        return self.refused

    def close(self) -> None:
        return

    @property
    def ids(self) -> list[str]:
        return [one for parcel in self.parcels for one in parcel.decision_ids]


def test_what_was_offered_is_written_before_the_writer_has_closed(
    answer: Callable[..., LoggedDecisions], metrics: LogMetrics
) -> None:
    shelf, answers = Shelf(), [answer(1), answer(3), answer(2 * BATCH + 1)]
    writer = DecisionWriter(shelf, metrics, limit=10_000)
    writer.start()

    for one in answers:
        writer.offer(one)
    writer.close(10)

    assert sorted(shelf.ids) == sorted(each for one in answers for each in one.decision_ids)
    assert max(map(len, shelf.parcels)) <= BATCH
    assert metrics.totals() == {"written": 2 * BATCH + 5, "dropped": 0, "waiting": 0}


def test_answers_are_taken_while_fewer_than_the_limit_wait(
    answer: Callable[..., LoggedDecisions], metrics: LogMetrics
) -> None:
    queue = LogQueue(metrics, limit=30)

    for _ in range(5):
        queue.offer(answer(20))

    # the third one finds 40 waiting
    assert metrics.totals() == {"written": 0, "dropped": 60, "waiting": 40}


def test_what_cannot_be_written_in_time_is_dropped_and_counted(
    answer: Callable[..., LoggedDecisions], metrics: LogMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf()
    shelf.down.set()
    writer = DecisionWriter(shelf, metrics, limit=30)
    writer.start()
    for _ in range(4):
        writer.offer(answer(20))

    begin = time.monotonic()
    writer.close(0.5)
    writer.offer(answer(1))

    assert time.monotonic() - begin < 5
    assert metrics.totals() == {"written": 0, "dropped": 81, "waiting": 0}
    said = [record.getMessage() for record in caplog.records]
    assert said[-1] == "the server stopped before it had logged 40 decisions"
    assert "cannot be written: the database does not answer" in said[0]


def test_a_sink_that_comes_back_gets_what_waited_in_its_order(
    answer: Callable[..., LoggedDecisions], metrics: LogMetrics
) -> None:
    shelf, answers = Shelf(), [answer(2) for _ in range(3)]
    shelf.down.set()
    writer = DecisionWriter(shelf, metrics, limit=100)
    writer.start()
    for one in answers:
        writer.offer(one)
    time.sleep(0.3)
    shelf.down.clear()
    writer.close(20)

    assert shelf.ids == [each for one in answers for each in one.decision_ids]
    assert metrics.totals()["written"] == 6


def test_a_sink_that_never_returns_does_not_keep_the_server_from_stopping(
    answer: Callable[..., LoggedDecisions], metrics: LogMetrics
) -> None:
    go_on = threading.Event()

    class Stuck(Shelf):
        def write(self, parcel: LoggedDecisions) -> int:
            go_on.wait()
            return super().write(parcel)

    writer = DecisionWriter(Stuck(), metrics, limit=100)
    writer.start()
    writer.offer(answer(2))
    writer.close(0.3)
    # its late success is counted no second time
    go_on.set()
    time.sleep(0.1)

    assert metrics.totals() == {"written": 0, "dropped": 2, "waiting": 0}


def test_small_answers_share_a_parcel_unless_their_bundles_differ(
    answer: Callable[..., LoggedDecisions],
) -> None:
    here, there = Origin("acme", "1"), Origin("acme", "2")
    answers = [answer(1, here), answer(2, bundle_name="other"), answer(3, there)]

    found = list(parcels(answers, BATCH))

    assert [(len(one), one.facts.bundle) for one in found] == [(4, "shop"), (2, "other")]
    assert found[0].decision_ids == [*answers[0].decision_ids, *answers[2].decision_ids]
    assert list(found[0].records.ids) == ["k0", "k0", "k1", "k2"]
    assert found[0].rows(Privacy(b"key")).list_id == ["1", "2", "2", "2"]


def test_each_client_of_a_shared_batch_keeps_its_list_and_nobody_who_has_gone_is_logged(
    answer: Callable[..., LoggedDecisions], metrics: LogMetrics
) -> None:
    made = answer(6)
    linked = replace(made.linked, decision_ids=made.decision_ids)
    askers: Askers = [
        *((Origin("acme", "1"), 1), (None, 2)),
        *((NOBODY, 1), (Origin("acme", "2"), 1), (None, 1)),
    ]
    shelf = Shelf()
    writer = DecisionWriter(shelf, metrics, limit=10)

    writer.log(made.facts, linked, made.records, askers)
    writer.log(made.facts, linked, made.records, [(None, 6)])

    assert metrics.totals() == {"written": 0, "dropped": 0, "waiting": 3}
    writer.start()
    writer.close(10)
    (parcel,) = shelf.parcels
    rows, ids = parcel.rows(Privacy(b"key")), made.decision_ids
    assert rows.decision_id == [ids[0], ids[3], ids[4]]
    assert (rows.client_id, rows.list_id) == (["k0", "k3", "k4"], ["1", "", "2"])
    assert rows.customer == ["acme", "", "acme"]
    assert all(rows.evidence)


def test_an_answer_on_no_client_takes_nothing_from_the_others_in_its_parcel(
    answer: Callable[..., LoggedDecisions],
) -> None:
    (alone,) = parcels([answer(3)], BATCH)
    (parcel,) = parcels([answer(1), answer(0), answer(2)], BATCH)

    rows = parcel.rows(Privacy(b"key"))
    assert len(rows) == 3
    assert all(rows.evidence)
    assert rows.shown == alone.rows(Privacy(b"key")).shown
    assert "c1" in rows.shown[0]


def test_a_decision_that_the_log_refuses_does_not_take_others_with_it(
    answer: Callable[..., LoggedDecisions], tmp_path: Path
) -> None:
    place = str(tmp_path / "log.db")
    parcel = next(parcels([answer(5)], BATCH))
    ids = ["too long for the column, which has room for 32 characters", *parcel.decision_ids[1:]]

    refused = LogSink(lambda: DecisionLog.open(place)).write(replace(parcel, decision_ids=ids))

    assert refused == 1
    with DecisionLog.open(place) as log:
        assert log.count() == 4


def test_writing_a_parcel_again_changes_nothing(
    answer: Callable[..., LoggedDecisions], tmp_path: Path
) -> None:
    place = str(tmp_path / "log.db")
    parcel = next(parcels([answer(5)], BATCH))
    sink = LogSink(lambda: DecisionLog.open(place))

    assert (sink.write(parcel), sink.write(parcel)) == (0, 0)

    with DecisionLog.open(place) as log:
        assert log.count() == 5
    sink.close()


def test_decisions_are_written_while_old_ones_are_deleted(
    answer: Callable[..., LoggedDecisions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(tmp_path / "log.db")
    begun, go_on, over = threading.Event(), threading.Event(), threading.Event()

    def delete_slowly(log: DecisionLog) -> None:
        with log.reading("find the decisions to forget"):
            begun.set()
            assert go_on.wait(20)

    def pause(seconds: float) -> None:
        over.set()
        threading.Event().wait()

    monkeypatch.setattr(log_process, "apply_retention", delete_slowly)
    open_one = partial(DecisionLog.open, place)
    threading.Thread(target=keep_tidy, args=(open_one, pause), daemon=True).start()
    assert begun.wait(20)
    refused = LogSink(open_one).write(next(parcels([answer(5)], BATCH)))

    assert (refused, over.is_set()) == (0, False)
    go_on.set()
    assert over.wait(20)


def test_tidying_goes_on_after_any_fault_and_says_it_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = DecisionLog.open(str(tmp_path / "log.db"))
    faults = iter([ValueError("odd"), DatabaseError("no database; start it")])
    pauses: list[float] = []

    def open_one() -> DecisionLog:
        if (fault := next(faults, None)) is not None:
            raise fault
        return log

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise SystemExit

    with pytest.raises(SystemExit):
        keep_tidy(open_one, pause)

    assert pauses == [60.0, 60.0, 86_400.0]
    assert sum("tidied" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("evidence", [0, 0.5, 1])
def test_bytes_of_a_parcel_give_the_same_rows(
    answer: Callable[..., LoggedDecisions], evidence: float
) -> None:
    (parcel,) = parcels([answer(40, Origin("青", "\ud800"), evidence)], BATCH)

    again = decode(encode(parcel))

    rows = again.rows(Privacy(b"key"))
    assert rows == replace(
        parcel.rows(Privacy(b"key")), decision_id=rows.decision_id, decided_at=rows.decided_at
    )
    assert list(parcel.decision_ids) == rows.decision_id
    assert sum(map(bool, rows.evidence)) == parcel.kept.sum()
    assert all("c1" in shown for shown in rows.shown)


def test_features_that_are_not_kept_are_not_sent(answer: Callable[..., LoggedDecisions]) -> None:
    with_them = answer(40)
    without = replace(with_them, kept=np.zeros(40, dtype=np.bool_))
    evidence = with_them.linked.evidence

    assert evidence is not None
    assert len(encode(without)) < len(encode(with_them)) - evidence.query.nbytes


def test_what_waits_holds_no_index(answer: Callable[..., LoggedDecisions]) -> None:
    waiting = answer(2)

    assert not hasattr(waiting, "linker")
    assert not waiting.linked.companies.columns


def test_a_fault_of_a_sink_drops_its_parcel_alone_and_counts_it_at_once(
    answer: Callable[..., LoggedDecisions], metrics: LogMetrics
) -> None:
    class Faulty(Shelf):
        def write(self, parcel: LoggedDecisions) -> int:
            if parcel.facts.bundle == "odd":
                raise ValueError("an odd one")
            return super().write(parcel)

    shelf, queue_limit = Faulty(), 8
    writer = DecisionWriter(shelf, metrics, queue_limit)
    for one in (answer(2), answer(3, bundle_name="odd"), answer(1, bundle_name="last")):
        writer.offer(one)
    writer.start()
    deadline = time.monotonic() + 20
    while metrics.totals()["waiting"] and time.monotonic() < deadline:
        time.sleep(0.01)

    assert metrics.totals() == {"written": 3, "dropped": 3, "waiting": 0}
    assert len(shelf.ids) == 3
    writer.close(1)


def test_answers_that_cannot_be_packed_are_counted_at_once(
    answer: Callable[..., LoggedDecisions], metrics: LogMetrics
) -> None:
    writer = DecisionWriter(Shelf(), metrics, 8)
    writer.offer(replace(answer(2), linked=cast("LinkedBatch", None)))
    writer.offer(answer(1))
    writer.start()
    deadline = time.monotonic() + 20
    while metrics.totals()["waiting"] and time.monotonic() < deadline:
        time.sleep(0.01)

    assert metrics.totals() == {"written": 0, "dropped": 3, "waiting": 0}
    writer.close(1)


def test_no_days_of_retention_keep_decisions_for_ever(tmp_path: Path) -> None:
    url = str(tmp_path / "log.db")
    DecisionLog.open(url, retention_days=30).close()
    variables = {"LINKAGE_LOG_URL": url, "LINKAGE_LOG_RETENTION_DAYS": "0"}

    with open_log(LogSettings.from_environ(variables)) as log:
        assert log.retention_days == 0


class TestTheProcessOfTheLog:
    """`serve` runs in a thread here."""

    @pytest.fixture
    def run_folder(self, tmp_path: Path) -> Path:
        sink = LogSink(lambda: DecisionLog.open(str(tmp_path / "log.db")))
        threading.Thread(target=serve, args=(tmp_path, sink), daemon=True).start()
        deadline = time.monotonic() + 10
        while not (tmp_path / "log.sock").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return tmp_path

    def test_writes_what_several_workers_send(
        self, answer: Callable[..., LoggedDecisions], run_folder: Path
    ) -> None:
        workers = [RemoteSink(run_folder), RemoteSink(run_folder)]
        sent = [next(parcels([answer(7)], BATCH)) for _ in workers]

        refused = [one.write(parcel) for one, parcel in zip(workers, sent, strict=True)]

        assert refused == [0, 0]
        with DecisionLog.open(str(run_folder / "log.db")) as log:
            assert log.count() == 14
        for one in workers:
            one.close()

    def test_says_why_it_cannot_write(
        self, answer: Callable[..., LoggedDecisions], tmp_path: Path
    ) -> None:
        def no_database() -> DecisionLog:
            raise DatabaseError("cannot open the decision log; start its database")

        folder = tmp_path / "run"
        folder.mkdir()
        threading.Thread(target=serve, args=(folder, LogSink(no_database)), daemon=True).start()
        parcel, sink = next(parcels([answer(1)], BATCH)), RemoteSink(folder)

        with pytest.raises(LogDownError, match="start its database"):
            _write_once_it_listens(sink, parcel)
        sink.close()

    def test_that_does_not_run_is_a_log_that_is_down(
        self, answer: Callable[..., LoggedDecisions], tmp_path: Path
    ) -> None:
        parcel = next(parcels([answer(1)], BATCH))

        with pytest.raises(LogDownError, match="does not answer"):
            RemoteSink(tmp_path).write(parcel)


def _write_once_it_listens(sink: RemoteSink, parcel: LoggedDecisions) -> int:
    deadline = time.monotonic() + 10
    while True:
        try:
            return sink.write(parcel)
        except LogDownError as error:
            if "does not answer" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def test_the_successor_of_a_killed_worker_counts_what_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[..., LoggedDecisions]
) -> None:
    folder = tmp_path / "run"
    prepare(ServerSettings(folder, "127.0.0.1", free_port(), 1, 6, refresher=False))
    monkeypatch.setenv(METRICS_FOLDER, str(folder / "metrics"))
    # the library chooses once for the whole process
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    first = DecisionWriter(Shelf(), Metrics("worker-1").log, limit=100)
    first.offer(answer(3))

    again = Metrics("worker-1")
    DecisionWriter(Shelf(), again.log, limit=100)

    assert again.log_totals() == {"written": 0, "dropped": 3, "waiting": 0}
    assert b'linkage_log_dropped_total{reason="killed"} 3.0' in again.text()
