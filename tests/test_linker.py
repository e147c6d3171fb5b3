"""Clients in, decisions with the companies' current fields out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.decision.decide import Decider, Thresholds
from linkage_rl.decision.observation import View
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.linker import Linker
from linkage_rl.protocols import CompanySource
from linkage_rl.records import FIELDS, CompanyRows, DecisionKind, Observation, RecordBatch
from linkage_rl.tables.store import CompanyStore
from tests.small_table import COMPANIES, client_records, company_rows, small_index

BLOCKERS = CandidateSettings().blockers()
VIEW = View(5, tuple(blocker.cost for blocker in BLOCKERS))
RETRIEVAL_SCORE = -4
LINK, NO_MATCH = DecisionKind.LINK, DecisionKind.NO_MATCH


@dataclass(frozen=True)
class RunAll:
    """Runs every blocker; links the candidate of highest retrieval score from 0.5 on."""

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        slots = VIEW.max_candidates
        wishes = np.full(observation.action_mask.shape, 40.0, dtype=np.float32)
        wishes[:, :slots] = 10 * observation.candidates[:, :, RETRIEVAL_SCORE]
        wishes[:, slots] = 5
        return np.where(observation.action_mask, wishes, -1e8).astype(np.float32)


def linker(
    source: CompanySource | None = None,
    index: CompanyIndex | None = None,
    thresholds: Thresholds | None = None,
) -> Linker:
    decider = Decider(RunAll(), VIEW, thresholds=thresholds)
    return Linker(small_index() if index is None else index, BLOCKERS, decider, 10, source)


ASKED: tuple[dict[str, str], ...] = (
    {"name": "五洋建設(株)"},
    {"name": "㈱青空商事", "prefecture": "大阪府", "city": "大阪市北区"},
    {"name": "株式会社山田"},
    {"phone": "026-226-0004", "corporate_number": "2430001000004"},
    {},
    {"name": "ｱｸﾒﾄﾚｰﾃﾞｨﾝｸﾞ株式会社", "phone": "045-682-0006"},
    {"name": "・"},
    {"name": "五" * 10_000},
)
LINKED = ["goyo", "aozora-osaka", "", "", "", "acme", "", ""]


def assert_equal(left: LinkedBatch, right: LinkedBatch) -> None:
    assert list(left.client_ids) == list(right.client_ids)
    assert left.company_ids == right.company_ids
    assert left.reasons == right.reasons
    assert left.companies == right.companies
    for name in ("kind", "confidence", "ran"):
        assert np.array_equal(getattr(left, name), getattr(right, name))


def joined(parts: Iterator[LinkedBatch]) -> LinkedBatch:
    some = list(parts)
    return LinkedBatch(
        [client for part in some for client in part.client_ids],
        np.concatenate([part.kind for part in some]),
        [company for part in some for company in part.company_ids],
        np.concatenate([part.confidence for part in some]),
        RecordBatch(
            [company for part in some for company in part.companies.ids],
            {
                field: [text for part in some for text in part.companies.column(field)]
                for field in FIELDS
            },
        ),
        [why for part in some for why in part.reasons],
        np.concatenate([part.ran for part in some]),
    )


def test_every_client_gets_one_decision_in_its_place() -> None:
    linked = linker().link(client_records(*ASKED))

    assert list(linked.client_ids) == [f"c{place}" for place in range(len(ASKED))]
    assert linked.company_ids == LINKED
    assert linked.kind.tolist() == [LINK if company else NO_MATCH for company in LINKED]


def test_a_linked_client_gets_the_companys_fields_and_others_get_none() -> None:
    companies = linker().link(client_records(*ASKED)).companies

    assert companies.ids == LINKED
    assert companies.column("phone")[:3] == ["03-3816-0008", "06-6345-0002", ""]
    assert companies.column("city")[0] == "文京区"


def test_every_best_candidate_is_explained() -> None:
    why = linker().link(client_records(*ASKED)).reasons

    assert why[0] == "same name but for the legal form" or why[0].startswith("same name")
    assert why[3] == "same corporate number; same phone"
    assert why[2] == why[4] == "no candidate found"


def test_the_order_of_the_clients_does_not_matter() -> None:
    records = client_records(*ASKED)
    order = [6, 2, 0, 5, 4, 3, 1, 7]

    forwards, shuffled = linker().link(records), linker().link(records.take(order))

    assert [shuffled.company_ids[order.index(row)] for row in range(8)] == forwards.company_ids
    assert [shuffled.reasons[order.index(row)] for row in range(8)] == forwards.reasons


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_list_is_linked_the_same_in_batches_of_any_size(size: int) -> None:
    records = client_records(*ASKED, *COMPANIES.values())
    pieces = range(0, len(records), size)

    in_pieces = joined(
        linker().link(records.take(range(begin, min(begin + size, len(records)))))
        for begin in pieces
    )

    assert_equal(in_pieces, linker().link(records))


def test_a_list_longer_than_a_chunk_repeats_the_answers_of_a_short_one() -> None:
    once, times = linker().link(client_records(*ASKED)), 600
    long_list = client_records(*ASKED * times)

    linked = linker().link(long_list)

    assert len(linked) == 8 * times
    assert list(linked.client_ids) == list(long_list.ids)
    assert linked.company_ids == once.company_ids * times
    assert np.array_equal(linked.confidence, np.tile(once.confidence, times))
    assert linked.reasons == once.reasons * times


def test_clients_of_one_id_are_linked_one_by_one() -> None:
    twice = RecordBatch(["same", "same"], {"name": ["五洋建設", "山田"]})

    linked = linker().link(twice)

    assert list(linked.client_ids) == ["same", "same"]
    assert linked.company_ids == ["goyo", ""]


def test_an_empty_list_is_linked_to_an_empty_result() -> None:
    linked = linker().link(client_records())

    assert len(linked) == len(linked.companies) == 0
    assert linked.company_ids == linked.reasons == []


def test_an_empty_table_links_no_client() -> None:
    linked = linker(index=CompanyIndex.build([])).link(client_records(*ASKED))

    assert not linked.kind.any()
    assert set(linked.reasons) == {"no candidate found"}


def test_a_client_list_without_a_name_column_is_linked_by_what_it_has() -> None:
    phones = RecordBatch(["a", "b"], {"phone": ["03-3816-0008", ""]})

    linked = linker(thresholds=Thresholds(link=0.001)).link(phones)

    assert linked.company_ids == ["goyo", ""]


@pytest.fixture
def store(database_url: str) -> Iterator[CompanyStore]:
    with CompanyStore(database_url) as opened:
        opened.create()
        opened.load([company_rows()])
        yield opened


def test_a_refreshed_index_links_like_a_new_one(store: CompanyStore) -> None:
    first = CompanyIndex.of_table(store)
    before = linker(store, first).link(client_records(*ASKED))
    unchanged, _ = first.refresh(store)
    assert_equal(linker(store, unchanged).link(client_records(*ASKED)), before)

    news = {
        "goyo": {**COMPANIES["goyo"], "phone": "03-0000-1111"},
        "new": {"name": "株式会社山田", "phone": "03-1111-2222"},
    }
    store.apply(company_rows(news))
    refreshed, _ = unchanged.refresh(store)
    anew = CompanyIndex.of_table(store)

    followed = linker(store, refreshed).link(client_records(*ASKED))
    rebuilt = linker(store, anew).link(client_records(*ASKED))
    assert followed.company_ids == rebuilt.company_ids
    assert followed.company_ids == ["goyo", "aozora-osaka", "new", *LINKED[3:]]
    assert followed.companies == rebuilt.companies


def test_linked_companies_have_their_current_fields(store: CompanyStore) -> None:
    store.apply(company_rows({"goyo": {**COMPANIES["goyo"], "phone": "03-0000-1111"}}))

    linked = linker(store).link(client_records(*ASKED))

    assert linked.companies.column("phone")[0] == "03-0000-1111"
    assert linked.company_ids == LINKED


def test_a_company_that_closed_after_indexing_is_not_linked(store: CompanyStore) -> None:
    store.apply(company_rows({"goyo": COMPANIES["goyo"]}, closed=["goyo"]))

    linked = linker(store).link(client_records(*ASKED))

    assert linked.kind[0] == NO_MATCH
    assert linked.company_ids == ["", *LINKED[1:]]
    assert linked.companies.ids[0] == linked.companies.column("name")[0] == ""
    assert linked.reasons[0] == "company goyo is no longer in the table"


def test_all_companies_may_have_been_deleted(database_url: str) -> None:
    with CompanyStore(database_url) as empty:
        empty.create()

        linked = linker(empty).link(client_records(*ASKED))

    assert not linked.kind.any()
    assert set(linked.company_ids) == {""}


@dataclass
class CountingSource:
    """An index that counts how often companies are read back."""

    index: CompanyIndex
    asked: int = 0

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        self.asked += 1
        return self.index.fetch(company_ids)


def test_the_source_is_queried_once_however_long_the_list() -> None:
    source = CountingSource(small_index())
    records = client_records(*[ASKED[0]] * 9000)

    linked = linker(source).link(records)

    assert source.asked == 1
    assert linked.company_ids == ["goyo"] * 9000


def test_a_part_of_a_batch_has_the_decisions_of_its_clients() -> None:
    linked = linker().link(client_records(*ASKED))

    part = linked.between(1, 3)

    assert part.company_ids == LINKED[1:3]
    assert part.client_ids == linked.client_ids[1:3]
    assert part.companies.column("name") == linked.companies.column("name")[1:3]


def test_candidates_are_all_that_every_blocker_proposes_best_first() -> None:
    none, aozora = linker().candidates(client_records({}, {"name": "青空商事"}))

    assert none == []
    assert {one.company_id for one in aozora} >= {"aozora-tokyo", "aozora-osaka", "aozora-llc"}
    assert [one.share for one in aozora] == sorted((one.share for one in aozora), reverse=True)
    assert aozora[0].company["name"]


@pytest.mark.parametrize("shown", [129, 300, 1000])
def test_more_candidates_may_be_shown_than_a_policy_sees(shown: int) -> None:
    few, many = (
        replace(linker(), shown=count).link(client_records(*ASKED)).candidates
        for count in (VIEW.max_candidates, shown)
    )

    assert few is not None
    assert many is not None
    assert few.counts.max() > 1
    assert many.counts.tolist() == few.counts.tolist()
    assert many.company_ids == few.company_ids
    assert np.array_equal(many.shares, few.shares)
