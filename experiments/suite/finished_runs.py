"""Finished training runs taken over as cells, so that hours of training need not be repeated."""

import glob
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import xxhash
from omegaconf import OmegaConf

from experiments.suite.systems import AGENT, FIT, RANKER, SYSTEMS
from linkage_rl.config.renamed import refuse_former_settings
from linkage_rl.errors import ConfigError
from linkage_rl.train import TrainSettings

_LOCATIONS = ("database", "index", "source")
"""Keys of the table that say where it is stored, not what is in it."""
_DISPLAY = ("progress", "tensorboard")
"""Keys of the training that change nothing it learns."""


def run_folders(patterns: Sequence[str]) -> list[Path]:
    """The folders that these paths or patterns name, in their order.

    Raises:
        ConfigError: A pattern names no finished run.
    """
    folders = []
    for pattern in patterns:
        found = sorted(map(Path, glob.glob(pattern)))  # noqa: PTH207 - patterns may be absolute
        finished = [path for path in found if (path / "metrics.json").exists()]
        if not finished:
            raise ConfigError(f"expected finished runs at runs={pattern}, found none")
        folders += finished
    return folders


def fitting_run(settings: TrainSettings, system: str, runs: Sequence[Path]) -> Path | None:
    """The first run that learned this system with these settings; None if there is none.

    Runs are compared by every setting on which the system depends, but not by their code: their
    commit goes into the record of the cell.

    Raises:
        ConfigError: A run was made under former names of settings.
    """
    kind = SYSTEMS[system]
    if not (kind.agent or system == "ranker"):
        return None
    wanted = _relevant(asdict(settings), kind.reads)
    for run in runs:
        saved: Any = OmegaConf.to_container(OmegaConf.load(run / "config.yaml"))
        refuse_former_settings(saved, run)
        if kind.agent and saved["agent_name"] != system:
            continue
        if saved["seed"] == settings.seed and _relevant(saved, kind.reads) == wanted:
            return run
    return None


def _relevant(settings: dict[str, Any], reads: Sequence[str]) -> dict[str, Any]:
    """The settings that matter, as plain JSON so that both sides compare."""
    parts = {name: settings[name] for name in ("table", "clients", "candidates", "env", *reads)}
    plain: dict[str, Any] = json.loads(json.dumps(parts, default=list))
    for name in _LOCATIONS:
        plain["table"].pop(name, None)
    for name in _DISPLAY:
        plain.get("training", {}).pop(name, None)
    for split in ("train", "valid", "test"):
        files = plain["clients"][split]
        plain["clients"][split] = {dataset: Path(file).name for dataset, file in files.items()}
    return plain


def weights_file(run: Path, system: str) -> Path:
    """File with the weights that the run learned for this system."""
    return run / (RANKER if system == "ranker" else AGENT)


def weights_digest(run: Path, system: str) -> str:
    """Digest of the weights that the run learned."""
    return xxhash.xxh3_128(weights_file(run, system).read_bytes()).hexdigest()


def take_over(run: Path, system: str, folder: Path) -> None:
    """Copy what the run learned into the folder of a cell, with the time it took."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = weights_file(run, system)
    shutil.copyfile(weights, folder / weights.name)
    if system != "ranker" and (run / "evaluations.npz").exists():
        shutil.copyfile(run / "evaluations.npz", folder / "evaluations.npz")
    seconds = json.loads((run / "metrics.json").read_text())["seconds"]
    made = json.loads((run / "manifest.json").read_text())
    stage = "training the ranker" if system == "ranker" else "training the agent"
    content = {
        "wall_s": seconds[stage],
        # the run measured wall time only
        "cpu_s": None,
        "notes": {"trained by": f"{made['command']} at commit {made['commit'][:7]}"},
    }
    (folder / FIT).write_text(json.dumps(content))
