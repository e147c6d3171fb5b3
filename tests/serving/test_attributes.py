"""The customer and the list of a request come from its body, else from its header."""

import pytest
from starlette.testclient import TestClient

from linkage_rl.decision_log.attributes import custom_attributes
from serving.attributes import Origin, origin_of
from serving.errors import RequestError

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


@pytest.mark.parametrize("value", [["a"], {"a": 1}, True, "a\x00b", "a" * 129, "a\nb"])
def test_what_is_no_short_text_is_refused(value: object) -> None:
    with pytest.raises(RequestError, match="in 'customer', got"):
        origin_of({"customer": value})


def test_numbers_are_read_as_they_were_written() -> None:
    assert origin_of({"customer": 42, "list_id": None}) == Origin("42")


def test_a_request_with_a_wrong_one_is_refused_in_one_sentence(client: TestClient) -> None:
    body = {"clients": [CLIENT], "list_id": "a\tb"}

    answer = client.post("/invocations", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"] == (
        "expected at most 128 printable characters in 'list_id', got 'a\\tb'"
    )


def test_the_header_names_the_mode_after_other_attributes(client: TestClient) -> None:
    headers = {"X-Amzn-SageMaker-Custom-Attributes": "customer=acme;mode=info"}

    assert "info" in client.post("/invocations", content=b"", headers=headers).json()
