"""Runs a peer in its own environment; a failure of the peer is an entry in its report."""

import json
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from experiments.tools.environments import EnvironmentFailure, environment_from
from linkage_rl.errors import ConfigError

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
PEERS: Final = tuple(sorted(path.stem for path in (HERE / "systems").glob("*.py")))
"""Names of all peers: each is `systems/<name>.py`, run in the environment of its requirements."""
RUN_LIMIT_S: Final = 600.0
"""Seconds that a peer may take by default."""
_ERROR_CHARACTERS = 300


class PeerFailure(Exception):
    """A peer failed; kept in its `peer.json`, not raised to callers."""


def run_peer(
    name: str, folder: Path, limit_s: float = RUN_LIMIT_S, package: str = "systems"
) -> Path:
    """Run a peer on what `prepare` wrote; a failure is reported in `peer.json`, not raised.

    Args:
        name: One of `PEERS`.
        folder: What `prepare` wrote.
        limit_s: Seconds after which the peer is stopped; building its environment does not count.
        package: Folder of the module that is run: `systems` links, `duplicates` finds duplicates.

    Returns:
        The folder `<folder>/<name>` with `peer.json`, `log.txt`, and `links.csv` unless the peer
        failed: then `peer.json` holds `error`.

    Raises:
        ConfigError: There is no such peer.
    """
    if name not in PEERS:
        raise ConfigError(f"expected a peer among {list(PEERS)}, got {name!r}")
    output = folder.resolve() / name
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    try:
        _run(environment_of(name), f"{package}.{name}", folder.resolve(), output, limit_s)
    except (PeerFailure, EnvironmentFailure) as failure:
        (output / "links.csv").unlink(missing_ok=True)
        report = {"name": name, "version": pinned_version(name), "error": str(failure)}
        (output / "peer.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return output


def requirements_of(name: str) -> Path:
    """The pinned packages of a peer: its own, or those of the peer of which it is a variant."""
    files = (HERE / "requirements" / f"{stem}.txt" for stem in (name, name.partition("_")[0]))
    return next(file for file in files if file.exists())


def environment_of(name: str) -> Path:
    """The interpreter of a peer; its environment is built once per content of its requirements.

    Raises:
        EnvironmentFailure: pip failed.
    """
    return environment_from(requirements_of(name))


def pinned_version(name: str) -> str:
    """The version of the peer itself, as its requirements pin it; '' where they do not."""
    requirements = requirements_of(name)
    lines = requirements.read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==", 1) for line in lines if "==" in line)
    return pins.get(requirements.stem, "")


def _run(python: Path, module: str, folder: Path, output: Path, limit_s: float) -> None:
    # no variable of the user reaches the peer: neither keys that it might spend nor settings
    environment = {
        "PATH": os.defpath,
        "HOME": str(output),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "0",
        **{name: os.environ[name] for name in ("OMP_NUM_THREADS",) if name in os.environ},
    }
    with (output / "log.txt").open("w", encoding="utf-8") as log:
        child = subprocess.Popen(
            [str(python), "-m", f"experiments.peers.{module}", str(folder), str(output)],
            cwd=output,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = child.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise PeerFailure(f"not finished after {limit_s:g} s") from None
        finally:
            _stop(child)
    if status:
        printed = (output / "log.txt").read_text(encoding="utf-8", errors="replace").strip()
        last = printed.splitlines()[-1] if printed else "no output"
        raise PeerFailure(f"exit code {status}: {last[-_ERROR_CHARACTERS:]}")
    if not (output / "peer.json").exists():
        raise PeerFailure("finished without writing peer.json")


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Stop the peer and the workers that it may have left."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
