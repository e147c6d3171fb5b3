"""`link` without a bundle, and with `adapt=true`: trained once for table and list, then found."""

import csv
import fcntl
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from threading import Event, Thread
from types import ModuleType
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from linkage_rl.errors import ConfigError, SchemaError
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
from linkage_rl.tables.schema import CLIENT_FIELDS
from linkage_rl.training.settings import ListSettings
from tests.commands.shop import CLIENTS, COMPANIES, Run, write_csv

LINK = ("link", "clients=clients.csv", "output=linked.csv", "database=shop.db")


def write_run(folder: Path, words: Sequence[str], finished: bool = True) -> None:
    """What a run leaves of its settings, with `manifest.json` if it is finished."""
    (folder / ".hydra").mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text("seed: 1\n")
    OmegaConf.save(OmegaConf.create(list(words)), folder / ".hydra" / "overrides.yaml")
    hydra = {"runtime": {"cwd": str(folder.parent), "config_sources": []}}
    hydra["job"] = {"config_name": "train"}
    OmegaConf.save(OmegaConf.create({"hydra": hydra}), folder / ".hydra" / "hydra.yaml")
    if finished:
        (folder / "manifest.json").write_text("{}")


@dataclass
class Trainer:
    """Stands in for `linkage_rl.train`: copies a bundle into the run folder at once."""

    bundle: Path
    calls: list[dict[str, str]] = field(default_factory=list)
    """Arguments of each call."""
    fail: BaseException | None = None
    """What the next training ends with."""

    def __call__(self, words: Sequence[str]) -> None:
        parser = OverridesParser.create()
        given = {one.key_or_group: one.value() for one in map(parser.parse_override, words)}
        self.calls.append({key: str(value) for key, value in given.items()})
        run = Path(self.calls[-1].get("resume") or self.calls[-1]["hydra.run.dir"])
        write_run(run, words, finished=False)
        if self.fail is not None:
            error, self.fail = self.fail, None
            raise error
        shutil.copytree(self.bundle, run / "bundle", dirs_exist_ok=True)
        write_run(run, words)


@pytest.fixture
def trainer(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    made = Trainer(bundle)
    monkeypatch.setattr(import_module("linkage_rl.api"), "train", made)
    return made


@pytest.fixture
def shop(run: Run, files: Path) -> Path:
    """A folder with a list, and its table loaded into `shop.db`."""
    assert run("companies", "source=companies.csv", "database=shop.db").code == 0
    return files


def decisions(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as stream:
        return [row["decision"] for row in csv.DictReader(stream)]


def test_without_a_bundle_one_is_trained_for_table_and_list_and_links(
    run: Run, shop: Path, trainer: Trainer
) -> None:
    ended = run(*LINK)

    assert ended.code == 0, ended.err
    assert decisions(shop / "linked.csv") == ["link", "link", "no_match", "link"]
    (call,) = trainer.calls
    assert call["experiment"] == "own"
    assert call["clients.like"] == str(shop / "clients.csv")
    assert call["table.database"] == f"sqlite:///{shop / 'shop.db'}"
    assert call["table.index"] == str(shop / "shop.db.index")
    kept = Path(call["hydra.run.dir"]).parent
    assert kept.parent == shop / "shop.db.index.bundles"
    shown = kept.relative_to(shop)
    assert f"without labels; kept in {shown}\n" in ended.out
    assert f"bundle   {shown / 'run' / 'bundle'}, trained in " in ended.out


def test_the_bundle_is_found_again_by_the_content_of_the_list(
    run: Run, shop: Path, trainer: Trainer
) -> None:
    run(*LINK)
    (shop / "clients.csv").rename(shop / "same.csv")

    ended = run("link", "clients=same.csv", "output=linked.csv", "database=shop.db")

    assert ended.code == 0, ended.err
    assert "trained for this list before" in ended.out
    assert len(trainer.calls) == 1
    assert not list(shop.glob("shop.db.index.bundles/*/cache"))


def test_the_warning_of_a_list_unlike_the_table_is_repeated_when_its_bundle_is_found(
    run: Run, shop: Path, trainer: Trainer
) -> None:
    run(*LINK)
    (bundle,) = shop.glob("shop.db.index.bundles/*/run/bundle")
    warning = "persons.csv seems to be no list of companies"
    said = {"persons": {"warning": warning}, "own": {"warning": ""}}
    (bundle.parent / "metrics.json").write_text(json.dumps({"drawn": said}))

    ended = run(*LINK)

    assert ended.code == 0, ended.err
    assert ended.err.count(warning) == 1


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([*CLIENTS, ("k5", "株式会社青空商事", "", "", "")], ()),
        (CLIENTS, ("columns.phone=担当",)),
        (CLIENTS, ("encoding=utf-8",)),
        (CLIENTS, ("table.mapping.phone=''",)),
    ],
)
def test_another_list_or_way_to_read_it_needs_another_bundle(
    run: Run, shop: Path, trainer: Trainer, rows: list[tuple[str, ...]], words: tuple[str, ...]
) -> None:
    run(*LINK)
    write_csv(shop / "clients.csv", rows)

    ended = run(*LINK, *words)

    assert ended.code == 0, ended.err
    first, second = trainer.calls
    assert first["hydra.run.dir"] != second["hydra.run.dir"]


def test_list_and_table_are_read_in_training_as_in_linking(
    run: Run, shop: Path, trainer: Trainer
) -> None:
    write_csv(shop / "it's 顧客.csv", [("番号", "会社名"), ("7", "株式会社青空商事")])

    ended = run(
        *("link", "clients=it's 顧客.csv", "output=結果.csv", "database=shop.db"),
        *("columns.client_id=番号", "columns.name=会社名", "encoding=utf-8", "header_row=1"),
        "table.mapping.phone=''",
    )

    assert ended.code == 0, ended.err
    (call,) = trainer.calls
    assert call["clients.like"] == str(shop / "it's 顧客.csv")
    assert call["clients.mapping.client_id"] == "番号"
    assert call["clients.mapping.name"] == "会社名"
    assert (call["clients.encoding"], call["clients.header_row"]) == ("utf-8", "1")
    assert call["table.mapping.phone"] == ""
    assert call["table.index"].startswith(str(shop / "shop.db."))


@pytest.mark.parametrize(("companies", "trained"), [(12, 2), (11, 1)])
def test_a_table_of_a_fifth_more_companies_is_learned_anew(
    run: Run, shop: Path, trainer: Trainer, companies: int, trained: int
) -> None:
    header, *known = COMPANIES
    new = [(f"n{place}", f"会社{place}", "", "", "", "") for place in range(20)]
    write_csv(shop / "ten.csv", [header, *known, *new[:7]])
    run("companies", "source=ten.csv", "database=shop.db")
    run(*LINK)

    write_csv(shop / "more.csv", [header, *known, *new[: companies - 3 + (companies > 11)]])
    run("companies", "source=more.csv", "database=shop.db")
    ended = run(*LINK)

    assert ended.code == 0, ended.err
    assert len(trainer.calls) == trained
    assert ("the table had 10 open companies, now 13" in ended.err) == (trained == 2)


def test_a_damaged_bundle_is_trained_anew(run: Run, shop: Path, trainer: Trainer) -> None:
    run(*LINK)
    (policy,) = shop.glob("shop.db.index.bundles/*/run/bundle/policy.onnx")
    policy.write_bytes(b"")

    ended = run(*LINK)

    assert ended.code == 0, ended.err
    assert "training a bundle for this list again" in ended.err
    assert "policy.onnx is missing or damaged" in ended.err
    assert len(trainer.calls) == 2


def test_an_interrupted_training_goes_on(run: Run, shop: Path, trainer: Trainer) -> None:
    trainer.fail = KeyboardInterrupt()
    ended = run(*LINK)
    assert ended.code == 130
    assert "start link again: the training goes on where it stopped" in ended.err

    ended = run(*LINK)

    assert ended.code == 0, ended.err
    first, second = trainer.calls
    assert second["resume"] == first["hydra.run.dir"]
    assert "going on with the training that was interrupted" in ended.out
    assert run(*LINK).code == 0
    assert len(trainer.calls) == 2


def test_a_training_that_cannot_go_on_starts_again(run: Run, shop: Path, trainer: Trainer) -> None:
    trainer.fail = KeyboardInterrupt()
    run(*LINK)
    trainer.fail = ConfigError("the run had another setting")

    ended = run(*LINK)

    assert ended.code == 0, ended.err
    assert "cannot go on, and starts again: the run had another setting" in ended.err
    assert "resume" not in trainer.calls[2]


@pytest.mark.parametrize(("error", "code"), [(ConfigError, 2), (SchemaError, 1)])
def test_what_the_training_refuses_is_said_and_nothing_is_left(
    run: Run, shop: Path, trainer: Trainer, error: Callable[[str], BaseException], code: int
) -> None:
    trainer.fail = error("the table has 3 rows; learning from it needs 200")

    ended = run(*LINK)

    assert (ended.code, ended.last) == (
        code,
        "error: the table has 3 rows; learning from it needs 200",
    )
    assert not (shop / "shop.db.index.bundles").exists()
    assert not (shop / "linked.csv").exists()


def test_worker_processes_link_with_the_bundle_that_was_trained(
    run: Run, shop: Path, trainer: Trainer
) -> None:
    ended = run(*LINK, "chunk=2", "workers=2")

    assert ended.code == 0, ended.err
    assert decisions(shop / "linked.csv") == ["link", "link", "no_match", "link"]
    assert len(trainer.calls) == 1


def test_an_interrupted_output_goes_on_with_the_bundle_that_was_found(
    run: Run, shop: Path, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("linkage_rl.config.link_passes")
    linked = module.link_chunk
    left = iter([True])

    def interrupted(*words: object) -> object:
        if next(left, False):
            return linked(*words)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "link_chunk", interrupted)
        assert run(*LINK, "chunk=2").code == 130
    state = json.loads((shop / "linked.csv.partial.json").read_text())
    assert state["finished"] == 2
    rows: list[int] = []

    def counted(*words: Any) -> object:
        rows.append(len(words[2]))
        return linked(*words)

    monkeypatch.setattr(module, "link_chunk", counted)

    assert run(*LINK, "chunk=2").code == 0

    assert rows == [2]
    assert len(decisions(shop / "linked.csv")) == 4
    assert len(trainer.calls) == 1


def test_a_second_process_waits_for_the_first(
    run: Run, shop: Path, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(*LINK)
    (lock,) = shop.glob("shop.db.index.bundles/*.lock")
    module, held, waits = import_module("linkage_rl.config.own_bundle"), Event(), Event()
    said: list[str] = []

    def hold() -> None:
        with lock.open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            held.set()
            waits.wait(30)

    def say(text: str) -> None:
        said.append(text)
        waits.set()

    monkeypatch.setattr(module, "say", say)
    thread = Thread(target=hold)
    thread.start()
    held.wait(30)

    ended = run(*LINK)

    thread.join()
    assert ended.code == 0, ended.err
    assert said[0] == "another process trains a bundle for this list: waiting for it"
    assert "trained for this list before" in said[1]
    assert len(trainer.calls) == 1


def test_the_database_of_the_environment_is_used(
    run: Run, shop: Path, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{shop / 'shop.db'}")

    ended = run("link", "clients=clients.csv", "output=linked.csv")

    assert ended.code == 0, ended.err
    assert trainer.calls[0]["table.database"] == f"sqlite:///{shop / 'shop.db'}"


def test_without_table_or_place_for_the_output_nothing_is_trained(
    run: Run, shop: Path, trainer: Trainer
) -> None:
    ended = run("link", "clients=clients.csv", "output=linked.csv")
    assert ended.code == 1
    assert "outputs/companies.db" in ended.last

    ended = run(*LINK, "output=missing/linked.csv")
    assert ended.code == 1
    assert ended.last == (
        "error: cannot write missing/linked.csv: No such file or directory; choose another folder"
    )
    assert trainer.calls == []


def test_without_the_libraries_of_training_a_sentence_says_what_to_install(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_torch(name: str) -> ModuleType:
        if name == "linkage_rl.train":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return import_module(name)

    monkeypatch.setattr("importlib.import_module", without_torch)

    ended = run(*LINK)

    assert ended.code == 2
    assert "needs torch: pip install 'linkage_rl[train]', or give bundle=DIR" in ended.last


@pytest.fixture
def labelled(shop: Path, bundle: Path) -> Path:
    """The bundle of a run on labelled lists, in its run folder."""
    run = shop / "earlier" / "one"
    write_run(run, ["clients.train={crm: a.csv}", "seed=7", "cache=elsewhere", "+x.y=2"])
    shutil.copytree(bundle, run / "bundle")
    return run / "bundle"


def test_a_bundle_is_adapted_from_the_arguments_of_its_run_and_the_list(
    run: Run, shop: Path, trainer: Trainer, labelled: Path
) -> None:
    words = (*LINK, f"bundle={labelled}", "adapt=true")
    ended = run(*words)

    assert ended.code == 0, ended.err
    (call,) = trainer.calls
    assert (call["clients.train"], call["seed"]) == ("{'crm': 'a.csv'}", "7")
    assert f"'this_list': '{shop / 'clients.csv'}'" in call["clients.like"]
    assert call["table.database"] == f"sqlite:///{shop / 'shop.db'}"
    assert Path(call["cache"]).parent.parent == shop / "shop.db.index.bundles"
    assert "trained for this list before" in run(*words).out
    assert "trained in" in run(*LINK).out
    assert len(trainer.calls) == 2


def test_without_a_database_an_adapted_bundle_brings_its_index(
    run: Run, shop: Path, trainer: Trainer, labelled: Path
) -> None:
    words = ("link", "clients=clients.csv", "output=linked.csv", f"bundle={labelled}", "adapt=true")
    assert run(*words).code == 0
    ended = run(*words)

    assert ended.code == 0, ended.err
    (call,) = trainer.calls
    assert "table.database" not in call
    assert Path(call["cache"]).parent.parent == Path(f"{labelled}.adapted")
    assert decisions(shop / "linked.csv") == ["link", "link", "no_match", "link"]


def test_a_list_with_other_columns_is_copied_for_a_run_with_the_usual_ones(
    run: Run, shop: Path, trainer: Trainer, labelled: Path
) -> None:
    settings = {"clients": asdict(ListSettings())}
    OmegaConf.save(OmegaConf.create(settings), labelled.parent / "config.yaml")
    header = ("番号", "会社名", "company_id")
    write_csv(shop / "顧客.csv", [header, ("7", "株式会社青空商事", "c1")])
    words = ("link", "clients=顧客.csv", "output=結果.csv", f"bundle={labelled}", "adapt=true")

    ended = run(*words, "columns.client_id=番号", "columns.name=会社名")

    assert ended.code == 0, ended.err
    (copy,) = Path(f"{labelled}.adapted").glob("*/list.csv")
    assert str(copy) in trainer.calls[0]["clients.like"]
    with copy.open(encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert {key: text for key, text in row.items() if text} == {
        "client_id": "7",
        "name": "株式会社青空商事",
    }


def test_a_list_that_is_read_unlike_the_lists_of_the_run_is_refused(
    run: Run, shop: Path, trainer: Trainer, labelled: Path
) -> None:
    (labelled.parent / "config.yaml").write_text("clients:\n  mapping:\n    name: 名義\n")

    ended = run(*LINK, f"bundle={labelled}", "adapt=true")

    assert ended.code == 2
    assert "reads its lists with clients.mapping.name=名義" in ended.last
    assert trainer.calls == []


def test_a_bundle_without_its_run_cannot_be_adapted(
    run: Run, shop: Path, trainer: Trainer, bundle: Path
) -> None:
    ended = run(*LINK, f"bundle={bundle}", "adapt=true")

    assert ended.code == 2
    assert "has no config.yaml" in ended.last
    assert "clients.like=clients.csv" in ended.last


TINY = (
    *("debug=fast", "training.progress=false", "training.total_timesteps=1_024"),
    *("training.evaluations=1", "training.warm_start.updates=10", "agent.n_envs=64"),
    *("training.warm_start.value_updates=10", "training.warm_start.samples=500"),
    *("agent.refine.batch_size=512", "agent.scratch.batch_size=512", "ranker.epochs=4"),
    *("own_table.broad=400", "own_table.train=800", "own_table.valid=300", "own_table.test=200"),
)
"""Sizes that train in seconds."""


def write_sample(folder: Path) -> None:
    """Files of 500 companies, and of 200 clients of a generated table, with their truth."""
    sample = SampleConfig(companies=500, clients=300)
    (rows,) = generate_companies(sample)
    columns = rows.records.columns
    lines = zip(rows.records.ids, *columns.values(), strict=True)
    write_csv(folder / "companies.csv", [("company_id", *columns), *lines])
    clients = generate_clients(sample, "train")
    fields = {name: clients.records.column(name) for name in CLIENT_FIELDS}
    lines = zip(clients.records.ids, *fields.values(), clients.truth or [], strict=True)
    write_csv(folder / "clients.csv", [("client_id", *fields, "company_id"), *lines])


@pytest.mark.slow
def test_a_newcomer_gets_from_two_files_to_a_linked_list_and_adapts_the_bundle(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real training, in tiny sizes."""
    write_sample(tmp_path)
    module = import_module("linkage_rl.config.own_bundle")
    words = module.own_words
    monkeypatch.setattr(module, "own_words", lambda settings: [*words(settings), *TINY])
    assert run("companies", "source=companies.csv", "database=shop.db").code == 0

    once = (*LINK, "run_id=1", "linked_at=2026-01-31T09:00:00Z")

    ended = run(*once)

    assert ended.code == 0, ended.err
    with (tmp_path / "linked.csv").open(encoding="utf-8") as stream:
        linked = [row for row in csv.DictReader(stream) if row["decision"] == "link"]
    right = [row for row in linked if row["company_id"] in row["client_company_id"].split("|")]
    assert len(linked) > 50
    assert len(right) > 0.7 * len(linked)
    (bundle,) = tmp_path.glob("shop.db.index.bundles/*/run/bundle")
    assert not (bundle.parent.parent / "cache").exists()
    again = run(*once, "output=again.csv").out.splitlines()
    assert again[1].startswith(f"bundle   {bundle.relative_to(tmp_path)}")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "linked.csv").read_bytes()

    lines = (tmp_path / "clients.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "new.csv").write_text("".join(lines[:120]), encoding="utf-8")
    ended = run(*LINK, "clients=new.csv", f"bundle={bundle}", "adapt=true")

    assert ended.code == 0, ended.err
    assert "run/bundle: learning from the lists of its run, the table and this list" in ended.out
    assert len(list(tmp_path.glob("shop.db.index.bundles/*/run/bundle"))) == 2


@pytest.mark.slow
def test_a_table_that_is_too_small_is_refused_in_the_words_of_the_training(
    run: Run, shop: Path
) -> None:
    ended = run(*LINK)

    assert ended.code == 1
    assert "needs a company table of at least 200 rows, got 3" in ended.last
    assert not (shop / "shop.db.index.bundles").exists()
