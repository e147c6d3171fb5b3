"""Saving a model during training, and taking a run up again."""

import contextlib
import re
from pathlib import Path

from stable_baselines3.common.base_class import BaseAlgorithm

from linkage_rl.agents.masked_dqn import CaseReplayBuffer
from linkage_rl.errors import OutputError

KEPT = 3
"""Checkpoints that stay; older ones are deleted."""

_STEPS = re.compile(r"rl_model_(\d+)_steps\.zip")
_REPLAY = "replay.npz"


def save_checkpoint(model: BaseAlgorithm, folder: Path) -> Path:
    """Write `rl_model_<steps>_steps.zip`, and the replay buffer where there is one.

    Raises:
        OutputError: The folder cannot be written.
    """
    path = folder / f"rl_model_{model.num_timesteps}_steps.zip"
    part = path.with_name(f".{path.name}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            model.save(file)
        replay = getattr(model, "replay_buffer", None)
        if isinstance(replay, CaseReplayBuffer):
            replay.save(folder / _REPLAY)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise OutputError(f"cannot write the checkpoint {path}: {error.strerror}") from error
    for _, old in _checkpoints(folder)[:-KEPT]:
        old.unlink()
    return path


def latest_checkpoint(folder: Path) -> tuple[int, Path] | None:
    """Steps and path of the newest checkpoint of a folder, None where there is none."""
    found = _checkpoints(folder)
    return found[-1] if found else None


def restore(model: BaseAlgorithm, steps: int, path: Path) -> None:
    """Bring a newly built model of the same shape to where a checkpoint left off.

    Weights, optimiser and replay buffer return; random states and half episodes do not, so that a
    resumed run is valid but not the same bit for bit.
    """
    model.set_parameters(str(path), device="cpu")
    model.num_timesteps = steps
    replay = getattr(model, "replay_buffer", None)
    saved = path.parent / _REPLAY
    if isinstance(replay, CaseReplayBuffer) and saved.is_file():
        replay.load(saved)


def _checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """Steps and paths, oldest first."""
    if not folder.is_dir():
        return []
    matches = ((_STEPS.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in matches if match)
