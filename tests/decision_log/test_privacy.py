"""What a log keeps of clients: everything, or keyed hashes."""

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkage_rl.decision_log.forgetting import Forgotten, forget
from linkage_rl.decision_log.privacy import KEY_VARIABLE, Privacy
from linkage_rl.decision_log.rows import Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError
from linkage_rl.records import RecordBatch
from tests.logged_decisions import logged_rows

SECRET = "correct horse battery staple"
CLIENTS = RecordBatch(["c1", "c2"], {"phone": ["03-1", ""], "name": ["青空商事", "a\0\ud800"]})


@pytest.fixture
def hashes(readable_url: str) -> Iterator[DecisionLog]:
    """A log that keeps hashes only."""
    with DecisionLog.open(readable_url, privacy="hashes") as opened:
        yield opened


def test_the_hash_is_the_hmac_of_the_filled_fields_in_the_order_of_the_table() -> None:
    columns = Privacy(key=b"k").columns(CLIENTS)

    assert columns.client_id == ["c1", "c2"]
    assert columns.client == ['{"name":"青空商事","phone":"03-1"}', '{"name":"a\\u0000\\ud800"}']
    expected = hmac.new(b"k", columns.client[0].encode(), hashlib.sha256).hexdigest()
    assert columns.client_hash[0] == expected[:32]


def test_of_a_log_of_hashes_neither_ids_nor_fields_can_be_read(hashes: DecisionLog) -> None:
    columns = hashes.privacy.columns(CLIENTS)
    as_if_hashed = f"#{'0' * 32}"
    hashes.append(logged_rows({"client_id": "c1"}, {"client_id": as_if_hashed}))

    (page,) = hashes.decisions()
    assert columns.client == ["", ""]
    assert page.client == ("", "")
    assert page.client_id == tuple(map(hashes.privacy.stored_id, ("c1", as_if_hashed)))
    assert as_if_hashed not in page.client_id
    assert all(one.startswith("#") and len(one) == 33 for one in page.client_id)


def test_a_client_of_a_log_of_hashes_is_found_and_forgotten_by_its_id(hashes: DecisionLog) -> None:
    hashes.append(logged_rows({"client_id": "c1"}, {"client_id": "c2"}))

    assert hashes.count(Selection(client_id="c1")) == 1
    assert forget(hashes, Selection(client_id="c1")) == Forgotten(1)
    assert hashes.count() == 1


def test_two_logs_hash_the_same_client_differently(tmp_path: Path) -> None:
    found = set()
    for name in ("a", "b"):
        with DecisionLog.open(str(tmp_path / name), privacy="hashes") as log:
            found.add(log.privacy.stored_id("c1"))

    assert len(found) == 2


def test_privacy_cannot_be_changed_later(hashes: DecisionLog) -> None:
    with DecisionLog.open(hashes.url) as again:
        assert again.privacy == hashes.privacy

    with pytest.raises(ConfigError, match="was created with privacy=hashes; create another log"):
        DecisionLog.open(hashes.url, privacy="full")
    with pytest.raises(ConfigError, match="privacy takes one of full, hashes, got 'none'"):
        DecisionLog.open(hashes.url, privacy="none")


def test_a_secret_from_outside_is_not_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "log.db")
    monkeypatch.setenv(KEY_VARIABLE, f"{SECRET}\n")
    with DecisionLog.open(path, privacy="hashes") as log:
        log.append(logged_rows({"client_id": "c1"}))
        assert log.privacy.key == SECRET.encode()

    monkeypatch.setenv(KEY_VARIABLE, "another secret, as long")
    with pytest.raises(ConfigError, match="expected in LINKAGE_LOG_KEY the secret"):
        DecisionLog.open(path)
    monkeypatch.delenv(KEY_VARIABLE)
    with DecisionLog.open(path) as log:
        assert log.count() == 1
        with pytest.raises(ConfigError, match="the secret of LINKAGE_LOG_KEY, which is not set"):
            log.count(Selection(client_id="c1"))
    assert SECRET.encode().hex().encode() not in (tmp_path / "log.db").read_bytes()


def test_a_short_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "short")

    with pytest.raises(ConfigError, match="must have at least 16 characters"):
        DecisionLog.open(str(tmp_path / "log.db"))
