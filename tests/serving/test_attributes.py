"""The customer and the list of a request come from its body, else from its header."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from linkage_rl.decision_log.attributes import custom_attributes
from linkage_rl.decision_log.store import DecisionLog
from serving.attributes import HEADER, Origin, origin_of
from tests.serving.conftest import serving

CLIENT = {"name": "㈱青空商事"}


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", Origin()),
        ("customer=acme", Origin("acme")),
        ("customer=acme;list=2026-11", Origin("acme", "2026-11")),
        ("mode=linkage, list = November+2026 ,customer=%E9%9D%92", Origin("青", "November 2026")),
        ("customer=;list", Origin()),
        ("customer=first;customer=second", Origin("first")),
    ],
)
def test_a_header_names_them(header: str, found: Origin) -> None:
    assert origin_of(custom_attributes(header), "list") == found


def test_a_body_goes_before_the_header_key_by_key() -> None:
    body = origin_of({"customer": "acme"})

    assert body.or_else(Origin("other", "2026-11")) == Origin("acme", "2026-11")


@pytest.mark.parametrize(
    "value", [["a"], {"a": 1}, True, "a\x00b", "a" * 129, "a\nb", "a" * 20_000]
)
def test_what_is_no_short_text_is_left_out_and_said(value: object) -> None:
    origin = origin_of({"customer": value, "list_id": "kept"})

    assert origin == Origin("", "kept")
    (fault,) = origin.faults
    assert fault.startswith("'customer' is not logged: expected ")
    assert len(fault) < 200


def test_numbers_are_read_as_they_were_written() -> None:
    assert origin_of({"customer": 42, "list_id": None}) == Origin("42")


def test_without_a_log_nobody_asks_what_they_are(client: TestClient) -> None:
    body = {"clients": [CLIENT], "list_id": "a\tb", "customer": {"id": 1}}

    answer = client.post("/invocations", json=body, headers={HEADER: "customer=" + "a" * 200})

    assert answer.status_code == 200
    assert not answer.json().get("warnings")


def test_with_a_log_a_wrong_one_is_a_warning_and_logged_as_none(
    bundle: Path, tmp_path: Path
) -> None:
    place = str(tmp_path / "log.db")
    body = {"clients": [CLIENT], "list_id": "a\tb"}
    headers = {HEADER: "customer=" + "a" * 10_000}
    with serving(bundle, tmp_path / "run", LINKAGE_LOG_URL=place) as client:
        answer = client.post("/invocations", json=body, headers=headers)

    assert answer.status_code == 200
    assert answer.json()["warnings"] == [
        "'list_id' is not logged: expected at most 128 printable characters, got 'a\\tb'",
        f"'customer' is not logged: expected at most 128 printable characters, got '{'a' * 40}...'",
    ]
    with DecisionLog.open(place, create=False) as log:
        (page,) = log.decisions()
    assert (page.customer, page.list_id) == (("",), ("",))


def test_the_header_names_the_mode_after_other_attributes(client: TestClient) -> None:
    headers = {"X-Amzn-SageMaker-Custom-Attributes": "customer=acme;mode=info"}

    assert "info" in client.post("/invocations", content=b"", headers=headers).json()
