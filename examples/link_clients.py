"""Links a CSV client list through a SageMaker endpoint, or through a container on this machine.

    python -m examples.link_clients clients.csv results.csv --endpoint linkage
    python -m examples.link_clients clients.csv results.csv --endpoint-url http://127.0.0.1:8080

The list is sent in batches, and one row per client is written in the order of the list as answers
arrive. Requests that fail or are throttled are retried with exponential backoff. If the program
has to give up, the same command resumes where it stopped. It needs boto3 and nothing else. A server
of your own that asks for a token gets that of the variable LINKAGE_TOKEN.
"""

import argparse
import hashlib
import json
import os
import random
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as UnreachableError

from examples.client_list import (
    CLIENT_COLUMNS,
    FIELDS,
    ClientList,
    LinkingError,
    Results,
    Row,
    refuse_overwriting,
)

RESULT_COLUMNS: Final = (
    *("client_id", "decision", "company_id", "confidence"),
    *(f"company_{name}" for name in FIELDS),
    *("reason", "stale", "model", "model_version"),
)
"""Columns of the results; the list's own columns follow."""
MAX_BODY_BYTES: Final = 6_000_000
"""A SageMaker endpoint accepts bodies of up to 6 MiB."""
FIRST_PAUSE_S = 0.5
"""Longest pause after the first failure; it doubles with each further one."""
MAX_PAUSE_S: Final = 60.0
RETRYABLE: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed."""
_CONNECTION_ERRORS: Final = (HTTPClientError, UnreachableError, IncompleteReadError, ValueError)


class TooLargeError(LinkingError):
    """The endpoint refused a request for its size."""


@dataclass(frozen=True)
class Endpoint:
    """Sends clients to a SageMaker endpoint, with retries."""

    client: Any
    """boto3's `sagemaker-runtime`; its own retries are off, since they ignore `Retry-After`."""
    name: str
    target_model: str = ""
    """Model of a multi-model endpoint."""
    attempts: int = 8
    stop: threading.Event = field(default_factory=threading.Event)
    """Set to end all pauses, and with them all attempts."""
    warned: set[str] = field(default_factory=set)

    def link(self, clients: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
        """One result per client, in order; a list that is too large is sent in halves.

        Raises:
            LinkingError: The endpoint refused the clients, or failed at every attempt.
        """
        body = json.dumps({"mode": "bulk_linkage", "clients": clients}, ensure_ascii=False).encode()
        middle = len(clients) // 2
        if len(body) > MAX_BODY_BYTES and middle:
            return self.link(clients[:middle]) + self.link(clients[middle:])
        try:
            answer = self._invoke_with_retries(body)
        except TooLargeError:
            if not middle:
                raise
            return self.link(clients[:middle]) + self.link(clients[middle:])
        return self._checked_results(answer, clients)

    def _invoke_with_retries(self, body: bytes) -> dict[str, Any]:
        """The answer to a request, which is repeated while its failure looks temporary."""
        for attempt in range(1, self.attempts + 1):
            try:
                return self._invoke(body)
            except _CONNECTION_ERRORS as error:
                reason, requested_s = f"no complete answer arrived: {error}", 0.0
            except ClientError as error:
                status, reason = refusal(error)
                if status == 413:
                    raise TooLargeError(reason) from None
                if status not in RETRYABLE:
                    raise LinkingError(f"the endpoint refused a request: {reason}") from None
                requested_s = retry_after_s(error)
            # random, so that callers that failed together do not retry together
            bound = min(MAX_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1))
            if attempt < self.attempts and self.stop.wait(requested_s + random.uniform(0, bound)):
                raise LinkingError("stopped")
        raise LinkingError(f"gave up after {self.attempts} attempts: {reason}")

    def _invoke(self, body: bytes) -> dict[str, Any]:
        target = {"TargetModel": self.target_model} if self.target_model else {}
        response = self.client.invoke_endpoint(
            EndpointName=self.name,
            ContentType="application/json",
            Accept="application/json",
            Body=body,
            **target,
        )
        answer = json.loads(response["Body"].read())
        if not isinstance(answer, dict):
            raise LinkingError("expected a JSON object from the endpoint, got another value")
        return answer

    def _checked_results(
        self, answer: Mapping[str, Any], clients: Sequence[Mapping[str, str]]
    ) -> list[dict[str, Any]]:
        """The results, each with what they share, once their number and order are verified."""
        results = answer.get("results", [])
        # an invalid client may have an invalid id, which the server replaces
        if len(results) != len(clients) or any(
            result["client_id"] != client["client_id"] and result["decision"] != "error"
            for result, client in zip(results, clients, strict=True)
        ):
            raise LinkingError(
                f"expected results of the {len(clients)} clients in their order, got "
                f"{len(results)} others; check that this is the endpoint of a linkage model"
            )
        for warning in set(answer.get("warnings", ())) - self.warned:
            self.warned.add(warning)
            sys.stderr.write(f"warning: {warning}\n")
        shared = {"stale": answer.get("stale", False), "model": answer.get("model", {})}
        return [result | shared for result in results]


def refusal(error: ClientError) -> tuple[int, str]:
    """Status and reason of a refused request; SageMaker passes on those of the container."""
    response = error.response
    status = int(response.get("OriginalStatusCode") or 0)
    status = status or int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    if "Throttl" in response.get("Error", {}).get("Code", ""):
        status = 429
    return status, str(response.get("OriginalMessage") or error)


def retry_after_s(error: ClientError) -> float:
    """The pause that the answer requests, in seconds; 0 if it requests none."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    text = headers.get("retry-after", "")
    if text.isdecimal():
        return min(float(text), MAX_PAUSE_S)
    with suppress(ValueError, TypeError):
        until = parsedate_to_datetime(text).timestamp() - time.time()
        return min(max(0.0, until), MAX_PAUSE_S)
    return 0.0


def results_of(
    endpoint: Endpoint, clients: ClientList, skip: int, size: int, parallel: int
) -> Iterator[tuple[list[Row], list[dict[str, Any]]]]:
    """Batches of rows with their results, in the order of the list.

    Args:
        endpoint: The endpoint to send them to.
        clients: The list.
        skip: Rows at the beginning of the list that are done.
        size: Clients per batch.
        parallel: Batches in progress at once.

    Raises:
        LinkingError: The list cannot be read, or a batch cannot be linked; the text names lines.
    """
    rows = islice(clients.rows(), skip, None)
    first, waiting = skip, deque[tuple[list[Row], Future[list[dict[str, Any]]]]]()
    pool = ThreadPoolExecutor(parallel)
    try:
        while batch := list(islice(rows, size)):
            waiting.append((batch, pool.submit(endpoint.link, clients.clients(batch, first))))
            first += len(batch)
            if len(waiting) > parallel:
                yield _finished(clients, *waiting.popleft())
        for done, future in waiting:
            yield _finished(clients, done, future)
    finally:
        # after a failure the remaining batches are not waited for
        endpoint.stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _finished(
    clients: ClientList, rows: list[Row], future: Future[list[dict[str, Any]]]
) -> tuple[list[Row], list[dict[str, Any]]]:
    """Rows with their results, once these have arrived."""
    try:
        return rows, future.result()
    except LinkingError as error:
        raise LinkingError(
            f"{clients.path}, lines {rows[0].line} to {rows[-1].line}: {error}"
        ) from None


def result_row(result: Mapping[str, Any]) -> list[object]:
    """A result as values of `RESULT_COLUMNS`."""
    company, model = result.get("company") or {}, result["model"]
    return [
        *(result.get(name) or "" for name in ("client_id", "decision", "company_id")),
        result.get("confidence", ""),
        *(company.get(name, "") for name in FIELDS),
        result.get("reason") or result.get("error") or "",
        str(result["stale"]).lower(),
        *(model.get(name, "") for name in ("name", "version")),
    ]


def link_list(options: argparse.Namespace, endpoint: Endpoint) -> str:
    """Link the complete list; returns a summary for the user.

    Raises:
        LinkingError: It cannot be linked.
    """
    refuse_overwriting(options.clients, options.results)
    mapping = dict(item.split("=", 1) for item in options.map)
    clients = ClientList(options.clients, options.encoding, mapping)
    columns = clients.columns
    target = [options.endpoint, options.endpoint_url, options.target_model, options.encoding]
    job = hashlib.sha256(json.dumps([target, sorted(mapping.items())]).encode())
    with options.clients.open("rb") as file:
        while part := file.read(1 << 20):
            job.update(part)
    with Results(options.results, job.hexdigest(), [*RESULT_COLUMNS, *columns]) as results:
        begin, before, decisions = time.monotonic(), results.progress.clients, Counter[str]()
        for rows, found in results_of(
            endpoint, clients, before, options.batch_size, options.parallel
        ):
            results.add(
                [[*result_row(one), *row.cells] for one, row in zip(found, rows, strict=True)]
            )
            decisions.update(one["decision"] for one in found)
            rate = (results.progress.clients - before) / max(time.monotonic() - begin, 1e-3)
            sys.stderr.write(f"{results.progress.clients:,} clients, {rate:,.0f} per second\n")
        results.finish()
    counts = ", ".join(f"{count:,} {name}" for name, count in decisions.most_common())
    resumed = f"{before:,} from an earlier run; " if before else ""
    total = f"{results.progress.clients:,} clients in {options.results}"
    return f"{total}: {resumed}{counts or 'none new'}"


def connect(options: argparse.Namespace) -> Endpoint:
    """The endpoint that the options name."""
    # a local container needs no signature, so that no credentials are needed either
    local = (options.endpoint_url or "").startswith("http://")
    session = boto3.Session()
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=70,
        max_pool_connections=options.parallel,
        signature_version=UNSIGNED if local else None,
    )
    client = session.client(
        "sagemaker-runtime",
        endpoint_url=options.endpoint_url,
        region_name=options.region or session.region_name or ("us-east-1" if local else None),
        config=config,
    )
    if local and (token := os.environ.get("LINKAGE_TOKEN", "").strip()):
        client.meta.events.register("before-call", partial(_authorise, token))
    return Endpoint(client, options.endpoint, options.target_model, options.attempts)


def _authorise(token: str, params: dict[str, Any], **unused: object) -> None:
    params["headers"]["Authorization"] = f"Bearer {token}"


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """The options that a command line gives."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clients", type=Path, help="CSV file with a header")
    parser.add_argument("results", type=Path, help="CSV file to write")
    parser.add_argument("--endpoint", default="linkage", help="name of the SageMaker endpoint")
    parser.add_argument("--endpoint-url", help="http://127.0.0.1:8080 for a container run here")
    parser.add_argument("--region", help="by default that of the AWS profile")
    parser.add_argument("--target-model", default="", help="model of a multi-model endpoint")
    parser.add_argument("--batch-size", type=_count, default=1000, help="clients per request")
    parser.add_argument("--parallel", type=_count, default=2, help="requests in progress at once")
    parser.add_argument(
        "--attempts", type=_count, default=8, help="attempts per request before giving up"
    )
    parser.add_argument(
        "--encoding", default="utf-8-sig", help="encoding of the list, such as cp932"
    )
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        type=_pair,
        help="name=COLUMN of the list; may be repeated",
    )
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Link a list and return the exit code.

    Args:
        words: The command line; None takes that of the process.
    """
    options = parse(words)
    try:
        summary = link_list(options, connect(options))
    except (LinkingError, OSError, BotoCoreError, LookupError) as error:
        sys.stderr.write(f"error: {error}\nrun the same command again to resume\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped; run the same command again to resume\n")
        return 130
    sys.stderr.write(f"{summary}\n")
    return 0


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, got {text!r}")
    return int(text)


def _pair(text: str) -> str:
    name, _, column = text.partition("=")
    if name not in CLIENT_COLUMNS or not column:
        raise argparse.ArgumentTypeError(
            f"expected FIELD=COLUMN with a field among {list(CLIENT_COLUMNS)}, got {text!r}"
        )
    return text


if __name__ == "__main__":
    sys.exit(main())
