"""Every environment variable that the container reads, with its default and its check.

Standard library only, since the supervisor reads its settings before, and without, the libraries
of the workers. The exceptions are secrets that the library reads: `linkage_rl.tables.credentials`
the database credentials, which are here only looked for, `linkage_rl.bundle_files` the key of
bundles. `log_settings` reads those of the decision log.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args

from serving.log_settings import LogSettings
from serving.variables import (
    SettingError,
    column_names,
    positive,
    read_variable,
    switch,
    whole_number,
)

OnDatabaseDown = Literal["stale", "fail"]

DATABASE_VARIABLES: Final = ("DATABASE_URL", "DB_SECRET_ARN", "DB_HOST")
"""Any of these names a database."""
RUN_FOLDER: Final = "LINKAGE_RUN_DIR"
"""Names the run folder; the supervisor sets it for its child processes."""
METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Set by the supervisor for its workers: the folder in which they add up their metrics."""
PROCESS: Final = "LINKAGE_PROCESS"
"""Set by the supervisor for each of its processes: its name, such as `worker-1`."""
TOKEN: Final = "LINKAGE_TOKEN"
"""Holds the token of the server's callers; `LINKAGE_TOKEN_FILE` names a file that does."""
MAX_PAYLOAD_MB: Final = 1024
"""Largest limit of a request body, and what the limit 0 of batch transform ("none") means."""

TIMEOUT_S: Final = 60.0
"""How long SageMaker waits for the answer of a real-time endpoint."""
LOAD_TIMEOUT_S: Final = 60.0
"""How long a bundle may take to load."""
BATCH_TIMEOUT_S: Final = 600.0
"""How long a batch transform waits unless its job says otherwise."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class ServerSettings:
    """How many processes the supervisor starts, and where they listen."""

    run_folder: Path
    """`LINKAGE_RUN_DIR`: sockets, metrics and temporary files; emptied at every start."""
    bind: str
    """`LINKAGE_BIND`: address to listen on; all of them by default, as platforms expect."""
    port: int
    """`SAGEMAKER_BIND_TO_PORT`."""
    workers: int
    """`LINKAGE_WORKERS`: worker processes; the number of usable CPUs by default."""
    max_body_mb: int
    """`SAGEMAKER_MAX_PAYLOAD_IN_MB`: nginx refuses larger bodies."""
    refresher: bool
    """Whether a database is configured, whose changes are to be picked up."""
    admin_port: int | None = None
    """`LINKAGE_ADMIN_PORT`: where `/models` and `/metrics` are then, instead of on `port`."""
    timeout_s: float = TIMEOUT_S
    """`LINKAGE_TIMEOUT_S`: nginx waits that long for a worker."""
    admin_bind: str = ""
    """`LINKAGE_ADMIN_BIND`: address of that port; that of `LINKAGE_BIND` by default."""
    logs: bool = False
    """Whether a decision log is configured."""
    load_timeout_s: float = LOAD_TIMEOUT_S
    """`LINKAGE_LOAD_TIMEOUT_S`: for `/models` nginx waits so much longer for a worker."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "ServerSettings":
        """Settings from environment variables.

        Raises:
            SettingError: A variable has an invalid value; the message names it.
        """
        bind = environ.get("LINKAGE_BIND") or "0.0.0.0"
        port = read_variable(environ, "SAGEMAKER_BIND_TO_PORT", whole_number(65_535), 8080)
        admin_port = read_variable(environ, "LINKAGE_ADMIN_PORT", whole_number(65_535), None)
        if admin_port == port:
            raise SettingError(
                f"LINKAGE_ADMIN_PORT: expected another port than {port}, on which clients are "
                "answered, got the same; fix the variable"
            )
        return cls(
            run_folder=_run_folder(environ).absolute(),
            bind=bind,
            port=port,
            workers=read_variable(environ, "LINKAGE_WORKERS", whole_number(256), usable_cpus()),
            max_body_mb=_max_payload_mb(environ),
            refresher=_has_database(environ),
            logs=bool(LogSettings.from_environ(environ)),
            admin_port=admin_port,
            timeout_s=_timeout_s(environ),
            admin_bind=environ.get("LINKAGE_ADMIN_BIND") or bind,
            load_timeout_s=read_variable(
                environ, "LINKAGE_LOAD_TIMEOUT_S", positive, LOAD_TIMEOUT_S
            ),
        )

    def sockets(self) -> list[Path]:
        """The unix sockets that the workers listen on."""
        return [self.run_folder / f"worker-{n}.sock" for n in range(1, self.workers + 1)]


@dataclass(frozen=True)
class WorkerSettings:
    """How one worker serves."""

    model_folder: Path = Path("/opt/ml/model")
    """`LINKAGE_MODEL_DIR`: the bundle that answers when a request names no model."""
    model_name: str = "default"
    """`LINKAGE_MODEL_NAME`: name of that bundle in answers, logs and metrics."""
    multi_model: bool = False
    """`SAGEMAKER_MULTI_MODEL`: start without a model and wait for `POST /models`."""
    model_memory_mb: int = 1024
    """`LINKAGE_MODEL_MEMORY_MB`: all loaded models together; beyond it loading fails with 507."""
    load_timeout_s: float = LOAD_TIMEOUT_S
    """`LINKAGE_LOAD_TIMEOUT_S`: how long a bundle may take to load in a process of its own."""
    run_folder: Path = Path("/tmp/linkage_rl")
    """`LINKAGE_RUN_DIR`: sockets, metrics and the list of models that the workers share."""
    index_folder: Path = Path("/tmp/linkage_rl/index")
    """`LINKAGE_INDEX_DIR`: the index of the live table; on a volume, restarts are faster."""
    database: bool = False
    """Whether a database is configured; otherwise companies are read from the bundle's index."""
    on_database_down: OnDatabaseDown = "stale"
    """`LINKAGE_ON_DATABASE_DOWN`: answer from the index, marked as stale, or fail with 503."""
    refresh_s: float = 300.0
    """`LINKAGE_REFRESH_S`: pause between two refreshes of the index."""
    database_connections: int = 2
    """`LINKAGE_DATABASE_CONNECTIONS` of each worker."""
    database_timeout_s: float = 2.0
    """`LINKAGE_DATABASE_TIMEOUT_S`: how long a request waits for the database, connecting included;
    the limit of each statement, too."""
    queries_per_s: float = 500.0
    """`LINKAGE_DATABASE_QPS`: queries that each worker may start per second; each takes the
    database a quarter of a millisecond, and requests that come faster share or await one."""
    table_mapping: Mapping[str, Any] = field(default_factory=dict)
    """`LINKAGE_TABLE_MAPPING`: a JSON object of canonical to own column names, with the other keys
    of `ColumnMapping`, such as `table` and `sites`."""
    max_clients: int = 105_000
    """`LINKAGE_MAX_CLIENTS` of one request; by default what a megabyte of short lines holds."""
    max_waiting: int = 512
    """`LINKAGE_MAX_WAITING`: requests that may wait in a worker before it answers 503."""
    max_payload_mb: int = 6
    """`SAGEMAKER_MAX_PAYLOAD_IN_MB`: limit of a request body; 0 is `MAX_PAYLOAD_MB`."""
    csv_columns: tuple[str, ...] = ()
    """`LINKAGE_CSV_COLUMNS`: the columns of CSV that comes without a header, comma-separated; one
    that is empty or unknown is not read."""
    embed_metrics: bool = False
    """`LINKAGE_LOG_EMF`: write log lines in CloudWatch's embedded metric format, too."""
    token: str = field(default="", repr=False)
    """`LINKAGE_TOKEN`, or the content of the file `LINKAGE_TOKEN_FILE`: what callers of everything
    but `/ping` must send as `Authorization: Bearer TOKEN`; '' asks for none."""
    model_root: Path = Path("/opt/ml")
    """`LINKAGE_MODEL_ROOT`: `POST /models` loads only from folders below it; by default the folder
    that contains `model_folder`, unless that is `/`."""
    timeout_s: float = TIMEOUT_S
    """`LINKAGE_TIMEOUT_S`: how long a caller waits for an answer; by default 60 s as a real-time
    endpoint does, in batch transform 600 s."""
    process: str = ""
    """`LINKAGE_PROCESS`: name of this process among those of its supervisor."""
    log: LogSettings = field(default_factory=LogSettings)
    """The decision log."""

    @property
    def give_up_s(self) -> float:
        """How long a request may take, so that its caller still hears that it took longer."""
        return max(self.timeout_s - 2.0, 0.9 * self.timeout_s)

    @property
    def give_up_load_s(self) -> float:
        """How long `POST /models` may take, its wait for other loads included."""
        return self.load_timeout_s + self.give_up_s

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "WorkerSettings":
        """Settings from environment variables.

        Raises:
            SettingError: A variable has an invalid value; the message names it.
        """

        def read(name: str, parse: Callable[[str], _T], default: _T) -> _T:
            return read_variable(environ, name, parse, default)

        count, run_folder = whole_number(None), _run_folder(environ)
        model_folder = Path(environ.get("LINKAGE_MODEL_DIR") or cls.model_folder)
        return cls(
            model_folder=model_folder,
            model_name=environ.get("LINKAGE_MODEL_NAME") or cls.model_name,
            multi_model=read("SAGEMAKER_MULTI_MODEL", switch, cls.multi_model),
            model_memory_mb=read("LINKAGE_MODEL_MEMORY_MB", count, cls.model_memory_mb),
            load_timeout_s=read("LINKAGE_LOAD_TIMEOUT_S", positive, cls.load_timeout_s),
            run_folder=run_folder,
            index_folder=Path(environ.get("LINKAGE_INDEX_DIR") or run_folder / "index"),
            database=_has_database(environ),
            on_database_down=read(
                "LINKAGE_ON_DATABASE_DOWN", _on_database_down, cls.on_database_down
            ),
            refresh_s=read("LINKAGE_REFRESH_S", positive, cls.refresh_s),
            database_connections=read(
                "LINKAGE_DATABASE_CONNECTIONS", count, cls.database_connections
            ),
            database_timeout_s=read("LINKAGE_DATABASE_TIMEOUT_S", positive, cls.database_timeout_s),
            queries_per_s=read("LINKAGE_DATABASE_QPS", positive, cls.queries_per_s),
            table_mapping=read("LINKAGE_TABLE_MAPPING", _json_of_names, {}),
            max_clients=read("LINKAGE_MAX_CLIENTS", count, cls.max_clients),
            max_waiting=read("LINKAGE_MAX_WAITING", count, cls.max_waiting),
            max_payload_mb=_max_payload_mb(environ),
            csv_columns=column_names(environ.get("LINKAGE_CSV_COLUMNS", "")),
            embed_metrics=read("LINKAGE_LOG_EMF", switch, cls.embed_metrics),
            token=read_token(environ),
            model_root=_model_root(environ, model_folder),
            timeout_s=_timeout_s(environ),
            process=environ.get(PROCESS, ""),
            log=LogSettings.from_environ(environ),
        )


def ml_root(environ: Mapping[str, str] = os.environ) -> Path:
    """`LINKAGE_ML_ROOT`: the folder of SageMaker's training contract, `/opt/ml` by default."""
    return Path(environ.get("LINKAGE_ML_ROOT") or "/opt/ml")


def read_token(environ: Mapping[str, str] = os.environ, variable: str = TOKEN) -> str:
    """The token that callers must send, from a variable or the file that `_FILE` names.

    Returns:
        '' if there is none.

    Raises:
        SettingError: It cannot be read or sent; the message does not contain it.
    """
    text, file = environ.get(variable), environ.get(f"{variable}_FILE")
    if text is None and not file:
        return ""
    if text is not None and file:
        raise SettingError(
            f"{variable}_FILE: expected either it or {variable}, got both; unset one"
        )
    name = f"{variable}_FILE" if file else variable
    if file:
        try:
            text = Path(file).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise SettingError(
                f"{name}: cannot read {file}: {error.strerror}; fix the variable"
            ) from None
    # files of secrets usually end with a newline, which is no part of the secret
    token = (text or "").rstrip("\r\n")
    if not token:
        # an open server must not be the result of a secret that was not filled in
        raise SettingError(f"{name}: expected a token, got none; unset it to serve without one")
    if not all("!" <= letter <= "~" for letter in token):
        raise SettingError(
            f"{name}: expected a token of visible ASCII characters without spaces, got others; "
            "choose another token"
        )
    return token


def usable_cpus() -> int:
    """CPUs that this process may use, by its affinity and by the quota of its container."""
    count = len(os.sched_getaffinity(0))
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        files = [Path("/sys/fs/cgroup") / name for name in names]
        if all(file.is_file() for file in files):
            quota, period = " ".join(file.read_text() for file in files).split()
            if quota not in ("max", "-1"):
                return max(min(count, round(int(quota) / int(period))), 1)
    return count


def _run_folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get(RUN_FOLDER) or "/tmp/linkage_rl")


def _timeout_s(environ: Mapping[str, str]) -> float:
    batch = read_variable(environ, "SAGEMAKER_BATCH", switch, False)
    default = BATCH_TIMEOUT_S if batch else TIMEOUT_S
    return read_variable(environ, "LINKAGE_TIMEOUT_S", positive, default)


def _has_database(environ: Mapping[str, str]) -> bool:
    return any(environ.get(name) for name in DATABASE_VARIABLES)


def _max_payload_mb(environ: Mapping[str, str]) -> int:
    limit = read_variable(
        environ, "SAGEMAKER_MAX_PAYLOAD_IN_MB", whole_number(MAX_PAYLOAD_MB, 0), 6
    )
    return limit or MAX_PAYLOAD_MB


def _model_root(environ: Mapping[str, str], model_folder: Path) -> Path:
    if named := environ.get("LINKAGE_MODEL_ROOT"):
        return Path(named).absolute()
    folder = model_folder.absolute()
    # a bundle mounted at the top, such as /model, does not open the whole disk
    return folder if folder.parent == folder.parent.parent else folder.parent


def _on_database_down(text: str) -> OnDatabaseDown:
    for choice in get_args(OnDatabaseDown):
        if text == choice:
            return choice  # type: ignore[no-any-return]
    raise ValueError("expected stale or fail")


def _json_of_names(text: str) -> Mapping[str, Any]:
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    kinds = (str, list, dict, bool)
    if not isinstance(names, dict) or not all(isinstance(name, kinds) for name in names.values()):
        raise ValueError('expected a JSON object of column names like {"table": "crm.companies"}')
    return names
