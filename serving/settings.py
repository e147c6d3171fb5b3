"""What the environment says of a server; every variable is listed here and nowhere else."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from linkage_rl.errors import ConfigError
from linkage_rl.tables.credentials import VARIABLES
from linkage_rl.tables.engine import Limits
from linkage_rl.tables.schema import CANONICAL, ColumnMapping

OnDatabaseDown = Literal["stale", "fail"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """How one worker serves."""

    model_folder: Path = Path("/opt/ml/model")
    """`LINKAGE_MODEL_DIR`: the bundle that answers when no model is named."""
    model_name: str = "default"
    """`LINKAGE_MODEL_NAME`: what that bundle is called in answers, logs and metrics."""
    multi_model: bool = False
    """`SAGEMAKER_MULTI_MODEL`: start without a model and wait for `POST /models`."""
    model_memory_mb: int = 1024
    """`LINKAGE_MODEL_MEMORY_MB`: from which sum of loaded models on loading ends with 507."""
    run_folder: Path = Path("/tmp/linkage_rl")
    """`LINKAGE_RUN_DIR`: sockets, metrics and the list of models that the workers share."""
    index_folder: Path = Path("/tmp/linkage_rl/index")
    """`LINKAGE_INDEX_DIR`: the index of the live table; keep it on a volume to start faster."""
    database: bool = False
    """Whether the environment names one; else companies are read from the bundle's index."""
    on_database_down: OnDatabaseDown = "stale"
    """`LINKAGE_ON_DATABASE_DOWN`: answer from the index and say so, or with 503."""
    refresh_s: float = 300.0
    """`LINKAGE_REFRESH_S`: pause between two looks for changes of the table."""
    limits: Limits = field(default_factory=Limits)
    """`LINKAGE_DATABASE_CONNECTIONS` of each worker, and `LINKAGE_DATABASE_TIMEOUT_S`."""
    queries_per_s: float = 100.0
    """`LINKAGE_DATABASE_QPS`: queries that each worker may start per second."""
    mapping: ColumnMapping = field(default_factory=lambda: CANONICAL)
    """`LINKAGE_TABLE_MAPPING`: a JSON object of canonical to own column names, and `table`."""
    max_clients: int = 20_000
    """`LINKAGE_MAX_CLIENTS` of one request."""
    max_waiting: int = 512
    """`LINKAGE_MAX_WAITING`: requests that may wait in a worker before it answers 503."""
    max_payload_mb: int = 6
    """`SAGEMAKER_MAX_PAYLOAD_IN_MB`, which nginx enforces."""
    csv_columns: tuple[str, ...] = ()
    """`LINKAGE_CSV_COLUMNS`: the columns of CSV that comes without a header, comma-separated."""
    embed_metrics: bool = False
    """`LINKAGE_LOG_EMF`: log lines are CloudWatch embedded metrics, too."""

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Settings from environment variables.

        Raises:
            ConfigError: A variable has a value of another kind; the message names it.
        """
        run = Path(environ.get("LINKAGE_RUN_DIR") or cls.run_folder)
        connections = _read(environ, "LINKAGE_DATABASE_CONNECTIONS", _count, 2)
        timeout_s = _read(environ, "LINKAGE_DATABASE_TIMEOUT_S", _positive, 2.0)
        return cls(
            model_folder=Path(environ.get("LINKAGE_MODEL_DIR") or cls.model_folder),
            model_name=environ.get("LINKAGE_MODEL_NAME") or cls.model_name,
            multi_model=_read(environ, "SAGEMAKER_MULTI_MODEL", _switch, False),
            model_memory_mb=_read(environ, "LINKAGE_MODEL_MEMORY_MB", _count, cls.model_memory_mb),
            run_folder=run,
            index_folder=Path(environ.get("LINKAGE_INDEX_DIR") or run / "index"),
            database=any(environ.get(name) for name in VARIABLES),
            on_database_down=_read(environ, "LINKAGE_ON_DATABASE_DOWN", _when_down, "stale"),
            refresh_s=_read(environ, "LINKAGE_REFRESH_S", _positive, cls.refresh_s),
            limits=Limits(connections, timeout_s),
            queries_per_s=_read(environ, "LINKAGE_DATABASE_QPS", _positive, cls.queries_per_s),
            mapping=_read(environ, "LINKAGE_TABLE_MAPPING", _mapping, CANONICAL),
            max_clients=_read(environ, "LINKAGE_MAX_CLIENTS", _count, cls.max_clients),
            max_waiting=_read(environ, "LINKAGE_MAX_WAITING", _count, cls.max_waiting),
            max_payload_mb=_read(environ, "SAGEMAKER_MAX_PAYLOAD_IN_MB", _count, 6),
            csv_columns=tuple(filter(None, environ.get("LINKAGE_CSV_COLUMNS", "").split(","))),
            embed_metrics=_read(environ, "LINKAGE_LOG_EMF", _switch, False),
        )


def _read(environ: Mapping[str, str], name: str, parse: Callable[[str], _T], default: _T) -> _T:
    text = environ.get(name, "")
    if not text:
        return default
    try:
        return parse(text)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{name}: {error}, got {text!r}; mend the environment") from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("expected a whole number of 1 or more")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError("expected a number above 0")
    return value


def _switch(text: str) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in known:
        raise ValueError("expected true or false")
    return known[text.lower()]


def _when_down(text: str) -> OnDatabaseDown:
    for choice in get_args(OnDatabaseDown):
        if text == choice:
            return choice  # type: ignore[no-any-return]
    raise ValueError("expected stale or fail")


def _mapping(text: str) -> ColumnMapping:
    try:
        columns: Any = json.loads(text)
        return ColumnMapping(**columns)
    except (ValueError, TypeError):
        raise ValueError(
            'expected a JSON object of column names like {"table": "crm.companies"}'
        ) from None
