"""`python -m serving.parity BUNDLE URL`: compares a running server with its bundle.

A bundle records the decisions on a few *golden* clients when it is written; a server with this
bundle must decide alike. A server that asks for a token gets that of `LINKAGE_TOKEN` or
`LINKAGE_TOKEN_FILE`.
"""

import argparse
import json
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from linkage_rl.bundle import Golden, read_golden
from linkage_rl.errors import LinkageError
from serving.responses import DECISIONS
from serving.settings import read_token
from serving.variables import SettingError

TOLERANCE: Final = 1e-5
"""Largest allowed difference of two confidences."""
_TIMEOUT_S: Final = 60


def differences(golden: Sequence[Golden], results: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence on each client whose result differs from the recorded one."""
    found = []
    if len(golden) != len(results):
        found.append(f"expected {len(golden)} results, got {len(results)}")
    for expected, got in zip(golden, results, strict=False):
        same = (
            got["client_id"] == expected.client_id
            and got["decision"] == DECISIONS[expected.kind]
            and (got.get("company_id") or "") == expected.company_id
            and abs(got.get("confidence", -1) - expected.confidence) <= TOLERANCE
        )
        if not same:
            shown = f"{got['decision']} {got.get('company_id')} at {got.get('confidence')}"
            found.append(f"{expected.client_id!r}: expected '{expected}', got '{shown}'")
    return found


def invoke(url: str, golden: Sequence[Golden], token: str = "") -> list[dict[str, Any]]:
    """The server's results for the golden clients.

    Args:
        url: Address of the server.
        golden: The clients.
        token: Bearer token of the server; '' sends none.

    Raises:
        OSError: The server does not answer, or refuses the request.
    """
    clients = [{"client_id": client.client_id, **client.fields} for client in golden]
    authorization = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(
        f"{url.rstrip('/')}/invocations",
        json.dumps({"mode": "bulk_linkage", "clients": clients}).encode(),
        {"Content-Type": "application/json", **authorization},
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        results: list[dict[str, Any]] = json.load(response)["results"]
    return results


def main() -> None:
    """Compare; print the differences and exit with 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path, help="the bundle that the server has loaded")
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8080")
    arguments = parser.parse_args()
    try:
        golden = read_golden(arguments.bundle)
        found = differences(golden, invoke(arguments.url, golden, read_token()))
    except (LinkageError, OSError, SettingError) as error:
        sys.exit(f"error: cannot compare {arguments.bundle} with {arguments.url}: {error}")
    if found:
        sys.exit("\n".join(["error: the server decides otherwise than its bundle:", *found]))
    print(f"parity   {len(golden)} golden clients answered by {arguments.url} as recorded")  # noqa: T201 - the result


if __name__ == "__main__":
    main()
