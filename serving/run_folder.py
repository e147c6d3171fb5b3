"""The folder that the server's processes share, the nginx configuration in it, and the port.

Standard library only, as `supervisor.py`.
"""

import fcntl
import os
import shutil
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from serving.refusals import create_refusal_files
from serving.settings import METRICS_FOLDER, RUN_FOLDER, ServerSettings
from serving.shared_memory import create_shared_file
from serving.start_fault import create_fault_file
from serving.variables import SettingError

_CODE: Final = Path(__file__).resolve().parent
_MAX_SOCKET_PATH: Final = 107
"""Bytes that the kernel allows in the path of a unix socket."""
_MARKER: Final = ".linkage_rl"
"""File that marks a run folder, locked while it is in use; a folder without it is not emptied."""
_OF_A_VOLUME: Final = "lost+found"
"""Folder that a newly made file system contains."""
_METRIC_FILES: Final = ("counter", "gauge_mostrecent", "histogram")
"""What prometheus_client maps in each process, by the kinds of metrics in `metrics.py`."""
_METRIC_BYTES: Final = 1 << 16


def environment(settings: ServerSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the child processes: the given one, and what is the same for all.

    Line breaks at the end of a value are left out, as files of secrets and settings end with one:
    libpq, which reads PGSSLROOTCERT itself, would look for a file of that name.
    """
    paths = [str(_CODE.parent), environ.get("PYTHONPATH", "")]
    return {
        **{name: text.rstrip("\r\n") for name, text in environ.items()},
        RUN_FOLDER: str(settings.run_folder),
        METRICS_FOLDER: str(settings.run_folder / "metrics"),
        "OMP_NUM_THREADS": "1",
        "ORT_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def nginx_conf(settings: ServerSettings, template: str) -> str:
    """The template of the nginx configuration with its placeholders filled in."""
    limit = settings.max_body_mb << 20
    addresses = [_address(settings.bind, settings.port)]
    closed = ""
    if settings.admin_port is not None:
        addresses.append(_address(settings.admin_bind, settings.admin_port))
        closed = f'"~^{settings.port}:/(?!models/[^/]+/invoke$)(metrics|models)(/|$)" 1;'
    listen = [f"        listen {one} default_server backlog=1024;" for one in addresses]
    sockets = [_quoted(f"unix:{path}") for path in settings.sockets()]
    servers = [f"        server {one} max_fails=0;" for one in sockets]
    values = {
        # without it nginx, started by root, would drop to a user who may not open the sockets
        "@USER@": "user root;" if os.geteuid() == 0 else "",
        "@LISTEN@": "\n".join(listen),
        "@CLOSED@": closed,
        "@MAX_BODY@": str(limit),
        "@BODY_BUFFER@": str(min(limit, 16 << 20)),
        "@TIMEOUT@": f"{round(settings.timeout_s * 1000)}ms",
        "@LOAD_TIMEOUT@": f"{round((settings.timeout_s + settings.load_timeout_s) * 1000)}ms",
        "@SERVERS@": "\n".join(servers),
    }
    for placeholder, value in values.items():
        template = template.replace(placeholder, value)
    return template


def _quoted(text: str) -> str:
    """A word of the nginx configuration, whatever characters it has."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _address(bind: str, port: int) -> str:
    return f"[{bind}]:{port}" if ":" in bind else f"{bind}:{port}"


def prepare(settings: ServerSettings) -> int:
    """Check that the ports are free, and create an empty run folder.

    Returns:
        Descriptor of a lock: no other server empties the folder while it is open.

    Raises:
        SettingError: A port is taken, the folder holds files of another program or is used by
            another server, or it cannot be written.
    """
    folder = settings.run_folder
    if len(os.fsencode(settings.sockets()[-1])) > _MAX_SOCKET_PATH:
        raise SettingError(
            "LINKAGE_RUN_DIR: expected a path of less than 90 bytes, since it contains unix "
            f"sockets, got {str(folder)!r}; choose a shorter one"
        )
    _check_port(settings.bind, settings.port, "SAGEMAKER_BIND_TO_PORT or LINKAGE_BIND")
    if settings.admin_port is not None:
        names = "LINKAGE_ADMIN_PORT or LINKAGE_ADMIN_BIND"
        _check_port(settings.admin_bind, settings.admin_port, names)
    try:
        lock = _locked_and_empty(folder)
        _fill(settings)
    except OSError as error:
        raise SettingError(
            f"LINKAGE_RUN_DIR: cannot write to {folder}: {error.strerror}; free some space, mount "
            "a writable folder there (such as a tmpfs), or name another one"
        ) from None
    return lock


def _locked_and_empty(folder: Path) -> int:
    """Create the folder, or empty it but for its marker; the folder itself may be a mount."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker = folder / _MARKER
    others = [path for path in folder.iterdir() if path.name not in (_MARKER, _OF_A_VOLUME)]
    if others and not marker.exists():
        raise SettingError(
            "LINKAGE_RUN_DIR: expected an empty folder or one of an earlier start, but "
            f"{folder} holds other files; name another"
        )
    lock = os.open(marker, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise SettingError(
            f"LINKAGE_RUN_DIR: expected a folder of its own, but another server uses {folder}; "
            "name another"
        ) from None
    for path in others:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return lock


def _fill(settings: ServerSettings) -> None:
    """The folders, the nginx configuration, and the files in memory."""
    folder = settings.run_folder
    with suppress(PermissionError):
        # a mount may belong to another user
        folder.chmod(0o700)
    for created in (folder / "metrics", folder / "nginx"):
        created.mkdir(mode=0o700)
    template = (_CODE / "nginx.conf").read_text(encoding="utf-8")
    (folder / "nginx.conf").write_text(nginx_conf(settings, template), encoding="utf-8")
    create_fault_file(folder)
    create_refusal_files(folder)
    for worker in settings.sockets():
        for kind in _METRIC_FILES:
            create_shared_file(folder / "metrics" / f"{kind}_{worker.stem}.db", _METRIC_BYTES)


def _check_port(bind: str, port: int, variables: str) -> None:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((bind, port))
        except (OSError, UnicodeError) as error:
            # a name that no address can have is a UnicodeError
            reason = getattr(error, "strerror", None) or "not an address"
            raise SettingError(
                f"expected to listen on {bind}:{port}, got: {reason}; set {variables}"
            ) from None
