"""The deployable folder is complete, or refused with an error."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from linkage_rl.bundle import (
    Golden,
    Settings,
    check_golden,
    golden_answers,
    load_bundle,
    read_golden,
    read_settings,
    write_bundle,
)
from linkage_rl.candidates import keys, registry
from linkage_rl.candidates.blockers import KeyBlocker, NgramBlocker
from linkage_rl.candidates.compared import COMPARED
from linkage_rl.candidates.container import read_arrays
from linkage_rl.candidates.files import sealed, unsealed
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.mapping import open_unverified
from linkage_rl.candidates.storage import save_index
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Thresholds
from linkage_rl.errors import BundleError, ConfigError, OutputError
from linkage_rl.records import DecisionKind
from tests.commands.shop import write_same_name_policy
from tests.full_disk import disk_with_room_for
from tests.small_table import COMPANIES, client_records, company_rows, small_index

SETTINGS = Settings(
    blockers=(KeyBlocker("core", 0.01, 100), NgramBlocker(cost=0.05, budget=500)),
    limit=7,
    max_candidates=3,
    allow_review=False,
    thresholds=Thresholds(link=0.6),
    metrics={"f1": 0.1 + 0.2, "recall": float("nan")},
    origin={"seed": "1"},
)
CALIBRATION = Calibration(np.array([0.0, 1.0]), np.array([0.0, 0.9]))
ASKED = client_records(
    {"name": "㈱五洋建設"},
    {"name": "山田\u2028\u0085商店"},
    {"name": "髙橋製作所", "phone": "\ud800"},
)
"""Names with characters that some take for the end of a line, and one that UTF-8 lacks."""


@dataclass(frozen=True)
class Parts:
    policy: Path
    index: Path


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("parts")
    write_same_name_policy(folder / "policy.onnx", len(SETTINGS.blockers))
    save_index(small_index(), folder / "index")
    return Parts(folder / "policy.onnx", folder / "index")


@pytest.fixture
def bundle(tmp_path: Path, parts: Parts) -> Path:
    folder = tmp_path / "bundle"
    write(folder, parts)
    golden = golden_answers(load_bundle(folder), ASKED)
    write(folder, parts, golden=golden)
    return folder


@dataclass(frozen=True)
class DeepKeyBlocker(KeyBlocker):
    """A blocker class that is not the library's."""

    depth: int = 3


def write(
    folder: Path, parts: Parts, settings: Settings = SETTINGS, golden: list[Golden] | None = None
) -> None:
    write_bundle(folder, parts.policy, CALIBRATION, settings, golden or [], parts.index)


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def change(bundle: Path, name: str, content: bytes) -> None:
    """Replace a file; the index is linked into the bundle, so it must not be written in place."""
    (bundle / name).unlink()
    (bundle / name).write_bytes(content)


def change_manifest(bundle: Path, **content: object) -> None:
    manifest = unsealed((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(sealed({**manifest, **content}))


def test_a_loaded_bundle_links(bundle: Path) -> None:
    linked = load_bundle(bundle).link(ASKED)

    assert linked.company_ids == ["goyo", "", "takahashi"]
    # links at 10 against no match at 0, calibrated down to nine tenths
    assert linked.confidence[0] == pytest.approx(0.9 / (1 + np.exp(-10)))


def test_the_note_of_a_comparison_stays_with_the_index_of_the_table(
    tmp_path: Path, parts: Parts
) -> None:
    (parts.index / COMPARED).write_text("{}")
    write(tmp_path / "written", parts)
    (parts.index / COMPARED).unlink()

    assert f"index/{COMPARED}" not in files_of(tmp_path / "written")


def test_settings_come_back_as_they_were_written(bundle: Path) -> None:
    read = read_settings(bundle)

    assert replace(read, metrics={}) == replace(SETTINGS, metrics={})
    assert read.metrics["f1"] == 0.1 + 0.2
    assert read.metrics["recall"] is None
    # NaN is no JSON
    assert json.loads((bundle / "manifest.json").read_text())["metrics"]["recall"] is None
    assert read.view.costs == (0.01, 0.05)


def test_golden_clients_come_back_whatever_characters_they_hold(bundle: Path) -> None:
    golden = read_golden(bundle)

    assert [client.fields for client in golden] == [
        {"name": "㈱五洋建設"},
        {"name": "山田\u2028\u0085商店"},
        {"name": "髙橋製作所", "phone": "\ud800"},
    ]
    assert [client.company_id for client in golden] == ["goyo", "", "takahashi"]


def test_a_golden_client_that_gets_another_answer_is_refused(bundle: Path) -> None:
    linker = load_bundle(bundle)
    golden = read_golden(bundle)

    with pytest.raises(
        BundleError, match=r"'c0' should get 'link to acme at .*', got 'link to goyo"
    ):
        check_golden(linker, [replace(golden[0], company_id="acme")])
    with pytest.raises(
        BundleError, match=r"'c1' should get 'review at 0\.0.*got 'no_match at 0\.0"
    ):
        check_golden(linker, [replace(golden[1], kind=int(DecisionKind.REVIEW))])
    with pytest.raises(BundleError, match=r"at 0\.899859', got 'link to goyo at 0\.899959'"):
        check_golden(linker, [replace(golden[0], confidence=golden[0].confidence - 1e-4)])


def test_a_bundle_whose_index_gives_other_answers_is_not_loaded(
    tmp_path: Path, parts: Parts, bundle: Path
) -> None:
    other = tmp_path / "other"
    save_index(CompanyIndex.build([company_rows({"acme": COMPANIES["acme"]})]), other)

    write(tmp_path / "wrong", Parts(parts.policy, other), golden=read_golden(bundle))

    with pytest.raises(BundleError, match="golden client 'c0' should get 'link to goyo"):
        load_bundle(tmp_path / "wrong")


def test_a_bundle_links_against_another_state_of_the_table(bundle: Path) -> None:
    renamed = {**COMPANIES, "goyo": {"name": "株式会社ペンタ"}}
    index = CompanyIndex.build([company_rows(renamed)])

    linked = load_bundle(bundle, index=index).link(client_records({"name": "ペンタ"}))

    assert linked.company_ids == ["goyo"]


def test_any_flipped_byte_in_any_file_is_detected(bundle: Path) -> None:
    names = files_of(bundle)

    assert {"manifest.json", "policy.onnx", "golden.jsonl", "index/manifest.json"} < set(names)
    for name in names:
        content = (bundle / name).read_bytes()
        place = len(content) // 2
        change(bundle, name, content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(BundleError, match="export the run again"):
            load_bundle(bundle)
        change(bundle, name, content)
    assert len(load_bundle(bundle).index) == 8


def test_any_missing_file_is_detected(bundle: Path) -> None:
    for name in files_of(bundle):
        content = (bundle / name).read_bytes()
        (bundle / name).unlink()
        with pytest.raises(BundleError):
            load_bundle(bundle)
        (bundle / name).write_bytes(content)


def test_any_changed_byte_of_the_manifest_is_detected(bundle: Path) -> None:
    content = (bundle / "manifest.json").read_bytes()

    for place in range(0, len(content), 7):
        change(bundle, "manifest.json", content[:place] + b"7" + content[place + 1 :])
        if (bundle / "manifest.json").read_bytes() != content:
            with pytest.raises(BundleError, match=r"manifest\.json cannot be read"):
                read_settings(bundle)


def test_a_folder_without_a_bundle_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"found no manifest\.json; give the bundle folder"):
        load_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize(("number", "writer"), [(2, "an earlier version"), (4, "another version")])
def test_a_bundle_of_another_format_is_refused(bundle: Path, number: int, writer: str) -> None:
    change_manifest(bundle, format=number)

    with pytest.raises(
        BundleError, match=rf"of format 3 in .*, got format {number}, which {writer}.*export again"
    ):
        load_bundle(bundle)


def test_a_bundle_of_other_features_is_refused(bundle: Path) -> None:
    change_manifest(bundle, pair_features=["core_ratio"])

    with pytest.raises(BundleError, match="features differ from this library's"):
        load_bundle(bundle)


def test_a_bundle_without_an_index_needs_one(tmp_path: Path, parts: Parts) -> None:
    folder = tmp_path / "slim"
    write_bundle(folder, parts.policy, CALIBRATION, SETTINGS, [])

    with pytest.raises(BundleError, match="written without an index; give database=URL"):
        load_bundle(folder)
    assert load_bundle(folder, small_index()).link(ASKED).company_ids == ["goyo", "", "takahashi"]


def test_a_full_disk_leaves_the_older_bundle_intact(bundle: Path, parts: Parts) -> None:
    before = {name: (bundle / name).read_bytes() for name in files_of(bundle)}

    with disk_with_room_for(500), pytest.raises(OutputError, match="File too large; free space"):
        write(bundle, parts)

    assert {name: (bundle / name).read_bytes() for name in files_of(bundle)} == before
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]
    assert len(load_bundle(bundle).index) == 8


def test_a_full_disk_leaves_no_half_bundle(tmp_path: Path, parts: Parts) -> None:
    with disk_with_room_for(500), pytest.raises(OutputError, match="cannot write the bundle to"):
        write(tmp_path / "new", parts)

    assert list(tmp_path.iterdir()) == []


def test_a_newer_bundle_replaces_the_older_one(bundle: Path, parts: Parts) -> None:
    write(bundle, parts, replace(SETTINGS, thresholds=None, allow_review=True))

    assert read_settings(bundle).thresholds is None
    assert read_settings(bundle).allow_review
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


def test_a_process_continues_to_link_while_its_bundle_is_replaced(
    bundle: Path, parts: Parts
) -> None:
    running = load_bundle(bundle)

    write(bundle, parts, replace(SETTINGS, thresholds=Thresholds(link=0.99)))

    assert running.link(ASKED).company_ids == ["goyo", "", "takahashi"]
    assert load_bundle(bundle).link(ASKED).company_ids == ["", "", ""]


def test_saving_the_index_again_does_not_change_the_bundle(tmp_path: Path, parts: Parts) -> None:
    index = tmp_path / "index"
    save_index(small_index(), index)
    write(tmp_path / "bundle", Parts(parts.policy, index))

    save_index(CompanyIndex.build([company_rows({"acme": COMPANIES["acme"]})]), index)

    assert len(load_bundle(tmp_path / "bundle").index) == 8


def test_a_blocker_that_a_bundle_cannot_hold_is_refused(tmp_path: Path, parts: Parts) -> None:
    class OwnBlocker(KeyBlocker):
        """Proposes otherwise than the blocker that loading would make of it."""

    with pytest.raises(ConfigError, match=r"cannot hold blocker 'core', whose class .*OwnBlocker"):
        write(tmp_path / "bundle", parts, replace(SETTINGS, blockers=(OwnBlocker("core"),)))
    assert list(tmp_path.iterdir()) == []


def test_a_registered_blocker_class_is_written_and_comes_back(
    tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "BLOCKERS", dict(registry.BLOCKERS))
    registry.register(DeepKeyBlocker)
    blockers = (DeepKeyBlocker("core", depth=5), NgramBlocker())

    write(tmp_path / "bundle", parts, replace(SETTINGS, blockers=blockers))

    assert load_bundle(tmp_path / "bundle").blockers == blockers
    registry.BLOCKERS.pop("DeepKeyBlocker")
    with pytest.raises(BundleError, match=r"kind 'DeepKeyBlocker' is not registered"):
        load_bundle(tmp_path / "bundle")


def test_a_key_that_the_library_gained_later_leaves_a_bundle_usable(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(keys.KEYS, "postal", lambda records: (records.postal_code,))

    assert load_bundle(bundle).link(client_records({"name": "五洋建設"})).company_ids == ["goyo"]


def test_a_bundle_whose_key_means_something_else_now_is_refused(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(keys.KEYS, "core", keys.name_key)
    monkeypatch.setattr(keys, "COUNTED", {**keys.COUNTED, "core": keys.name_key})

    with pytest.raises(BundleError, match=r"keys \['core'\] were made by other functions.*train"):
        load_bundle(bundle)


def test_nothing_in_a_bundle_is_a_pickle(bundle: Path) -> None:
    for name in files_of(bundle):
        path = bundle / name
        match path.suffix:
            case ".arrays":
                read_arrays(open_unverified(path, ""), path)
            case ".json":
                json.loads(path.read_text())
            case ".jsonl":
                [json.loads(line) for line in path.read_text().split("\n") if line]
            case suffix:
                assert suffix == ".onnx"
