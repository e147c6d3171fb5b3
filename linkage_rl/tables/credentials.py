"""Address and credentials of the company database; the password never leaves the URL object."""

import importlib
import json
import re
from collections.abc import Mapping
from typing import Final, Protocol

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from linkage_rl.errors import DatabaseError

PARTS: Final = {
    "DB_HOST": "host",
    "DB_PORT": "port",
    "DB_NAME": "dbname",
    "DB_USER": "username",
    "DB_PASS": "password",
}
"""Environment variable to the key of the same value in an AWS database secret."""

VARIABLES: Final = ("DATABASE_URL", "DB_SECRET_ARN", "DB_HOST")
"""Environment variables, any of which names a database."""

CREDENTIALS_HINT: Final = (
    "set DATABASE_URL, or DB_HOST DB_PORT DB_NAME DB_USER DB_PASS, or DB_SECRET_ARN"
)

DRIVERS: Final = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
"""Kind of database to SQLAlchemy's name with the driver that is used where the URL names none."""

_SECRET_ENGINES: Final = {
    **dict.fromkeys(("mysql", "aurora-mysql", "aurora"), "mysql"),
    "mariadb": "mariadb",
}
"""The key `engine` of an AWS database secret to a kind of database; any other is PostgreSQL."""

ASYNCHRONOUS: Final = ("aiomysql", "aiosqlite", "asyncmy", "asyncpg", "psycopg_async")

_EXAMPLE: Final = "postgresql://user:password@host:5432/name"


class SecretsClient(Protocol):
    """The part of the AWS Secrets Manager client that is used."""

    def get_secret_value(self, *, SecretId: str) -> Mapping[str, object]:
        """Return the secret of this name; its text is under 'SecretString'."""


def database_url(environ: Mapping[str, str], secrets: SecretsClient | None = None) -> URL:
    """Database URL from DATABASE_URL, else from the secret DB_SECRET_ARN, else from DB_HOST etc.

    Line breaks at the end of a value are not part of it: files of secrets end with one, as do
    Kubernetes secrets made of them. Blanks belong to a password, and to nothing else.

    Args:
        environ: Usually `os.environ`.
        secrets: Client that reads DB_SECRET_ARN; made with boto3 when absent.

    Raises:
        DatabaseError: None of them is set, one of them is unreadable, or boto3 is missing.
    """
    if text := environ.get("DATABASE_URL", "").strip():
        return parse_url(text)
    parts = {key: environ.get(variable, "") for variable, key in PARTS.items()}
    kind = "postgresql"
    if arn := environ.get("DB_SECRET_ARN", "").strip():
        secret = _secret(arn, secrets)
        parts |= {key: text for key, text in secret.items() if key in parts}
        # RDS names it in the secrets that it manages
        kind = _SECRET_ENGINES.get(secret.get("engine", "").strip(), kind)
    parts = {
        key: text.rstrip("\r\n") if key == "password" else text.strip()
        for key, text in parts.items()
    }
    if not (parts["host"] and parts["dbname"]):
        raise DatabaseError(f"expected a database, got no settings; {CREDENTIALS_HINT}")
    return URL.create(
        DRIVERS[kind],
        username=parts["username"] or None,
        password=parts["password"] or None,
        host=parts["host"],
        port=_port(parts["port"]),
        database=parts["dbname"],
    )


def is_url(text: str) -> bool:
    """Whether the text of a setting means a database server, rather than a file.

    >>> is_url("postgresql://host/crm"), is_url("companies.db")
    (True, False)
    """
    return bool(re.match(r"[\w+]+://|jdbc:", text) or _is_conninfo(text))


def parse_url(text: str) -> URL:
    """A database URL from text; PostgreSQL, MariaDB and MySQL without a driver get the usual one.

    Raises:
        DatabaseError: The text is not a URL, or means a database that is not read; the message does
            not repeat it, since it may hold a password.
    """
    if text.startswith("jdbc:") or _is_conninfo(text):
        form = "JDBC" if text.startswith("jdbc:") else "'host=... dbname=...'"
        raise DatabaseError(
            f"expected a database URL like {_EXAMPLE}, got one in the form of {form}; write it as "
            "KIND://USER:PASSWORD@HOST:PORT/NAME, where KIND is postgresql or mysql"
        )
    try:
        url = make_url(text.strip())
        # an unpaired surrogate is found out when the URL is written, far from here
        text.encode()
    except (ArgumentError, ValueError):
        raise DatabaseError(
            f"expected a database URL like {_EXAMPLE} or sqlite:///companies.db, got text of "
            "another form; %-escape odd characters in it"
        ) from None
    if "@" in (url.host or ""):
        # what follows the first @ may be the rest of a password
        raise DatabaseError(
            f"expected a database URL like {_EXAMPLE}, got one with @ in the name of the host; "
            "write @ as %40 and [ as %5B in user and password"
        )
    kind, _, driver = url.drivername.partition("+")
    if kind == "duckdb":
        raise DatabaseError(
            "DuckDB is not read as a database; export the table, COPY companies TO "
            "'companies.parquet', and load that: companies source=companies.parquet"
        )
    if driver in ASYNCHRONOUS:
        usual = DRIVERS.get(kind, kind)
        raise DatabaseError(
            f"expected a driver that is not asynchronous, got {driver!r}; write {usual}://..."
        )
    return url if driver else url.set(drivername=DRIVERS.get(kind, kind))


def _is_conninfo(text: str) -> bool:
    """Whether the text has the form of libpq: 'host=... dbname=...'."""
    return bool(re.match(r"\s*(host|hostaddr|dbname|user|port|service|password)\s*=", text))


def shown(url: URL) -> str:
    """The URL for messages: password as ***, without options, which may hold one, too."""
    return url.set(query={}).render_as_string(hide_password=True)


def _port(text: str) -> int | None:
    if text and not text.isdecimal():
        raise DatabaseError(f"expected a number in DB_PORT, got {text!r}; the usual port is 5432")
    return int(text) if text else None


def _secret(arn: str, secrets: SecretsClient | None) -> dict[str, str]:
    client = secrets or _aws_client(arn)
    try:
        content = json.loads(str(client.get_secret_value(SecretId=arn)["SecretString"]))
        return {str(key): str(value) for key, value in content.items()}
    except Exception as error:
        # `from None`: the chained error of a broken secret would print the secret
        raise DatabaseError(
            f"expected a JSON secret with host, dbname, username and password under {arn}, "
            f"got {type(error).__name__}; check the name, the region and the role's permission"
        ) from None


def _aws_client(arn: str) -> SecretsClient:
    # boto3 is an extra: slow to import and only needed on AWS
    try:
        boto3 = importlib.import_module("boto3")
    except ImportError:
        raise DatabaseError(
            "DB_SECRET_ARN is set but boto3 is not installed; pip install 'linkage_rl[aws]', "
            "or set DATABASE_URL instead"
        ) from None
    # the region is the fourth part of arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME
    region = arn.split(":")[3] if arn.count(":") >= 6 else None
    client: SecretsClient = boto3.client("secretsmanager", region_name=region)
    return client
