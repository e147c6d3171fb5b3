"""Golden clients: the answers that a linker gives them, compared with those of the bundle."""

from collections.abc import Sequence
from typing import Final

from linkage_rl.bundle_manifest import Golden
from linkage_rl.errors import BundleError
from linkage_rl.linker import Linker
from linkage_rl.records import RecordBatch

_CONFIDENCE_TOLERANCE: Final = 1e-5


def golden_answers(linker: Linker, records: RecordBatch) -> list[Golden]:
    """The answers that the linker gives these clients now."""
    linked = linker.link(records)
    return [
        Golden(
            records.ids[place],
            {name: texts[place] for name, texts in records.columns.items() if texts[place]},
            int(linked.kind[place]),
            linked.company_ids[place],
            float(linked.confidence[place]),
        )
        for place in range(len(records))
    ]


def check_golden(linker: Linker, golden: Sequence[Golden]) -> None:
    """Refuse a linker that gives a golden client another answer than the recorded one.

    Raises:
        BundleError: A decision differs, or a confidence by more than 1e-5.
    """
    if not golden:
        return
    names = sorted({name for client in golden for name in client.fields})
    records = RecordBatch(
        [client.client_id for client in golden],
        {name: [client.fields.get(name, "") for client in golden] for name in names},
    )
    without_source = Linker(linker.index, linker.blockers, linker.decider, linker.limit)
    for expected, got in zip(golden, golden_answers(without_source, records), strict=True):
        same = (expected.kind, expected.company_id) == (got.kind, got.company_id)
        if not same or abs(expected.confidence - got.confidence) > _CONFIDENCE_TOLERANCE:
            raise BundleError(
                f"golden client {expected.client_id!r} should get '{expected}', got '{got}'; "
                "the bundle does not fit this version of the library: export it again"
            )
