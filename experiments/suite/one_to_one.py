"""`python -m experiments.suite.one_to_one BUNDLE`: one-to-one where it holds and where it does not.

It holds on a sample list with nearly all companies of its table, each once, and on the sample's
test list, with one in ten of them. It does not hold on lists that name a company several times,
such as those of `--clients` with `--companies`: a company file with its client lists.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

import numpy as np

from linkage_rl.bundle import load_bundle
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.config.command import say
from linkage_rl.decision.assignment import claims, decide_one_to_one
from linkage_rl.decision.decide import Decider
from linkage_rl.decision.first_pass import FirstPass
from linkage_rl.decision.list_stage import (
    ListDecisions,
    ListStage,
    RankedCandidates,
    best_decisions,
    rank_list,
)
from linkage_rl.evaluation.tables import markdown_table
from linkage_rl.linker import Linker
from linkage_rl.records import SHORTLIST, DecisionKind, RecordBatch
from linkage_rl.tables.readers import ClientList, read_clients, read_companies
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
from linkage_rl.tables.schema import CANONICAL
from linkage_rl.tables.split import SPLITS

_HEADING: Final = (
    *("list", "decided", "F1", "precision", "recall", "linked", "of several clients"),
)
_CHUNK: Final = 4096


def main() -> None:
    """Decide each list with and without the constraint, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--companies", type=Path, help="a company file")
    parser.add_argument("--clients", type=Path, nargs="*", default=(), help="lists with truth")
    asked = parser.parse_args()
    linker = load_bundle(asked.bundle)
    lines: list[Sequence[str]] = [_HEADING]
    if asked.companies is None:
        for name, table, clients in _sample_lists():
            index = CompanyIndex.build(generate_companies(table))
            lines += _lines(name, replace(linker, index=index), clients)
    else:
        # the registry office is part of the number by which companies are known
        mapping = replace(CANONICAL, corporate_number="company_id")
        linker = replace(linker, index=CompanyIndex.build(read_companies(asked.companies, mapping)))
        for path in asked.clients:
            lines += _lines(path.stem, linker, read_clients(path, CANONICAL))
    say(markdown_table(lines))


def _sample_lists() -> Iterator[tuple[str, SampleConfig, ClientList]]:
    """Name, table and clients of each list of the sample."""
    whole = SampleConfig(seed=1, clients=18_000)
    parts = [generate_clients(whole, split) for split in SPLITS]
    truth = [company_id for part in parts for company_id in part.truth or ()]
    records = RecordBatch.concatenate([part.records for part in parts])
    every = ClientList(records, truth, {})
    yield "sample, nearly every company once", whole, every
    yield "sample, one in ten once", SampleConfig(), generate_clients(SampleConfig(), "test")


def _lines(name: str, linker: Linker, clients: ClientList) -> list[Sequence[str]]:
    """The list decided client by client and as a list, each with and without the constraint."""
    first = first_pass(linker, clients.records)
    alone = RankedCandidates(
        first.candidates.astype(np.int64),
        np.minimum(first.shares * first.tied, 1).astype(np.float32),
        np.maximum(first.tied, 1),
    )
    ways: list[tuple[str, RankedCandidates, Decider | ListStage]] = [
        ("client by client", alone, linker.decider)
    ]
    if linker.list_stage is not None:
        ranked = rank_list(linker.list_stage.scorer, first, slots=SHORTLIST)
        ways.append(("as a list", ranked, linker.list_stage))
    lines: list[Sequence[str]] = []
    for way, candidates, decides in ways:
        thresholds = decides.thresholds
        if thresholds is None:
            continue
        for limit, decide in (("", best_decisions), (", one-to-one", decide_one_to_one)):
            decisions = decide(candidates, decides.calibration, thresholds)
            lines.append((name, f"{way}{limit}", *_judged(linker.index, decisions, clients)))
    return lines


def first_pass(linker: Linker, records: RecordBatch) -> FirstPass:
    """The first pass over a whole list."""
    parts = [
        linker.first_pass(records.take(range(begin, min(begin + _CHUNK, len(records)))))
        for begin in range(0, len(records), _CHUNK)
    ]
    whole = np.concatenate(parts)
    return FirstPass(*(np.ascontiguousarray(whole[field.name]) for field in fields(FirstPass)))


def _judged(index: CompanyIndex, decisions: ListDecisions, clients: ClientList) -> tuple[str, ...]:
    """F1, precision, recall, links, and links to a company that has several."""
    truth = [set(filter(None, text.split("|"))) for text in clients.truth or ()]
    linked = np.flatnonzero(decisions.kind == DecisionKind.LINK)
    company_ids = index.company_ids(decisions.candidate[linked])
    right = _count(
        company_id in truth[client]
        for client, company_id in zip(linked.tolist(), company_ids, strict=True)
    )
    with_row = _count(map(bool, truth))
    several = claims(decisions.kind, decisions.candidate) > 1
    return (
        f"{2 * right / max(len(linked) + with_row, 1):.4f}",
        f"{right / max(len(linked), 1):.4f}",
        f"{right / max(with_row, 1):.4f}",
        f"{len(linked):,}",
        f"{int(several.sum()):,}",
    )


def _count(flags: Iterable[bool]) -> int:
    return sum(1 for flag in flags if flag)


if __name__ == "__main__":
    main()
