"""What every blocker must do, whatever it looks at."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Blocker, Clients, Proposals
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.segment import Segment
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.errors import ConfigError
from tests.small_table import COMPANIES, clients, company_rows, small_index

BLOCKERS = CandidateSettings().blockers()
ODD: tuple[dict[str, str], ...] = (
    {},
    {"name": "・・・"},
    {"name": "東"},
    {"name": "a", "phone": "1", "postal_code": "1", "corporate_number": "1", "url": "."},
    {"name": "株式会社"},
    {"name": "五洋建設" * 2500, "street": "1" * 10_000},
    {"name": "\ud800\0\n", "name_kana": "\u3099", "name_en": "\u2028"},
)
LIMIT = 6


def ask(blocker: Blocker, index: CompanyIndex, asking: Clients) -> Proposals:
    return index.propose(blocker, asking, np.arange(len(asking)), LIMIT)


@pytest.mark.parametrize("blocker", BLOCKERS, ids=lambda blocker: blocker.name)
class TestEveryBlocker:
    def test_proposals_come_by_falling_retrieval_score_in_the_unit_interval(
        self, blocker: Blocker
    ) -> None:
        found = ask(blocker, small_index(), clients(*COMPANIES.values()))

        present = found.rows >= 0
        assert present.any()
        assert (np.diff(found.retrieval_score, axis=1) <= 0).all()
        assert ((found.retrieval_score > 0) == present).all()
        assert found.retrieval_score.max() <= 1

    def test_no_company_is_proposed_twice(self, blocker: Blocker) -> None:
        for rows in ask(blocker, small_index(), clients(*COMPANIES.values())).rows:
            real = rows[rows >= 0].tolist()
            assert len(set(real)) == len(real)

    def test_empty_places_come_last(self, blocker: Blocker) -> None:
        present = ask(blocker, small_index(), clients(*COMPANIES.values())).rows >= 0

        assert (np.diff(present.astype(int), axis=1) <= 0).all()

    def test_a_client_without_the_field_gets_nothing(self, blocker: Blocker) -> None:
        asking = clients(*ODD, *COMPANIES.values())

        nothing = (ask(blocker, small_index(), asking).rows == -1).all(axis=1)

        assert nothing[~blocker.applies_to(asking)].all()

    def test_a_batch_gives_each_client_what_it_gets_by_itself(self, blocker: Blocker) -> None:
        index, asking = small_index(), clients(*COMPANIES.values(), *ODD)

        together = ask(blocker, index, asking)

        for place in range(len(asking)):
            single = index.propose(blocker, asking, np.array([place]), LIMIT)
            assert np.array_equal(single.rows[0], together.rows[place])
            assert np.array_equal(single.retrieval_score[0], together.retrieval_score[place])

    def test_a_row_that_is_not_alive_is_never_proposed(self, blocker: Blocker) -> None:
        base = small_index().parts[0].segment
        alive = np.zeros(len(base), dtype=np.uint8)

        found = blocker.propose(base, alive, clients(*COMPANIES.values()), np.arange(8), LIMIT)

        assert (found.rows == -1).all()

    def test_a_smaller_limit_cuts_the_list_and_changes_nothing_else(self, blocker: Blocker) -> None:
        index, asking = small_index(), clients(*COMPANIES.values())

        assert np.array_equal(
            index.propose(blocker, asking, np.arange(8), 2).rows,
            ask(blocker, index, asking).rows[:, :2],
        )

    def test_an_empty_table_proposes_nothing(self, blocker: Blocker) -> None:
        found = ask(blocker, CompanyIndex.build([]), clients(*COMPANIES.values(), *ODD))

        assert (found.rows == -1).all()

    def test_no_clients_get_no_proposals(self, blocker: Blocker) -> None:
        assert ask(blocker, small_index(), clients()).rows.shape == (0, LIMIT)

    def test_unusual_companies_and_clients_do_not_break_it(self, blocker: Blocker) -> None:
        odd = {f"{place}": fields for place, fields in enumerate(ODD)}

        found = ask(blocker, CompanyIndex.build([company_rows(odd)]), clients(*ODD))

        assert found.rows.shape == (len(ODD), LIMIT)

    def test_its_cost_is_not_negative_and_it_has_a_name(self, blocker: Blocker) -> None:
        assert blocker.cost >= 0
        assert blocker.name


@dataclass(frozen=True)
class Same:
    """Proposes the same rows for every client."""

    rows: NDArray[np.int64]
    name: str = "same"
    cost: float = 0.0

    def applies_to(self, clients: Clients) -> NDArray[np.bool_]:
        return np.ones(len(clients), dtype=np.bool_)

    def propose(
        self,
        segment: Segment,
        alive: NDArray[np.uint8],
        clients: Clients,
        chosen: NDArray[np.int64],
        limit: int,
    ) -> Proposals:
        return Proposals(self.rows, np.ones(self.rows.shape, dtype=np.float32))


@pytest.mark.parametrize(
    "rows",
    [
        np.full((2, LIMIT), len(COMPANIES)),
        np.full((2, LIMIT), -2),
        np.full((2, LIMIT), 2**40),
        np.zeros((2, LIMIT), dtype=np.int32),
        np.zeros((1, LIMIT), dtype=np.int64),
        np.zeros((2, LIMIT + 1), dtype=np.int64),
    ],
)
def test_rows_and_shapes_that_there_are_not_are_refused_by_name(rows: NDArray[np.int64]) -> None:
    asking = clients(COMPANIES["goyo"], COMPANIES["acme"])
    fine = Same(np.full((2, LIMIT), len(COMPANIES) - 1))

    assert (ask(fine, small_index(), asking).rows == len(COMPANIES) - 1).all()
    with pytest.raises(ConfigError, match="blocker 'same' proposed rows"):
        ask(Same(rows), small_index(), asking)
