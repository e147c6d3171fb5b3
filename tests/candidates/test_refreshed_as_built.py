"""However often it is refreshed, an index answers as one built from scratch would."""

from pathlib import Path

import numpy as np
import pytest

from linkage_rl.candidates.blockers import Blocker, Clients, NgramBlocker
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.features.matrix import pair_features
from linkage_rl.records import FIELDS
from linkage_rl.tables.store import CompanyStore
from tests.small_table import clients, company_rows
from tests.stored_table import index_of, run_sql


class RandomEdits:
    """Inserts, changes, closes, reopens and deletes companies, a few at a time."""

    def __init__(self, store: CompanyStore, seed: int) -> None:
        self.store = store
        self.rng = np.random.default_rng(seed)
        self.ids = [f"{number:03d}" for number in range(30)]

    def draw(self) -> dict[str, str]:
        name = "".join(self.rng.choice(list("青空海山商事"), size=3))
        city = str(self.rng.choice(["千代田区", "文京区", ""]))
        return {
            "name": f"株式会社{name}",
            "prefecture": "東京都",
            "city": city,
            "street": f"後楽{self.rng.integers(1, 3)}-2" if city else "",
            "phone": f"03-3816-000{self.rng.integers(0, 5)}",
        }

    def edit(self) -> None:
        for company_id in self.rng.choice(self.ids, size=4, replace=False).tolist():
            if self.rng.random() < 0.2:
                run_sql(self.store.url, f"DELETE FROM companies WHERE company_id = '{company_id}'")
            else:
                closed = [company_id] if self.rng.random() < 0.2 else []
                self.store.apply(company_rows({company_id: self.draw()}, closed))

    def clients(self) -> list[dict[str, str]]:
        return [self.draw() for _ in range(12)]


@pytest.mark.parametrize("seed", [0, 1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_refreshed_index_answers_as_one_built_from_scratch(database_url: str, seed: int) -> None:
    with CompanyStore(database_url) as store:
        store.create()
        edits = RandomEdits(store, seed)
        store.load([company_rows({company_id: edits.draw() for company_id in edits.ids[:20]})])
        followed = index_of(store)
        for _ in range(6):
            edits.edit()
            followed, _ = followed.refresh(store)

            built = index_of(store)

            agree(followed, built, edits.clients())


def test_names_that_nobody_has_any_more_take_the_place_of_no_other(tmp_path: Path) -> None:
    few = NgramBlocker(documents=1)
    names = {"a": "青空海山商事", "b": "青空海山", "c": "青空商会"}
    unlike = {f"{number}": {"name": f"第{number}丸菱工業"} for number in range(20)}
    with CompanyStore(f"sqlite:///{tmp_path}/companies.db") as store:
        store.create()
        rows = {company_id: {"name": name} for company_id, name in names.items()}
        store.load([company_rows({**rows, **unlike})])
        before = index_of(store)
        store.apply(company_rows({"a": {"name": "丸木"}, "b": {"name": "角田"}}))
        followed, _ = before.refresh(store)
        built = index_of(store)

    asking = clients({"name": "青空海山商事"})
    assert [*proposed(before, few, asking, 0)] == ["a"]
    assert [*proposed(followed, few, asking, 0)] == ["c"]
    assert proposed(followed, few, asking, 0) == proposed(built, few, asking, 0)


def agree(followed: CompanyIndex, built: CompanyIndex, asked: list[dict[str, str]]) -> None:
    """Equal holdings, counts, weights and proposals; companies of equal score in any order."""
    assert len(followed) == len(built)
    rows = np.arange(len(built))
    ids = built.company_ids(rows)
    same = followed.find(ids)
    assert (same >= 0).all()
    for field in FIELDS:
        assert followed.records(same).column(field) == built.records(rows).column(field)
    assert np.array_equal(followed.counts(same), built.counts(rows))
    assert np.array_equal(followed.base.idf, built.base.idf)
    assert np.array_equal(followed.offices.keys, built.offices.keys)
    assert np.array_equal(followed.offices.shares, built.offices.shares)
    asking = clients(*asked)
    assert np.array_equal(followed.name_frequencies(asking), built.name_frequencies(asking))
    assert np.array_equal(
        followed.former_name_frequencies(asking), built.former_name_frequencies(asking)
    )
    of_pair = np.repeat(np.arange(len(asking)), len(rows))
    compared, expected = (
        pair_features(index, asking, of_pair, np.tile(held, len(asking)))
        for index, held in ((followed, same), (built, rows))
    )
    assert np.array_equal(compared, expected)
    for blocker in CandidateSettings().blockers():
        for client in range(len(asking)):
            assert proposed(followed, blocker, asking, client) == proposed(
                built, blocker, asking, client
            )


def proposed(
    index: CompanyIndex, blocker: Blocker, asking: Clients, client: int
) -> dict[str, float]:
    """Retrieval score of each company proposed."""
    found = index.propose(blocker, asking, np.array([client]), 40)
    rows = found.rows[0]
    ids = index.company_ids(rows[rows >= 0])
    return dict(zip(ids, found.retrieval_score[0].tolist(), strict=False))
