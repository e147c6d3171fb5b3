"""The folder that the server's processes share, the nginx configuration in it, and the port.

Standard library only, as `supervisor.py`.
"""

import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from serving.settings import METRICS_FOLDER, ServerSettings, SettingError

_CODE: Final = Path(__file__).resolve().parent
_MAX_SOCKET_PATH: Final = 107
"""Bytes that the kernel allows in the path of a unix socket."""
_MARKER: Final = ".linkage_rl"
"""File that marks a run folder; a folder without it must not be emptied."""


def environment(settings: ServerSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the child processes: the given one, and what is the same for all."""
    paths = [str(_CODE.parent), environ.get("PYTHONPATH", "")]
    return {
        **environ,
        "LINKAGE_RUN_DIR": str(settings.run_folder),
        METRICS_FOLDER: str(settings.run_folder / "metrics"),
        "OMP_NUM_THREADS": "1",
        "ORT_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def nginx_conf(settings: ServerSettings, template: str) -> str:
    """The template of the nginx configuration with its placeholders filled in."""
    limit = settings.max_body_mb << 20
    address = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
    servers = [f"        server unix:{path} max_fails=0;" for path in settings.sockets()]
    values = {
        # without it nginx, started by root, would drop to a user who may not open the sockets
        "@USER@": "user root;" if os.geteuid() == 0 else "",
        "@LISTEN@": f"{address}:{settings.port}",
        "@MAX_BODY@": str(limit),
        "@BODY_BUFFER@": str(min(limit, 16 << 20)),
        "@SERVERS@": "\n".join(servers),
    }
    for placeholder, value in values.items():
        template = template.replace(placeholder, value)
    return template


def prepare(settings: ServerSettings) -> None:
    """Create an empty run folder, and check that the port is free.

    Raises:
        SettingError: The folder holds files of another program, or the port is taken.
    """
    folder = settings.run_folder
    if len(os.fsencode(settings.sockets()[-1])) > _MAX_SOCKET_PATH:
        raise SettingError(
            "LINKAGE_RUN_DIR: expected a path of less than 90 bytes, since it contains unix "
            f"sockets, got {str(folder)!r}; choose a shorter one"
        )
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / _MARKER).exists():
            raise SettingError(
                "LINKAGE_RUN_DIR: expected an empty folder or one of an earlier start, but "
                f"{folder} holds other files; name another"
            )
        if folder.exists():
            shutil.rmtree(folder)
        for created in (folder, folder / "metrics", folder / "nginx"):
            created.mkdir(mode=0o700, parents=True)
        (folder / _MARKER).touch()
        template = (_CODE / "nginx.conf").read_text(encoding="utf-8")
        (folder / "nginx.conf").write_text(nginx_conf(settings, template), encoding="utf-8")
    except OSError as error:
        raise SettingError(
            f"LINKAGE_RUN_DIR: cannot create {folder}: {error.strerror}; name another folder"
        ) from None
    _check_port(settings)


def _check_port(settings: ServerSettings) -> None:
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.bind, settings.port))
        except OSError as error:
            raise SettingError(
                f"expected to listen on {settings.bind}:{settings.port}, got: {error.strerror}; "
                "set SAGEMAKER_BIND_TO_PORT or LINKAGE_BIND"
            ) from None
