"""`python -m experiments.suite.coverage`: whose right company is seen at all, by what changed.

A company is seen if it stands in one of the slots when every blocker has been run; nothing that
comes after can link a client whose company is not.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.real_lists.cases import Lists, real_lists
from linkage_rl.agents.ranker import right_answers
from linkage_rl.config.command import say
from linkage_rl.tables.readers import read_clients

KINDS: Final = {"moves": "drift", "payees": "noise"}
"""List to the column that says how a client differs from its company."""
_CHUNK: Final = 2048


def main() -> None:
    """Print the share of the right companies that are seen, list by list and kind by kind."""
    lists = real_lists()
    seen = seen_in_slots(lists)
    say("| list | clients | with a row | seen |\n| --- | --- | --- | --- |")
    for place, dataset in enumerate(lists.datasets):
        clients = read_clients(Path(lists.settings.clients.test[dataset]))
        own = lists.test.dataset == place
        kinds = np.array(clients.extra[KINDS[dataset]])
        say(_line(dataset, "all", lists.test.has_row[own], seen[own]))
        for kind in sorted(set(kinds[lists.test.has_row[own]].tolist())):
            some = np.flatnonzero(own)[kinds == kind]
            say(_line(dataset, kind, lists.test.has_row[some], seen[some]))


def seen_in_slots(lists: Lists) -> NDArray[np.bool_]:
    """Whether the right company of each test case stands in a slot, shape (N,)."""
    cases, seen = lists.test, np.zeros(len(lists.test), dtype=np.bool_)
    for begin in range(0, len(cases), _CHUNK):
        case = np.arange(begin, min(begin + _CHUNK, len(cases)))
        shown = lists.view.observe(cases, case, np.asarray(cases.available[case]))
        seen[case] = right_answers(cases, shown)[:, :-1].any(axis=1)
    return seen


def _line(dataset: str, kind: str, has_row: NDArray[np.bool_], seen: NDArray[np.bool_]) -> str:
    return f"| {dataset} | {kind} | {has_row.sum():,} | {seen[has_row].mean():.4f} |"


if __name__ == "__main__":
    main()
