"""An index made by other key functions than today's is built again or refused, never searched."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from linkage_rl.candidates import keys, versions
from linkage_rl.candidates.blockers import KeyBlocker
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.refresh import open_index
from linkage_rl.candidates.settings import DEFAULT_COST, BlockerCosts, CandidateSettings
from linkage_rl.candidates.storage import load_index, save_index
from linkage_rl.candidates.versions import Versions
from linkage_rl.errors import CandidateIndexError, ConfigError
from linkage_rl.records import CanonicalBatch
from linkage_rl.tables.store import CompanyStore
from tests.small_table import clients, company_rows, small_index

Texts = Sequence[Sequence[str]]


def postal_key(records: CanonicalBatch) -> Texts:
    return (records.postal_code,)


def area_code_key(records: CanonicalBatch) -> Texts:
    return ([phone[:2] for phone in records.phone],)


def found_by(index: CompanyIndex, key: str, **client: str) -> str:
    row = index.propose(KeyBlocker(key), clients(client), np.arange(1), 1).rows[0, 0]
    return index.company_ids(np.array([row]))[0] if row >= 0 else ""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_index(small_index(), tmp_path / "index")
    return tmp_path / "index"


def test_an_index_without_a_new_key_is_refused_with_the_remedy(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(keys.KEYS, "postal", postal_key)

    with pytest.raises(CandidateIndexError, match=r"lacks the keys \['postal'\]; build it again"):
        load_index(saved)


def test_an_index_whose_key_function_changed_is_refused(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for table in (keys.KEYS, keys.COUNTED):
        monkeypatch.setitem(table, "phone", area_code_key)

    with pytest.raises(CandidateIndexError, match=r"keys \['phone'\] were made by other functions"):
        load_index(saved)


def test_an_index_that_files_companies_otherwise_is_refused(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "FILED", {**keys.FILED, "core": keys.former_name_filing})

    with pytest.raises(CandidateIndexError, match=r"keys \['core'\] were made by other functions"):
        load_index(saved)


def test_an_index_that_counts_other_keys_is_refused(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "COUNTED", {"name": keys.name_key})

    with pytest.raises(CandidateIndexError, match=r"this version \['name'\]; build it again"):
        load_index(saved)


def test_an_index_of_other_ngrams_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linkage_rl.candidates.encode.GRAM_BUCKETS", 1 << 10)

    with pytest.raises(CandidateIndexError, match="names and n-grams are written otherwise"):
        load_index(saved)


def test_a_key_that_no_blocker_needs_may_be_missing(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(keys.KEYS, "postal", postal_key)

    index = load_index(saved, keys=["core"])

    assert found_by(index, "core", name="五洋建設") == "goyo"
    assert "postal" not in index.base.keys


def test_a_key_that_was_removed_does_no_harm(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(keys.KEYS, "phone")

    assert found_by(load_index(saved, keys=["core"]), "core", name="五洋建設") == "goyo"


def test_the_index_of_a_database_is_built_again_with_a_new_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with CompanyStore(f"sqlite:///{tmp_path / 'companies.db'}") as store:
        store.create()
        store.load([company_rows()])
        open_index(store, tmp_path / "index", progress=False)
        monkeypatch.setitem(keys.KEYS, "postal", postal_key)

        index = open_index(store, tmp_path / "index", progress=False)

    assert found_by(index, "postal", postal_code="1128576") == "goyo"
    assert "building the index again" in caplog.text
    assert "postal" in load_index(tmp_path / "index").base.keys


def test_training_has_an_index_of_exactly_its_code(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "code_digest", lambda *packages: "edited")

    assert len(load_index(saved)) == 8
    with pytest.raises(CandidateIndexError, match="was edited since; build it again"):
        load_index(saved, same_code=True)


def test_a_refreshed_index_remembers_the_code_that_built_its_base(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as edited:
        edited.setattr(versions, "code_digest", lambda *packages: "edited")
        save_index(load_index(saved), saved)

    assert len(load_index(saved, same_code=True)) == 8


def test_a_loaded_index_is_saved_without_writing_its_base_again(saved: Path) -> None:
    before = sorted(saved.glob("base-*"))

    save_index(load_index(saved), saved)

    assert sorted(saved.glob("base-*")) == before


def test_versions_are_equal_whenever_they_are_taken() -> None:
    assert Versions.current() == Versions.current()


def test_a_key_without_a_cost_of_its_own_has_the_default_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(keys.KEYS, "postal", postal_key)

    costs = {
        one.name: one.cost for one in CandidateSettings(costs=BlockerCosts(phone=1)).blockers()
    }

    assert costs["postal"] == DEFAULT_COST
    assert costs["phone"] == 1


def test_a_key_function_must_give_one_text_per_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keys.KEYS, "postal", lambda records: (records.postal_code[:1],))

    with pytest.raises(ConfigError, match=re.escape("'postal' gave [1] texts for 2 records")):
        clients({"name": "青空"}, {"name": "海"})


def test_a_key_cannot_be_counted_by_another_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keys.KEYS, "core", keys.name_key)

    with pytest.raises(ConfigError, match="key 'core' has different functions in KEYS and COUNTED"):
        clients({"name": "青空"})


def test_an_index_that_was_built_again_is_of_the_running_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with CompanyStore(f"sqlite:///{tmp_path / 'companies.db'}") as store:
        store.create()
        store.load([company_rows()])
        open_index(store, tmp_path / "index", progress=False)
        monkeypatch.setattr(versions, "code_digest", lambda *packages: "edited")
        for _ in range(2):
            open_index(store, tmp_path / "index", progress=False, same_code=True)

    # an edit that changes no key or n-gram costs one rebuild, not one at every start
    assert caplog.text.count("building the index again") == 1
