"""Saving a model during training, and resuming from it."""

import io
import re
from pathlib import Path
from typing import Final

from stable_baselines3.common.base_class import BaseAlgorithm

from linkage_rl.agents.masked_dqn import CaseReplayBuffer
from linkage_rl.atomic import replace_bytes

MAX_CHECKPOINTS: Final = 3
"""Checkpoints that are kept; older ones are deleted."""

_STEPS: Final = re.compile(r"rl_model_(\d+)_steps\.zip")
_REPLAY: Final = "replay.npz"
_LAST_STEP: Final = ("_last_obs", "_last_episode_starts", "_last_original_obs")
"""What a model keeps of its last step: observations of all episodes, a thousand times the weights.
A model that is loaded starts new episodes."""


def save_model(model: BaseAlgorithm, path: Path) -> None:
    """Write a model as Stable-Baselines3 does, without the observations of its last step.

    `PPO.load`, `MaskedDQN.load` and so on read it; the observation space is that of
    `linkage_rl/CandidateSelection-v0`.

    Raises:
        OutputError: The file cannot be written; an earlier one stays as it was.
    """
    content = io.BytesIO()
    model.save(content, exclude=_LAST_STEP)
    replace_bytes(path, content.getvalue())


def save_checkpoint(model: BaseAlgorithm, folder: Path) -> Path:
    """Write `rl_model_<steps>_steps.zip`, and the replay buffer where there is one.

    Raises:
        OutputError: The folder cannot be written.
    """
    path = folder / f"rl_model_{model.num_timesteps}_steps.zip"
    replay = getattr(model, "replay_buffer", None)
    if isinstance(replay, CaseReplayBuffer):
        content = io.BytesIO()
        replay.save(content)
        replace_bytes(folder / _REPLAY, content.getvalue())
    save_model(model, path)
    for _, old in _checkpoints(folder)[:-MAX_CHECKPOINTS]:
        old.unlink()
    return path


def latest_checkpoint(folder: Path) -> tuple[int, Path] | None:
    """Steps and path of the newest checkpoint of a folder, None where there is none."""
    found = _checkpoints(folder)
    return found[-1] if found else None


def restore(model: BaseAlgorithm, steps: int, path: Path) -> None:
    """Bring a newly built model of the same shape to the state of a checkpoint.

    Weights, optimiser and replay buffer are restored; generators and unfinished episodes are not,
    so that a resumed run is valid but not equal to an uninterrupted one bit for bit.
    """
    model.set_parameters(str(path), device=model.device)
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
