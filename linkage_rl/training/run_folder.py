"""A run folder: one process at a time, what it holds, and when an interrupted run may go on."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NoReturn

from omegaconf import OmegaConf

from linkage_rl.agents.checkpoint import latest_checkpoint
from linkage_rl.atomic import replacing
from linkage_rl.decision.cases import CaseSet, join_cases
from linkage_rl.errors import ConfigError
from linkage_rl.locking import only_holder
from linkage_rl.tables.credentials import parse_url, shown
from linkage_rl.training.flat import flat
from linkage_rl.training.settings import RunSettings

SETTINGS: Final = "config.yaml"
"""Everything that the run depends on; written first."""
MANIFEST: Final = "manifest.json"
"""Where the results come from; written last, so that a folder with one holds a finished run."""
CHECKPOINTS: Final = "checkpoints"
LOCK: Final = ".lock"
"""Held while a process works in the folder; the system releases it when the process ends."""

FIXED: Final = (
    *("agent_name", "seed", "table", "clients", "schema", "candidates", "env", "reward", "ranker"),
    *("agent.n_envs", "agent.buffer_size", "agent.n_quantiles", "agent.reward_scale"),
    *("training.start", "training.width", "training.warm_start", "training.evaluation_cases"),
)
"""Settings that a resumed run must keep: its cases, its networks and its curve depend on them."""
_PLACES: Final = ("table.index",)
"""Where something derived lies; a restarted job may keep it elsewhere."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a run folder, which is made if missing.

    Raises:
        ConfigError: Another process works in the folder.
        OutputError: The folder cannot be written.
    """

    def held() -> NoReturn:
        raise ConfigError(
            f"run folder {folder} is in use by another process; wait until it ends, or choose "
            "another folder by hydra.run.dir="
        ) from None

    with only_holder(folder / LOCK, held):
        yield


def check_startable(folder: Path) -> None:
    """Refuse to start a new run where one has results to lose.

    Raises:
        ConfigError: The folder holds a finished run, or one with a checkpoint to resume from.
    """
    if (folder / MANIFEST).exists():
        raise ConfigError(
            f"run folder {folder} already holds a finished run; choose another folder"
        )
    if latest_checkpoint(folder / CHECKPOINTS):
        raise ConfigError(
            f"run folder {folder} already holds a run; go on with it by resume={folder}, or choose "
            "another folder"
        )


def check_resumable(folder: Path, settings: RunSettings) -> None:
    """Refuse to go on with a run that is finished, or that would become another one.

    A run that was interrupted before its first checkpoint can be resumed, too: it starts again.

    Raises:
        ConfigError: There is no run in the folder, it has nothing left to do, or one of `FIXED`
            has changed.
    """
    saved = read_settings(folder)
    if saved is None:
        raise ConfigError(
            f"expected an interrupted run in {folder}, found no {SETTINGS}; give the folder that "
            "the run wrote"
        )
    before, now = flat(saved), flat(public_settings(settings))
    for key in sorted(before.keys() | now.keys()):
        fixed = any(key == name or key.startswith(f"{name}.") for name in FIXED)
        if fixed and key not in _PLACES and before.get(key) != now.get(key):
            raise ConfigError(
                f"the run in {folder} had {key}={before.get(key, 'nothing')}, got "
                f"{now.get(key, 'nothing')}; leave it as it was, or start a new run"
            )
    found = latest_checkpoint(folder / CHECKPOINTS)
    if (folder / MANIFEST).exists() and found and found[0] >= settings.training.total_timesteps:
        raise ConfigError(
            f"the run in {folder} is finished after {found[0]} steps; set "
            "training.total_timesteps to more of them, or start a new run"
        )


def public_settings(settings: RunSettings) -> dict[str, Any]:
    """The settings as nested dicts of plain values, the password of the database left out."""
    content = asdict(settings)
    if settings.table.database:
        content["table"]["database"] = shown(parse_url(settings.table.database))
    plain: dict[str, Any] = _plain(content)
    return plain


def write_settings(folder: Path, settings: RunSettings) -> None:
    """Write `config.yaml`.

    Raises:
        OutputError: The folder cannot be written.
    """
    with replacing(folder / SETTINGS) as path:
        OmegaConf.save(OmegaConf.create(public_settings(settings)), path)


def read_settings(folder: Path) -> dict[str, Any] | None:
    """The settings of the run in a folder, nested as in `config.yaml`; None without a run."""
    path = folder / SETTINGS
    if not path.is_file():
        return None
    saved = OmegaConf.to_container(OmegaConf.load(path))
    return {str(key): value for key, value in saved.items()} if isinstance(saved, dict) else None


def read_cases(folder: Path) -> dict[str, CaseSet]:
    """The prepared cases of a finished run by split, as its `manifest.json` names them.

    With them, `best_model.zip` can be loaded and judged without preparing anything.

    Raises:
        ConfigError: The run is not finished, or its cache has been deleted.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ConfigError(f"expected a finished run in {folder}, found no {MANIFEST}")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    places = {name: place for place, name in enumerate(manifest["datasets"])}
    cases = {}
    for split, parts in manifest["cases"].items():
        loaded = [CaseSet.load(part["folder"]) for part in parts]
        cases[split] = join_cases(loaded, [places[part["dataset"]] for part in parts])
    return cases


def _plain(value: object) -> Any:
    """Mappings, lists and scalars as they are, anything else as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
