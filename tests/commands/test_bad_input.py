"""Every fault that a user can correct ends with one clear sentence and nothing half-written."""

import shutil
from pathlib import Path

import pytest

from linkage_rl.tables.store import CompanyStore
from tests.commands.shop import Run

FAULTY_FILES = {
    "missing column": ("company_id,naem\n1,a\n", "did you mean to rename 'naem'?"),
    "duplicate id": ("company_id,name\n1,a\n1,b\n", "company_id '1' is already used on line 2"),
    "ragged": ("company_id,name\n1,a\n2,b,c\n", "line 3: expected 2 fields as in the header"),
    "unclosed quote": ('company_id,name\n1,"a\n', "a quote is opened and never closed"),
    "empty": ("", "expected a header and rows in f.csv, got an empty file"),
    "only a header": ("company_id,name\n", "expected rows in f.csv, got only a header"),
}


@pytest.mark.parametrize("fault", FAULTY_FILES)
def test_a_faulty_company_file_writes_nothing(run: Run, files: Path, fault: str) -> None:
    content, sentence = FAULTY_FILES[fault]
    (files / "f.csv").write_text(content)

    ended = run("companies", "source=f.csv", "database=c.db")

    assert ended.code == 1
    assert sentence in ended.last
    assert ended.last.startswith("error: ")
    assert not (files / "c.db").exists()


@pytest.mark.parametrize("fault", FAULTY_FILES)
def test_a_faulty_client_list_writes_nothing(
    run: Run, files: Path, bundle: Path, fault: str
) -> None:
    content, sentence = FAULTY_FILES[fault]
    (files / "f.csv").write_text(content.replace("company_id", "client_id"))

    ended = run("link", f"bundle={bundle}", "clients=f.csv", "output=o.csv")

    assert ended.code == 1
    assert sentence.replace("company_id", "client_id") in ended.last
    assert not list(files.glob("o.csv*"))


def test_undecodable_bytes_are_refused_with_their_line(run: Run, files: Path) -> None:
    good = "company_id,name\n1,株式会社青空\n2,株式会社海原\n".encode()
    (files / "f.csv").write_bytes(good + b"3,\xff\xfe\xfd\n")

    ended = run("companies", "source=f.csv", "database=c.db")

    assert ended.code == 1
    assert "f.csv line 4: the bytes are not utf-8; save the file as UTF-8" in ended.last


def test_a_fault_in_an_update_leaves_the_table_as_it_was(run: Run, files: Path) -> None:
    run("companies", "source=companies.csv", "database=c.db")
    (files / "f.csv").write_text("company_id,name\nc1,x\nc9,y\nc9,z\n")

    ended = run("companies", "source=f.csv", "database=c.db", "refresh=true")

    assert ended.code == 1
    assert "3 companies, 3 of them open" in run("companies", "database=c.db").out


def test_a_line_break_inside_a_quoted_name_is_valid(run: Run, files: Path, bundle: Path) -> None:
    (files / "list.csv").write_text('client_id,name\nk1,"株式会社\n青空商事"\n', encoding="utf-8")

    ended = run("link", f"bundle={bundle}", "clients=list.csv", "output=o.csv")

    assert ended.code == 0, ended.err
    assert "1 clients, 100.0% linked" in ended.out


def test_an_empty_table_is_not_indexed(run: Run, files: Path) -> None:
    with CompanyStore("sqlite:///empty.db") as store:
        store.create()

    ended = run("companies", "database=empty.db")

    assert ended.code == 1
    assert "expected companies in table 'companies' of sqlite:///empty.db, got none" in ended.last
    assert not (files / "empty.db.index").exists()


def test_an_unreachable_database_is_named_without_its_password(
    run: Run, files: Path, bundle: Path
) -> None:
    url = "postgresql://reader:s3cret@127.0.0.1:1/crm"
    for words in (
        ("companies", "source=companies.csv"),
        ("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv"),
    ):
        ended = run(*words, f"database={url}")

        assert ended.code == 1
        assert "reader:***@127.0.0.1:1/crm" in ended.last
        assert "s3cret" not in ended.out + ended.err
    assert not list(files.glob("o.csv*"))


def test_a_wrong_password_is_refused_and_never_printed(
    run: Run, files: Path, postgres_server: str
) -> None:
    wrong = postgres_server.replace("correct-horse", "s3cret")

    ended = run("companies", "source=companies.csv", f"database={wrong}")

    assert ended.code == 1
    assert "check the user and the password" in ended.last
    assert "s3cret" not in ended.out + ended.err
    assert not any("s3cret" in path.read_text() for path in files.rglob("*.yaml"))


@pytest.mark.parametrize("part", ["policy.onnx", "calibration.json", "index"])
def test_a_bundle_with_a_flipped_byte_is_refused(
    run: Run, files: Path, bundle: Path, part: str
) -> None:
    broken = files / "broken"
    shutil.copytree(bundle, broken)
    path = next((broken / "index").glob("base-*")) if part == "index" else broken / part
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    ended = run("link", "bundle=broken", "clients=clients.csv", "output=o.csv")

    assert ended.code == 1
    assert f"{path.relative_to(files)} is missing or damaged (checksum differs)" in ended.last
    assert not list(files.glob("o.csv*"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("link", "clients=c.csv"), "link needs output=, the file or the database to write"),
        (("link", "clients=c.csv", "output=o.csv", "adapt=true"), "adapt=true needs bundle="),
        (("link", "bundle=b"), "link needs clients=, the client list to link"),
        (("link", "bundle=b", "clients=c", "output=./c"), "would replace the client list"),
        (("evaluate", "bundle=b"), "evaluate needs clients=, a client list with its truth"),
        (("export", "run=r"), "export needs output=, the folder of the new bundle"),
        (("link", "client=c.csv"), "unknown key client; did you mean clients?"),
        (("companies", "refreshed=true"), "unknown key refreshed; did you mean refresh?"),
        (("link", "chunk=ten"), "chunk expects a whole number, got 'ten'"),
        (("companies", "refresh=perhaps"), "refresh expects true or false, got 'perhaps'"),
        (("companies", "table=jpp"), "unknown choice table=jpp; did you mean table=jp?"),
    ],
)
def test_a_wrong_call_is_answered_by_what_to_do(
    run: Run, words: tuple[str, ...], sentence: str
) -> None:
    ended = run(*words)

    assert ended.code == 2
    assert sentence in ended.err
    assert len(ended.err.splitlines()) == 1


def test_an_installation_without_the_configuration_files_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkage_rl.config.command.CONFIGS", tmp_path / "configs")

    ended = run("companies", "source=companies.csv")

    assert ended.code == 2
    assert "found no such folder; install the package again" in ended.last


def test_a_refused_run_leaves_no_folder(run: Run, files: Path) -> None:
    ended = run("train", "seed=-1", "hydra.run.dir=refused")

    assert ended.code == 2
    assert "seed must be at least 0" in ended.last
    assert not (files / "refused").exists()
