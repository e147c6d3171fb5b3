"""What the environment says of the server's processes, and the folder that they share.

`settings.py` reads what it says of a single worker. Standard library only, as `supervisor.py`.
"""

import os
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CODE: Final = Path(__file__).resolve().parent
_LONGEST_SOCKET: Final = 107
"""Bytes of a unix socket's path that the kernel takes."""
_MARK: Final = ".linkage_rl"
"""File that tells a run folder from any other, which must not be emptied."""


class SettingError(Exception):
    """An environment variable has a value that nothing can be started with."""


@dataclass(frozen=True)
class Settings:
    """How many processes there are, and where they meet."""

    run_folder: Path
    """`LINKAGE_RUN_DIR`: sockets, metrics and temporary files; emptied at every start."""
    bind: str
    """`LINKAGE_BIND`: address to listen on."""
    port: int
    """`SAGEMAKER_BIND_TO_PORT`."""
    workers: int
    """`LINKAGE_WORKERS`."""
    max_body_mb: int
    """`SAGEMAKER_MAX_PAYLOAD_IN_MB`: larger bodies are refused."""
    refresher: bool
    """Whether a database is configured, whose changes are to be seen."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Settings":
        """Settings from environment variables.

        Raises:
            SettingError: A variable has a value of another kind; the message names it.
        """
        databases = ("DATABASE_URL", "DB_HOST", "DB_SECRET_ARN")
        return cls(
            Path(environ.get("LINKAGE_RUN_DIR") or "/tmp/linkage_rl").absolute(),
            environ.get("LINKAGE_BIND") or "0.0.0.0",
            _number(environ, "SAGEMAKER_BIND_TO_PORT", 8080, 65_535),
            _number(environ, "LINKAGE_WORKERS", usable_cpus(), 256),
            _number(environ, "SAGEMAKER_MAX_PAYLOAD_IN_MB", 6, 1024),
            any(environ.get(name) for name in databases),
        )

    def sockets(self) -> list[Path]:
        """Where the workers listen."""
        return [self.run_folder / f"worker-{n}.sock" for n in range(1, self.workers + 1)]


def environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What the children see: as given, and what holds for all of them."""
    paths = [str(_CODE.parent), environ.get("PYTHONPATH", "")]
    return {
        **environ,
        "LINKAGE_RUN_DIR": str(settings.run_folder),
        "PROMETHEUS_MULTIPROC_DIR": str(settings.run_folder / "metrics"),
        "OMP_NUM_THREADS": "1",
        "ORT_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def nginx_conf(settings: Settings, template: str) -> str:
    """The template with its names filled in."""
    limit = settings.max_body_mb << 20
    address = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
    servers = [f"        server unix:{path} max_fails=0;" for path in settings.sockets()]
    filled = {
        # without it nginx, started by root, would drop to a user who may not open the sockets
        "@USER@": "user root;" if os.geteuid() == 0 else "",
        "@LISTEN@": f"{address}:{settings.port}",
        "@MAX_BODY@": str(limit),
        "@BODY_BUFFER@": str(min(limit, 16 << 20)),
        "@SERVERS@": "\n".join(servers),
    }
    for name, value in filled.items():
        template = template.replace(name, value)
    return template


def prepare(settings: Settings) -> None:
    """Make the run folder anew, and see that the port is free.

    Raises:
        SettingError: The folder holds what no server wrote, or the port is taken.
    """
    folder = settings.run_folder
    if len(os.fsencode(settings.sockets()[-1])) > _LONGEST_SOCKET:
        raise SettingError(
            f"LINKAGE_RUN_DIR: expected a path of less than 90 bytes, since unix sockets lie in "
            f"it, got {str(folder)!r}; choose a shorter one"
        )
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
            raise SettingError(
                f"LINKAGE_RUN_DIR: expected an empty folder or one of an earlier start, but "
                f"{folder} holds other files; name another"
            )
        if folder.exists():
            shutil.rmtree(folder)
        for made in (folder, folder / "metrics", folder / "nginx"):
            made.mkdir(mode=0o700, parents=True)
        (folder / _MARK).touch()
        template = (_CODE / "nginx.conf").read_text(encoding="utf-8")
        (folder / "nginx.conf").write_text(nginx_conf(settings, template), encoding="utf-8")
    except OSError as error:
        raise SettingError(
            f"LINKAGE_RUN_DIR: cannot make {folder}: {error.strerror}; name another folder"
        ) from None
    _check_port(settings)


def _check_port(settings: Settings) -> None:
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


def _number(environ: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = environ.get(name, "")
    if text and not (text.isdecimal() and 1 <= int(text) <= most):
        raise SettingError(
            f"{name}: expected a whole number from 1 to {most}, got {text!r}; mend the environment"
        )
    return int(text) if text else default
