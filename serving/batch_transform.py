"""What the server advises SageMaker batch transform to send."""

from typing import Any, Final

from serving.scheduler import CONCURRENT_LISTS
from serving.settings import WorkerSettings

SHORTEST_RECORD: Final = 10
"""Bytes of a client that has an id and the shortest of names, in CSV."""


def execution_parameters(settings: WorkerSettings) -> dict[str, Any]:
    """Parameters under which every request keeps within the limits.

    Batch transform fills requests with records up to `MaxPayloadInMB`, however many these are, so
    the limit of clients limits the payload. As many such requests as lists may be in progress are
    accepted at once, even by one worker. Where not even a megabyte fits, each record gets a
    request of its own.
    """
    megabytes = settings.max_clients * SHORTEST_RECORD / (1 << 20)
    return {
        "MaxConcurrentTransforms": CONCURRENT_LISTS,
        "BatchStrategy": "MULTI_RECORD" if megabytes >= 1 else "SINGLE_RECORD",
        "MaxPayloadInMB": min(settings.max_payload_mb, max(1, int(megabytes))),
    }
