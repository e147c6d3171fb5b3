"""What the OpenAPI document promises, tried out by machine; what the server holds in the end."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.image.callers import send, many_clients
from tests.image.containers import Container
from tests.image.processes import anonymous_mb, proportional_mb

pytestmark = pytest.mark.image

PROMISES = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance", "missing_required_header"),
    *("unsupported_method", "allow_header_conformance"),
)
"""Not that all which fits the document is accepted, or the rest refused: one bad client gets an
entry of its own in a good answer, and a list must suit its mode."""
MOST_MB = 1200


def test_no_request_that_the_document_suggests_gets_an_answer_that_it_does_not_know(
    server: Container, tmp_path: Path
) -> None:
    program = str(Path(sys.executable).with_name("schemathesis"))
    words = ["run", f"{server.url}/openapi.json", "--phases=examples,coverage,fuzzing"]
    ended = subprocess.run(
        [program, *words, f"--checks={','.join(PROMISES)}", "--max-examples=40", "--seed=1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "Tested: 9" in ended.stdout
    assert not [line for line in server.lines() if line.get("error")]


def test_memory_stays_within_what_a_small_instance_has(server: Container) -> None:
    clients = many_clients(10_000)
    for _ in range(4):
        assert send(server.url, body={"clients": clients}).status == 200
    shown = {"mode": "candidates", "clients": clients[:1000]}
    assert send(server.url, body=shown).status == 200

    assert anonymous_mb(server) < MOST_MB
    assert proportional_mb(server) < MOST_MB
