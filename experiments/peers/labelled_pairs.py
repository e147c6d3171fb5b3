"""Wrong pairs beside the labelled right ones, for peers that learn from both."""

import random

from experiments.peers.exchange import Lists


def wrong_pairs(right: list[tuple[str, str]], lists: Lists) -> list[tuple[str, str]]:
    """For each right pair a wrong one: a company of equal beginning or city where there is one.

    Args:
        right: Pairs of a client and a company that is right for it.
        lists: Where both are.
    """
    known = set(lists.labels())
    similar: dict[str, list[str]] = {}
    for row in lists.companies:
        for key in (row["core"][:2], row["city"]):
            similar.setdefault(key, []).append(row["company_id"])
    client_of = {row["client_id"]: row for row in lists.train}
    everyone = [row["company_id"] for row in lists.companies]
    pairs = []
    for client_id, _ in right:
        client = client_of[client_id]
        key = random.choice([client["core"][:2], client["city"]])
        other = random.choice(similar.get(key) or everyone)
        if (client_id, other) not in known:
            pairs.append((client_id, other))
    return pairs
