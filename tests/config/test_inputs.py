"""Which database a command uses: one rule for all of them."""

from pathlib import Path

import pytest

from linkage_rl.config.inputs import TableChoice, choose_database, database_of
from linkage_rl.errors import ConfigError, DatabaseError
from linkage_rl.tables.store import CompanyStore
from linkage_rl.train import TrainSettings, with_database_url
from linkage_rl.training.settings import ListSettings

ENVIRONMENT = {"DATABASE_URL": "postgresql://reader:hunter2@host/crm"}


@pytest.mark.parametrize(
    ("database", "of_table", "bundle", "environ", "said"),
    [
        ("a.db", "b.db", "dir", ENVIRONMENT, "sqlite:///a.db (from database=)"),
        ("", "b.db", "dir", ENVIRONMENT, "sqlite:///b.db (from table.database)"),
        (
            "",
            "",
            "dir",
            ENVIRONMENT,
            "postgresql+psycopg://reader:***@host/crm (from DATABASE_URL)",
        ),
        (
            *("", "", "dir", {"DB_HOST": "db", "DB_NAME": "crm"}),
            "postgresql+psycopg://db/crm (from DB_HOST)",
        ),
        ("", "", "", {}, "sqlite:///outputs/companies.db (no database is given)"),
    ],
)
def test_the_first_of_setting_table_environment_and_default_is_taken(
    database: str, of_table: str, bundle: str, environ: dict[str, str], said: str
) -> None:
    chosen = choose_database(database, TableChoice(database=of_table), bundle, environ)

    assert chosen.said("companies") == f"table    companies of {said}"


def test_without_any_database_a_bundle_links_with_its_own_index() -> None:
    chosen = choose_database("", TableChoice(), "bundles/jp", {})

    assert chosen.url is None
    assert chosen.said("companies", "bundles/jp") == (
        "table    the index of bundles/jp (no database is given)"
    )


@pytest.mark.parametrize(
    ("clients", "database"),
    [
        (ListSettings(own=True), "postgresql+psycopg://reader:hunter2@host/crm"),
        (ListSettings(), ""),
    ],
)
def test_training_takes_the_environment_unless_its_clients_belong_to_the_drawn_table(
    clients: ListSettings, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", ENVIRONMENT["DATABASE_URL"])

    settings = with_database_url(TrainSettings(clients=clients))

    assert settings.table.database == database


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("jdbc:postgresql://host/crm?user=u&password=hunter2", "got one in the form of JDBC"),
        ("host=db dbname=crm password=hunter2", "got one in the form of 'host=... dbname=...'"),
        ("postgresql+asyncpg://u:hunter2@host/crm", r"write postgresql\+psycopg://"),
        ("mysql+aiomysql://u:hunter2@host/crm", r"write mysql\+pymysql://"),
        ("duckdb:///crm.duckdb", "companies source=companies.parquet"),
    ],
)
def test_an_address_of_another_form_is_refused_and_no_file_name(text: str, sentence: str) -> None:
    with pytest.raises(DatabaseError, match=sentence) as error:
        database_of(text)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("crm.duckdb", b"\0" * 8 + b"DUCK" + b"\0" * 9, "companies source=companies.parquet"),
        ("companies.parquet", b"PAR1 and more than that", "companies source=.*companies.parquet"),
        ("companies.csv", b"company_id,name\n1,Apex\n", "companies source=.*companies.csv"),
    ],
)
def test_a_file_that_is_no_sqlite_database_is_left_as_it_is(
    name: str, content: bytes, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(DatabaseError, match=sentence):
        CompanyStore(database_of(str(path)))
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("key", "value"),
    [("timeout_s", 0.0), ("retry_s", -1.0), ("rows_per_page", 0), ("rows_per_s", -1)],
)
def test_a_limit_that_makes_no_sense_is_refused(key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"table.{key} must be"):
        TableChoice(**{key: value})  # type: ignore[arg-type]
