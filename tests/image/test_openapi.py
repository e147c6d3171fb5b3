"""The OpenAPI document verified by generated requests, and the memory of the server."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.image.callers import many_clients, send
from tests.image.containers import Container
from tests.image.processes import anonymous_mb, proportional_mb

pytestmark = pytest.mark.image

CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance", "missing_required_header"),
    *("unsupported_method", "allow_header_conformance"),
)
"""Without those that all valid requests are accepted and all others refused: an invalid client gets
an error of its own within a successful answer, and some lists do not suit their mode."""
MAX_MB = 1200


def test_generated_requests_get_only_documented_answers(server: Container, tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("schemathesis"))
    words = ["run", f"{server.url}/openapi.json", "--phases=examples,coverage,fuzzing"]
    ended = subprocess.run(
        [program, *words, f"--checks={','.join(CHECKS)}", "--max-examples=40", "--seed=1"],
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

    assert anonymous_mb(server) < MAX_MB
    assert proportional_mb(server) < MAX_MB
