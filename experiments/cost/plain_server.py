"""`python -m experiments.cost.plain_server`: the same linker behind the standard library's server.

The reference system did this: one request after the other, a connection for each.
"""

import argparse
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from linkage_rl.bundle import load_bundle
from linkage_rl.linker import Linker
from linkage_rl.records import DecisionKind, RecordBatch

_DECISIONS: Final = {int(kind): kind.name.lower() for kind in DecisionKind}


def answer(linker: Linker, body: bytes) -> bytes:
    """The decisions on the clients of a request body; nothing is checked."""
    clients = json.loads(body)["clients"]
    names = dict.fromkeys(name for client in clients for name in client if name != "client_id")
    records = RecordBatch(
        [client["client_id"] for client in clients],
        {name: [client.get(name) or "" for client in clients] for name in names},
    )
    linked = linker.link(records)
    rows = linked.companies.columns
    results = [
        {
            "client_id": client_id,
            "decision": _DECISIONS[int(linked.kind[place])],
            "company_id": linked.company_ids[place],
            "confidence": float(linked.confidence[place]),
            "reason": linked.reasons[place],
            "company": {name: rows[name][place] for name in rows},
        }
        for place, client_id in enumerate(linked.client_ids)
    ]
    return json.dumps({"results": results}, ensure_ascii=False).encode()


def serve(bundle: Path, keep_alive: bool) -> None:
    """Print a free port of the loopback interface and answer on it until the process ends.

    Args:
        bundle: Folder of the bundle.
        keep_alive: Keep connections open, each in a thread of its own.
    """
    linker = load_bundle(bundle)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keep_alive else "HTTP/1.0"

        def do_POST(self) -> None:
            payload = answer(linker, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *arguments: object) -> None:
            return

    kind = ThreadingHTTPServer if keep_alive else HTTPServer
    with kind(("127.0.0.1", 0), Handler) as server:
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


def main() -> int:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--keep-alive", action="store_true")
    options = parser.parse_args()
    serve(options.bundle, options.keep_alive)
    return 0


if __name__ == "__main__":
    sys.exit(main())
