import re

import pytest

from linkage_rl.deploying.parameters import StackParameters, stack_variables
from linkage_rl.deploying.template import container_variables, read_template
from linkage_rl.errors import ConfigError

WITH_PASSWORD = [
    "postgresql://ann:hush@db/log",
    "postgresql://ann:12/hush@db/log",
    "postgresql://:hush@db/log",
    "postgresql://ann@db/log?password=hush",
    "postgresql://ann@db/log?sslmode=require&PassWord=hush",
    "postgresql://ann@db/log?p%61ssword=hush",
    "mysql://ann@db/log?passwd=hush",
    "postgresql://ann@db:5432/log?sslpassword=hush",
]
WITHOUT_PASSWORD = [
    "",
    "postgresql://ann@db/log",
    "postgresql+psycopg://ann@db:5432/log?sslmode=require&sslcert=/opt/ml/code/ann.pem",
    "postgresql://ann@db/passwords",
    "postgresql://ann@/log?host=/run/postgresql",
    "sqlite:////tmp/log.db",
]


@pytest.mark.parametrize("url", WITH_PASSWORD)
def test_a_url_with_a_password_is_refused_and_not_shown(url: str) -> None:
    pattern = read_template().parameters["LogUrl"]["AllowedPattern"]
    assert re.fullmatch(pattern, url) is None
    for changed in ({"log_url": url}, {"server_variables": {"DATABASE_URL": url}}):
        with pytest.raises(ConfigError, match="readable in the stack") as raised:
            StackParameters(**changed)
        assert "hush" not in str(raised.value)


@pytest.mark.parametrize("url", WITHOUT_PASSWORD)
def test_a_url_without_a_password_is_accepted(url: str) -> None:
    pattern = read_template().parameters["LogUrl"]["AllowedPattern"]
    assert re.fullmatch(pattern, url)
    StackParameters(log_url=url, server_variables={"DATABASE_URL": url})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASS", "hush"),
        ("db_pass", "hush"),
        ("LINKAGE_TOKEN", "hush"),
        ("DSN", "host=db user=ann password = hush"),
        ("LOGIN", '{"user": "ann", "password": "hush"}'),
        ("HTTPS_PROXY", "http://ann:hush@proxy:x"),
    ],
)
def test_a_secret_among_the_variables_is_refused_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"expected no secret, got {name}") as raised:
        StackParameters(server_variables={name: value})
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("url", ["db/log", "host=db dbname=log", "jdbc:postgresql://db/log"])
def test_a_log_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="log_url: expected a database URL"):
        StackParameters(log_url=url)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("LINKAGE_TIMEOUT_S", "set parameters.timeout_seconds instead"),
        ("LINKAGE_MODEL_NAME", "set parameters.endpoint_name instead"),
        ("LINKAGE_TABLE_MAPPING", "set parameters.table_mapping instead"),
        ("PGSSLMODE", "set parameters.database_ssl_mode instead"),
        ("LINKAGE_LOG_EMF", "leave it out"),
        ("DB_SECRET_ARN", "set parameters.database_secret_arn instead"),
        ("DB_HOST", "set parameters.database_host instead"),
    ],
)
def test_a_variable_that_the_stack_sets_is_refused(name: str, advice: str) -> None:
    with pytest.raises(ConfigError, match=f"got {name}, which would have no effect; {advice}"):
        StackParameters(server_variables={"LINKAGE_MAX_CLIENTS": "5", name: "x"})


def test_every_variable_that_the_stack_sets_is_known_with_its_parameter() -> None:
    own = stack_variables()

    assert set(container_variables()) <= set(own)
    assert [name for name, key in own.items() if not key] == ["LINKAGE_LOG_EMF"]


def test_characters_that_cloudformation_replaces_are_refused() -> None:
    message = r"csv_columns: expected ASCII characters, got 'client_id,会社名', .* leave the name"
    with pytest.raises(ConfigError, match=message):
        StackParameters(csv_columns=["client_id", "会社名"])
    with pytest.raises(ConfigError, match=r"database_name: expected ASCII .* write it in ASCII"):
        StackParameters(database_name="会社")


def test_json_reaches_the_stack_in_ascii_and_unread_columns_have_no_name() -> None:
    parameters = StackParameters(
        table_mapping={"name": "会社名"},
        server_variables={"LINKAGE_NOTE": "会社"},
        csv_columns=["client_id", "", "name"],
    )

    assert parameters.given() == {
        "TableMapping": r'{"name":"\u4f1a\u793e\u540d"}',
        "ServerVariables": r'{"LINKAGE_NOTE":"\u4f1a\u793e"}',
        "CsvColumns": "client_id,,name",
    }
