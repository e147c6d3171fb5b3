# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels of the list stage: shares added up per group, and the features of a client's pairs."""

import numpy as np

from libc.math cimport log1p
from libc.stdint cimport int16_t, int32_t, int64_t, uint32_t

from linkage_rl.candidates._sorted cimport lower_bound

DEF KEPT = 4
DEF UNIT = 4096.0
DEF MOST_PAIRS = 64


cdef inline int64_t _whole(float share) noexcept nogil:
    return <int64_t>(<double>share * UNIT + 0.5)


cdef inline void _keep_highest(float* two, float share) noexcept nogil:
    """Keep the two highest shares, the highest first."""
    if share > two[0]:
        two[1] = two[0]
        two[0] = share
    elif share > two[1]:
        two[1] = share


def add_up(
    const int64_t[::1] order, const int64_t[::1] entry, const int32_t[:, :] candidates,
    const float[:, :] shares,
):
    """Shares of each company within each group.

    Args:
        order: Flat positions in `candidates`, in the order of `entry`, shape (E,).
        entry: group << 32 | company of each, ascending, shape (E,).
        candidates: Companies of each client, shape (N, KEPT).
        shares: Their shares, shape (N, KEPT).

    Returns:
        Distinct entries, ascending; sum of their shares in units of 2 ** -12; the two highest
        shares, shape (D, 2); clients of which each is the best candidate.
    """
    cdef Py_ssize_t size = entry.shape[0], e, at = -1, place
    cdef float share
    distinct = np.empty(size, dtype=np.int64)
    total = np.zeros(size, dtype=np.int64)
    highest = np.zeros((size, 2), dtype=np.float32)
    best_of = np.zeros(size, dtype=np.int32)
    cdef int64_t[::1] out_entry = distinct, out_total = total
    cdef float[:, ::1] out_highest = highest
    cdef int32_t[::1] out_best = best_of
    with nogil:
        for e in range(size):
            if e == 0 or entry[e] != entry[e - 1]:
                at += 1
                out_entry[at] = entry[e]
            place = order[e]
            share = shares[place // KEPT, place % KEPT]
            out_total[at] += _whole(share)
            if place % KEPT == 0:
                out_best[at] += 1
            _keep_highest(&out_highest[at, 0], share)
    at += 1
    return (
        distinct[:at].copy(), total[:at].copy(), highest[:at].copy(), best_of[:at].copy()
    )


def propose(
    const int64_t[::1] entry, const int64_t[::1] total, const int32_t[::1] best_of,
    Py_ssize_t groups, Py_ssize_t kept,
):
    """Companies that are the best of a member, highest sum first, then lowest id; shape (G, kept).

    Args:
        entry: group << 32 | company, ascending, shape (D,).
        total: Sum of the shares of each, shape (D,).
        best_of: Clients of which each is the best candidate, shape (D,).
        groups: Number of groups G.
        kept: Companies per group, at most; -1 where there are fewer.
    """
    companies = np.full((groups, kept), -1, dtype=np.int64)
    sums = np.full((groups, kept), -1, dtype=np.int64)
    cdef int64_t[:, ::1] out = companies, best = sums
    cdef Py_ssize_t e, k, group
    with nogil:
        for e in range(entry.shape[0]):
            if best_of[e] == 0:
                continue
            group = entry[e] >> 32
            if total[e] <= best[group, kept - 1]:
                continue
            k = kept - 1
            while k > 0 and best[group, k - 1] < total[e]:
                best[group, k] = best[group, k - 1]
                out[group, k] = out[group, k - 1]
                k -= 1
            best[group, k] = total[e]
            out[group, k] = entry[e] - (<int64_t>group << 32)
    return companies


def claims_by_company(const int32_t[:, :] candidates, const float[:, :] shares):
    """Of the companies 0..C-1 the clients whose best candidate each is, and their highest shares.

    Args:
        candidates: Companies of each client, best first, shape (N, KEPT).
        shares: Their shares, shape (N, KEPT).

    Returns:
        Number of clients, shape (C,); the two highest shares of each, shape (C, 2).
    """
    cdef Py_ssize_t c, size = 0
    cdef int32_t company
    cdef float share
    for c in range(candidates.shape[0]):
        size = max(size, candidates[c, 0] + 1)
    count = np.zeros(size, dtype=np.int32)
    highest = np.zeros((size, 2), dtype=np.float32)
    cdef int32_t[::1] out_count = count
    cdef float[:, ::1] out = highest
    with nogil:
        for c in range(candidates.shape[0]):
            company = candidates[c, 0]
            if company < 0:
                continue
            share = shares[c, 0]
            out_count[company] += 1
            _keep_highest(&out[company, 0], share)
    return count, highest


cdef int64_t _root(int64_t[::1] parent, int64_t node) noexcept nogil:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


def chains(Py_ssize_t clients, list ordered, list numbers, Py_ssize_t most):
    """A label per client, equal for clients that small groups join.

    Args:
        clients: Number of clients N.
        ordered: For each relation the clients that have a group, by group.
        numbers: For each relation the group of each of these.
        most: Clients of a group that joins, at most.
    """
    parents = np.arange(clients, dtype=np.int64)
    cdef int64_t[::1] parent = parents
    cdef const int64_t[::1] member, group
    cdef Py_ssize_t begin, end, size, m
    cdef int64_t a, b
    for member, group in zip(ordered, numbers, strict=True):
        size = member.shape[0]
        begin = 0
        with nogil:
            while begin < size:
                end = begin + 1
                while end < size and group[end] == group[begin]:
                    end += 1
                if end - begin <= most:
                    for m in range(begin + 1, end):
                        a, b = _root(parent, member[begin]), _root(parent, member[m])
                        # the lower is the root, so that labels depend on nothing else
                        if a < b:
                            parent[b] = a
                        else:
                            parent[a] = b
                begin = end
    for m in range(clients):
        parent[m] = _root(parent, m)
    return parents


cdef inline float _logged(int64_t count, const float[::1] logarithms) noexcept nogil:
    """log(1 + count), from the table where it is long enough."""
    if count < logarithms.shape[0]:
        return logarithms[count]
    return <float>(log1p(<double>count) / log1p(1000.0))


cdef struct Pair:
    int64_t company
    int slot


cdef int _pairs_of(
    Py_ssize_t client, const int32_t[:, :] candidates, const int32_t[:, ::1] groups,
    const int64_t[::1] proposed, const int64_t[::1] first_proposed, Py_ssize_t kept, Pair* out,
) noexcept nogil:
    """The client's own candidates, then the companies that its groups propose, each once."""
    cdef Py_ssize_t r, k, place
    cdef int size = 0, other
    cdef int64_t company
    for k in range(KEPT):
        if candidates[client, k] >= 0:
            out[size].company = candidates[client, k]
            out[size].slot = <int>k
            size += 1
    for r in range(groups.shape[0]):
        if groups[r, client] < 0:
            continue
        place = first_proposed[r] + groups[r, client] * kept
        for k in range(kept):
            company = proposed[place + k]
            if company < 0:
                break
            for other in range(size):
                if out[other].company == company:
                    break
            else:
                out[size].company = company
                out[size].slot = KEPT
                size += 1
    return size


def count_pairs(
    const int64_t[::1] clients, const int32_t[:, :] candidates, const int32_t[:, ::1] groups,
    const int64_t[::1] proposed, const int64_t[::1] first_proposed, Py_ssize_t kept,
):
    """Where the pairs of each of n clients begin, shape (n + 1,). Arguments as in `fill_pairs`.

    Raises:
        ValueError: A client could have more pairs than there is room for.
    """
    if KEPT + groups.shape[0] * kept > MOST_PAIRS:
        raise ValueError(
            f"expected at most {MOST_PAIRS} companies per client, got {KEPT} of its own and {kept} "
            f"of each of {groups.shape[0]} groups"
        )
    starts = np.zeros(clients.shape[0] + 1, dtype=np.int64)
    cdef int64_t[::1] out = starts
    cdef Pair pairs[MOST_PAIRS]
    cdef Py_ssize_t c
    with nogil:
        for c in range(clients.shape[0]):
            out[c + 1] = out[c] + _pairs_of(
                clients[c], candidates, groups, proposed, first_proposed, kept, pairs
            )
    return starts


cdef inline Py_ssize_t _find(
    const int32_t[::1] entry, Py_ssize_t begin, Py_ssize_t end, int32_t wanted
) noexcept nogil:
    """Position of a company in entry[begin:end], -1 where it is missing."""
    cdef Py_ssize_t place = lower_bound(&entry[0], begin, end, wanted)
    return place if place < end and entry[place] == wanted else -1


def fill_pairs(
    const int64_t[::1] clients, const int64_t[::1] starts, const int32_t[:, :] candidates,
    const float[:, :] shares, const int16_t[:, :] tied, const float[::1] no_match,
    const int32_t[:, ::1] groups, const int64_t[::1] proposed, const int64_t[::1] first_proposed, Py_ssize_t kept,
    const int64_t[::1] bounds, const int64_t[::1] first_bound, const int64_t[::1] sizes,
    const int64_t[::1] first_size, const int32_t[::1] entry, const uint32_t[::1] total,
    const float[:, ::1] highest, const int32_t[::1] best_of, const int32_t[::1] claimed,
    const float[:, ::1] highest_claim, double alike, double floor, double min_share, const float[::1] logarithms,
    Py_ssize_t features, Py_ssize_t client_features,
):
    """Companies and features of the pairs of n clients; see `list_stage` for the columns.

    Args:
        clients: Clients, shape (n,).
        starts: From `count_pairs`, shape (n + 1,).
        candidates: Companies of each client of the list, best first, shape (N, KEPT).
        shares: Their shares, shape (N, KEPT).
        tied: Candidates tied with each, itself included, shape (N, KEPT).
        no_match: Share of no match, shape (N,).
        groups: Group of each client in each of R relations, -1 for none, shape (R, N).
        proposed: Companies that the groups propose, `kept` for each group.
        first_proposed: Where those of each relation begin, shape (R,).
        kept: Companies for each group.
        bounds: Where the entries of each group begin and, after the last group, end.
        first_bound: Where the bounds of each relation begin, shape (R,).
        sizes: Clients of each group.
        first_size: Where the sizes of each relation begin, shape (R,).
        entry: Companies of all entries, by group and company.
        total: Sum of the shares of each entry.
        highest: Two highest shares of each entry.
        best_of: Clients of which it is the best candidate.
        claimed: Clients of which each company is the best candidate, shape (C,).
        highest_claim: Their two highest shares, shape (C, 2).
        alike: Share of the best share from which on a candidate is alike.
        floor: Lowest share to divide by.
        min_share: Share from which on shares were added up.
        logarithms: log(1 + count) / log(1001) of the counts from 0 on.
        features: Number of columns F.
        client_features: Number of columns Q.

    Returns:
        Company of each pair, features (P, F), features of the clients (n, Q).
    """
    cdef Py_ssize_t size = starts[clients.shape[0]], relations = groups.shape[0]
    companies = np.empty(size, dtype=np.int64)
    matrix = np.zeros((size, features), dtype=np.float32)
    of_clients = np.zeros((clients.shape[0], client_features), dtype=np.float32)
    cdef int64_t[::1] out_company = companies
    cdef float[:, ::1] out = matrix, out_client = of_clients
    cdef Pair pairs[MOST_PAIRS]
    cdef Py_ssize_t c, client, p, at, r, column, place, k, group
    cdef int64_t mates, most, said, rivals
    cdef float share, best, top
    cdef int count, slot, rank, similar
    with nogil:
        for c in range(clients.shape[0]):
            client = clients[c]
            count = _pairs_of(client, candidates, groups, proposed, first_proposed, kept, pairs)
            best = shares[client, 0]
            similar = 0
            for k in range(KEPT):
                if shares[client, k] > 0 and shares[client, k] >= alike * best:
                    similar += 1
            out_client[c, 0] = no_match[client]
            out_client[c, 1] = best
            out_client[c, 2] = similar / <float>KEPT
            out_client[c, 3] = candidates[client, 0] >= 0
            for r in range(relations):
                group = groups[r, client]
                if group >= 0:
                    mates = sizes[first_size[r] + group] - 1
                    out_client[c, 4 + r] = _logged(mates, logarithms)
            for p in range(count):
                at = starts[c] + p
                slot = pairs[p].slot
                out_company[at] = pairs[p].company
                share = shares[client, slot] if slot < KEPT else 0
                out[at, 0] = share
                out[at, 1] = share / <float>max(<double>best, floor)
                rank = slot
                # what the policy prefers among tied candidates says nothing
                while (
                    0 < rank < KEPT and tied[client, rank] > 1
                    and tied[client, rank - 1] == tied[client, rank]
                    and shares[client, rank - 1] == share
                ):
                    rank -= 1
                out[at, 2] = rank == 0
                out[at, 3] = rank / <float>KEPT
                out[at, 4] = slot < KEPT
                if slot < KEPT:
                    out[at, 5] = 1 - <float>1 / max(tied[client, slot], 1)
                for k in range(4):
                    out[at, 6 + k] = out_client[c, k]
                column = 10
                most = 0
                for r in range(relations):
                    group = groups[r, client]
                    if group >= 0:
                        mates = sizes[first_size[r] + group] - 1
                        out[at, column + 3] = out_client[c, 4 + r]
                        place = _find(
                            entry, bounds[first_bound[r] + group],
                            bounds[first_bound[r] + group + 1], <int32_t>pairs[p].company,
                        )
                        if place >= 0:
                            top = highest[place, 0]
                            if slot < KEPT and share >= top:
                                top = highest[place, 1]
                            said = best_of[place] - (slot == 0)
                            out[at, column] = top
                            out[at, column + 1] = <float>(
                                (<int64_t>total[place] - (_whole(share) if slot < KEPT and share >= min_share else 0))
                                / (UNIT * mates)
                            )
                            out[at, column + 2] = _logged(said, logarithms)
                            most = max(most, said)
                            if top > out_client[c, 4 + relations + r]:
                                out_client[c, 4 + relations + r] = top
                    column += 4
                if pairs[p].company < claimed.shape[0]:
                    rivals = claimed[pairs[p].company] - (slot == 0)
                    top = highest_claim[pairs[p].company, 0]
                    if slot == 0 and share >= top:
                        top = highest_claim[pairs[p].company, 1]
                    out[at, column] = _logged(rivals, logarithms)
                    out[at, column + 1] = _logged(max(rivals - most, 0), logarithms)
                    out[at, column + 2] = top
    return companies, matrix, of_clients
