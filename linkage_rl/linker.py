"""The one linking path: clients in, decisions with the companies' current fields out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Blocker
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.decision.best_candidates import BestCandidates, Features
from linkage_rl.decision.decide import Decider, slot_shares
from linkage_rl.decision.evidence import Evidence, EvidenceRecorder
from linkage_rl.decision.explaining import Explanations
from linkage_rl.decision.list_stage import ListDecisions, ListStage
from linkage_rl.decision.pool import LivePool, compare_again
from linkage_rl.decision.whole_list import decide_whole, first_pass_of
from linkage_rl.features.reasons import in_words, reason_codes, reasons
from linkage_rl.features.sites import matched_sites
from linkage_rl.linked_batch import Candidate, Decided, LinkedBatch, RankedCandidates, placed
from linkage_rl.linked_sites import linked_sites
from linkage_rl.protocols import CompanySource
from linkage_rl.records import CompanyRows, DecisionKind, Decisions, RecordBatch

_CHUNK: Final = 1024
"""Clients that are decided together: with four times as many the arrays of their pairs take 30 MB
more, and no time is saved."""
_LINK: Final = np.int8(DecisionKind.LINK)
NO_CANDIDATE: Final = "no candidate found"
"""Reason of a decision on a client for whom no blocker found a company."""


@dataclass(frozen=True)
class Linker:
    """Links clients to the companies of an index, as the policy of a bundle decides."""

    index: CompanyIndex
    blockers: tuple[Blocker, ...]
    decider: Decider
    limit: int
    """Candidates kept per client and blocker."""
    source: CompanySource | None = None
    """Where the current fields of companies come from; None takes those in the index."""
    list_stage: ListStage | None = None
    """Decides lists as a whole, see `link_list`; None decides every client by itself."""
    shown: int = 0
    """How many of the best candidates of each client come with the decisions."""
    explains: bool = False
    """Whether an explanation of the best candidate comes with each decision, field by field."""
    keeps_evidence: bool = False
    """Whether what the policy saw of each client comes with its decision, for a decision log."""

    def link(self, records: RecordBatch) -> LinkedBatch:
        """Decide for N clients; the result has one entry per client in their order.

        A link to a company that the source no longer has becomes no match. The source is queried
        once, however many clients there are.
        """
        return self.complete(records, self.decide(records))

    def decide(
        self, records: RecordBatch, before_chunk: Callable[[], None] = lambda: None
    ) -> Decided:
        """The decisions on N clients, of which `complete` makes the result of `link`.

        Args:
            records: N clients.
            before_chunk: Called before every thousand clients or so; may raise to stop the work.
        """
        if len(records) <= _CHUNK:
            before_chunk()
            return self._decide(records)
        parts = []
        for chunk in _chunks(records):
            before_chunk()
            parts.append(self._decide(chunk))
        return Decided.concatenate(parts)

    def link_list(self, records: RecordBatch) -> LinkedBatch:
        """Decide for N clients as one list, whose clients are evidence for each other.

        A bundle without a list stage, and a list of one client, are decided as by `link`.
        """
        if not self.decides_lists(len(records)):
            return self.link(records)
        passes = [self.first_pass_with_evidence(chunk) for chunk in _chunks(records)]
        first = np.concatenate([part for part, _ in passes])
        seen = [evidence for _, evidence in passes if evidence is not None]
        evidence = Evidence.concatenate(seen) if seen else None
        return self.finish(records, first, self.decide_list(first), evidence)

    def decides_lists(self, clients: int) -> bool:
        """Whether a list of this many clients is decided as a whole."""
        return self.list_stage is not None and clients > 1

    def first_pass(self, records: RecordBatch) -> NDArray[np.void]:
        """First pass over a part of a list: what the list stage needs of N clients.

        Returns:
            Structured array of `FIRST_PASS`, shape (N,).
        """
        return self.first_pass_with_evidence(records)[0]

    def first_pass_with_evidence(
        self, records: RecordBatch
    ) -> tuple[NDArray[np.void], Evidence | None]:
        """What `first_pass` gives, and what the policy saw; None unless it is to be kept."""
        pool, recorder = self._pool(records), self._recorder()
        raw = self.decider.decide_raw(pool, len(records), shortlist=True, recorder=recorder)
        return first_pass_of(pool, raw), None if recorder is None else recorder.evidence()

    def decide_list(self, first: NDArray[np.void], one_to_one: bool = False) -> ListDecisions:
        """Decide a whole list after the first pass over all of its parts.

        Without a list stage every client is decided as by `link`.

        Args:
            first: Structured array of `FIRST_PASS`; may be memory-mapped.
            one_to_one: Whether every company goes to one client at most; see `assignment`.

        Raises:
            ConfigError: SciPy is not installed, which one-to-one needs.
        """
        return decide_whole(first, self.decider, self.list_stage, self.shown, one_to_one)

    def finish(
        self,
        records: RecordBatch,
        first: NDArray[np.void],
        decisions: ListDecisions,
        evidence: Evidence | None = None,
    ) -> LinkedBatch:
        """Reasons and current company fields for a part of a list.

        Args:
            records: N clients.
            first: What `first_pass` gave for them.
            decisions: What `decide_list` gave for them.
            evidence: What the policy saw of them in the first pass, for the result.
        """
        rows, ranked = decisions.candidate, decisions.ranked
        compare = partial(compare_again, self.index, records)
        codes = first["reason"].copy()
        # companies that came from mates, or were not the client's first, are compared now
        changed = np.flatnonzero((rows >= 0) & (rows != first["candidates"][:, 0]))
        if len(changed):
            codes[changed] = reason_codes(compare(changed, rows[changed]))
        present = np.flatnonzero(rows >= 0)
        why = in_words(codes[present], decisions.tied[present])
        return self.complete(
            records,
            Decided(
                decisions.kind,
                self._linked_ids(rows, decisions.kind),
                decisions.confidence,
                placed(why, present, len(rows), NO_CANDIDATE),
                linked_sites(self.index, records, rows, decisions.kind),
                first["ran"],
                None if ranked is None else self._shown(ranked.candidate, ranked.shares, compare),
                self._explanations_again(records, rows),
                evidence,
            ),
        )

    def complete(
        self, records: RecordBatch, decided: Decided, rows: CompanyRows | None = None
    ) -> LinkedBatch:
        """The decisions with the companies' current fields.

        Args:
            records: N clients.
            decided: What `decide` gave for them.
            rows: Current rows of at least `decided.wanted`, as far as they still exist; None
                fetches them.
        """
        kind, company_ids, why = decided.kind.copy(), decided.company_ids, decided.reasons
        sites = decided.sites
        companies = self.current_fields(company_ids, rows)
        if companies.ids != company_ids:
            found = zip(company_ids, companies.ids, strict=True)
            for place in [place for place, (linked, now) in enumerate(found) if linked != now]:
                kind[place] = DecisionKind.NO_MATCH
                why[place] = f"company {company_ids[place]} is no longer in the table"
                company_ids[place] = sites[place] = ""
        return LinkedBatch(
            records.ids,
            kind,
            company_ids,
            decided.confidence,
            companies,
            why,
            decided.ran,
            decided.candidates,
            decided.explanations,
            sites=sites,
            evidence=decided.evidence,
        )

    def candidates(self, records: RecordBatch) -> list[list[Candidate]]:
        """The visible candidates of N clients after every blocker has run, best first.

        They are given whether or not the policy would link one of them.
        """
        return self.complete_candidates(self.rank(records))

    def rank(
        self, records: RecordBatch, before_chunk: Callable[[], None] = lambda: None
    ) -> RankedCandidates:
        """The visible candidates of N clients, of which `complete_candidates` makes the result.

        Args:
            records: N clients.
            before_chunk: Called before the work; may raise to stop it.
        """
        before_chunk()
        view = self.decider.view
        pool = self._pool(records)
        pool.found.run_all()
        every = np.arange(len(records), dtype=np.int64)
        observation = pool.observe(every, pool.available)
        shares = slot_shares(self.decider.policy.logits(observation), view.layout)
        client, slot = map(np.ascontiguousarray, np.nonzero(observation.slot_candidates >= 0))
        rows = observation.slot_candidates[client, slot]
        return RankedCandidates(
            len(records),
            client.tolist(),
            self.index.company_ids(rows),
            shares[client, slot].tolist(),
            reasons(pool.found.features_of(client, rows)),
            matched_sites(self.index, pool.found.clients, client, rows),
        )

    def complete_candidates(
        self, ranked: RankedCandidates, rows: CompanyRows | None = None
    ) -> list[list[Candidate]]:
        """Candidates with their companies' current fields, best first; deleted ones are left out.

        Args:
            ranked: What `rank` gave.
            rows: Current rows of at least `ranked.wanted`; None fetches them.
        """
        return ranked.with_companies(self.current_fields(ranked.company_ids, rows))

    def _pool(self, records: RecordBatch) -> LivePool:
        view = self.decider.view
        return LivePool.of(self.index, self.blockers, records, self.limit, view)

    def _decide(self, records: RecordBatch) -> Decided:
        pool, recorder = self._pool(records), self._recorder()
        raw = self.decider.decide_raw(pool, len(records), self.shown > 0, self.shown, recorder)
        decisions = self.decider.apply_thresholds(raw)
        company_ids, why = self._explain(pool, decisions)
        best, shown = decisions.shortlist, None
        if best is not None:
            shown = self._shown(best.candidate, best.share, pool.found.features_of)
        why_in_fields = self._explanations(pool, records, decisions.candidate, decisions.ran)
        return Decided(
            *(decisions.kind, company_ids, decisions.confidence, why),
            linked_sites(
                self.index, records, decisions.candidate, decisions.kind, pool.found.clients
            ),
            decisions.ran,
            shown,
            why_in_fields,
            None if recorder is None else recorder.evidence(),
        )

    def _recorder(self) -> EvidenceRecorder | None:
        """What keeps the evidence; None where it is not wanted."""
        return EvidenceRecorder(self.index) if self.keeps_evidence else None

    def _explanations(
        self,
        pool: LivePool,
        records: RecordBatch,
        rows: NDArray[np.int64],
        ran: NDArray[np.uint16],
    ) -> Explanations | None:
        """What each field says of these candidates; None where it is not wanted."""
        if not self.explains:
            return None
        return Explanations.of(pool, self.decider, records, rows, ran)

    def _explanations_again(
        self, records: RecordBatch, rows: NDArray[np.int64]
    ) -> Explanations | None:
        """The same for clients whose first pass is over: it is run again."""
        if not self.explains:
            return None
        pool = self._pool(records)
        ran = self.decider.decide_raw(pool, len(records)).ran
        return self._explanations(pool, records, rows, ran)

    def _shown(
        self,
        rows: NDArray[np.int64],
        shares: NDArray[np.float32],
        features: Features,
    ) -> BestCandidates:
        """The best candidates of N clients, as many as are shown."""
        some = slice(None), slice(self.shown)
        return BestCandidates.of(self.index, rows[some], shares[some], features)

    def _explain(self, pool: LivePool, decisions: Decisions) -> tuple[list[str], list[str]]:
        """Company id of every link, and the reason of every decision."""
        rows = decisions.candidate
        present = np.flatnonzero(rows >= 0)
        features = pool.found.features_of(present, rows[present])
        why = reasons(features, decisions.tied[present])
        return (
            self._linked_ids(rows, decisions.kind),
            placed(why, present, len(rows), NO_CANDIDATE),
        )

    def _linked_ids(self, rows: NDArray[np.int64], kind: NDArray[np.int8]) -> list[str]:
        """Company id of every link, '' for other decisions."""
        linked = np.flatnonzero(kind == _LINK)
        return placed(self.index.company_ids(rows[linked]), linked, len(rows))

    def current_fields(
        self, company_ids: Sequence[str], rows: CompanyRows | None = None
    ) -> RecordBatch:
        """Current fields of these companies; '' for those that were deleted or closed.

        Args:
            company_ids: Ids, '' for none.
            rows: Where they are; None fetches them from the source.
        """
        if rows is None:
            wanted = [company_id for company_id in dict.fromkeys(company_ids) if company_id]
            rows = (self.source or self.index).fetch(wanted)
        return rows.open_ones(company_ids)


def _chunks(records: RecordBatch) -> Iterator[RecordBatch]:
    """The records, a few thousand at a time."""
    for begin in range(0, len(records), _CHUNK):
        yield records.take(range(begin, min(begin + _CHUNK, len(records))))
