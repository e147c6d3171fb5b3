"""Where the database is: environment variables in the order of the reference system."""

import json
from collections.abc import Mapping

import pytest

from linkage_rl.errors import DatabaseError
from linkage_rl.tables.credentials import database_url, parse_url, shown


class Vault:
    """A secrets client that holds one secret."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_secret_value(self, *, SecretId: str) -> Mapping[str, object]:
        return {"SecretString": self.text}


def test_a_database_url_goes_before_all_other_settings() -> None:
    url = database_url({"DATABASE_URL": "sqlite:///a.db", "DB_HOST": "db", "DB_NAME": "x"})

    assert str(url) == "sqlite:///a.db"


def test_five_variables_make_a_postgresql_url_whatever_the_password_holds() -> None:
    url = database_url(
        {"DB_HOST": "db", "DB_PORT": "5433", "DB_NAME": "n", "DB_USER": "u", "DB_PASS": "p@ss/w:d"}
    )

    assert (url.host, url.port, url.database, url.username) == ("db", 5433, "n", "u")
    assert url.password == "p@ss/w:d"
    assert shown(url) == "postgresql+psycopg://u:***@db:5433/n"


def test_a_secret_gives_host_user_and_password_and_a_variable_fills_its_gap() -> None:
    secret = json.dumps({"host": "rds", "port": 5432, "username": "u", "password": "s"})

    url = database_url({"DB_SECRET_ARN": "arn", "DB_NAME": "n"}, Vault(secret))

    assert url.render_as_string(hide_password=False) == "postgresql+psycopg://u:s@rds:5432/n"


def test_a_secret_that_is_no_json_is_refused_without_showing_it() -> None:
    with pytest.raises(DatabaseError, match="expected a JSON secret") as error:
        database_url({"DB_SECRET_ARN": "arn"}, Vault("hunter2"))
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "got no settings; set DATABASE_URL, or DB_HOST"),
        ({"DB_HOST": "db", "DB_NAME": "n", "DB_PORT": "five"}, "expected a number in DB_PORT"),
        ({"DATABASE_URL": "db:hunter2@host"}, "expected a database URL like"),
    ],
)
def test_settings_that_name_no_database_say_what_to_set(
    environ: Mapping[str, str], sentence: str
) -> None:
    with pytest.raises(DatabaseError, match=sentence) as error:
        database_url(environ)
    assert "hunter2" not in str(error.value)


def test_options_of_a_url_are_not_shown_because_they_may_hold_a_password() -> None:
    url = parse_url("postgresql://host/name?user=u&password=hunter2")

    assert shown(url) == "postgresql+psycopg://host/name"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_a_line_break_at_the_end_is_no_part_of_a_secret(end: str) -> None:
    parts = {"DB_HOST": "h", "DB_PORT": "5433", "DB_NAME": "crm", "DB_USER": "u", "DB_PASS": " s "}
    secret = {"host": "h", "dbname": "crm", "username": "u", "password": "p"}

    by_parts = database_url({name: text + end for name, text in parts.items()})
    by_url = database_url({"DATABASE_URL": f"postgresql://u:p@h/crm{end}"})
    by_secret = database_url(
        {"DB_SECRET_ARN": f"arn{end}"},
        Vault(json.dumps({key: text + end for key, text in secret.items()})),
    )

    # a blank may be meant, a line break is what `echo` and editors leave
    assert by_parts.render_as_string(hide_password=False).endswith("u: s @h:5433/crm")
    assert by_url.database == "crm"
    assert (by_secret.host, by_secret.database, by_secret.password) == ("h", "crm", "p")


@pytest.mark.parametrize(
    ("engine", "driver"),
    [
        ("mysql", "mysql+pymysql"),
        ("mariadb", "mariadb+pymysql"),
        ("postgres", "postgresql+psycopg"),
    ],
)
def test_a_secret_that_rds_manages_names_its_kind_of_database(engine: str, driver: str) -> None:
    secret = json.dumps({"engine": engine, "host": "h", "dbname": "crm", "password": "p"})

    assert database_url({"DB_SECRET_ARN": "arn"}, Vault(secret)).drivername == driver


def test_a_url_that_cannot_be_encoded_is_refused_without_its_password() -> None:
    with pytest.raises(DatabaseError, match="got text of another form") as refused:
        parse_url("sqlite://us\ud800:secret@/a")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["postgresql://u:p@[hunter2@db:5432/n", "mysql://u:p@[x@hunter2@[::1]"]
)
def test_a_password_that_looks_like_a_host_is_not_shown(url: str) -> None:
    with pytest.raises(DatabaseError, match="write @ as %40") as error:
        parse_url(url)

    assert "hunter2" not in str(error.value)
    assert parse_url("postgresql://u:p%40%5Bhunter2@[::1]:5432/n").password == "p@[hunter2"
