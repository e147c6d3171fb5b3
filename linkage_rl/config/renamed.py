"""Former names of configuration keys and choices: refused, with the name of today."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from linkage_rl.errors import ConfigError
from linkage_rl.training.flat import flat

KEYS: Final[Mapping[str, str]] = {
    "agent.batch": "agent.batch_size",
    "agent.buffer": "agent.buffer_size",
    "agent.envs": "agent.n_envs",
    "agent.exploration": "agent.exploration_initial_eps",
    "agent.exploration_share": "agent.exploration_fraction",
    "agent.final_exploration": "agent.exploration_final_eps",
    "agent.quantiles": "agent.n_quantiles",
    **{
        f"agent.{updates}.{former}": f"agent.{updates}.{name}"
        for updates in ("refine", "scratch")
        for former, name in (
            ("batch", "batch_size"),
            ("clip", "clip_range"),
            ("entropy", "ent_coef"),
            ("epochs", "n_epochs"),
            ("exploration", "temperature"),
            ("rollout", "n_steps"),
        )
    },
    "agent.target_every": "agent.target_update_interval",
    "agent.value_weight": "agent.vf_coef",
    "candidates.ngram.price": "candidates.ngram.cost",
    "candidates.prices": "candidates.costs",
    "candidates.read_at_most": "candidates.max_rows",
    "clients.blur": "clients.augmentation",
    "clients.blurred": "clients.augmented",
    "ranker.all_routes_share": "ranker.all_blockers_share",
    "ranker.averaging": "ranker.ema_decay",
    "ranker.batch": "ranker.batch_size",
    "ranker.batch_parts": "ranker.min_batches",
    "ranker.pass_updates": "ranker.min_updates",
    "reward.route_price_scale": "reward.blocker_cost_scale",
    "table.sample.family_share": "table.sample.sibling_share",
    "training.ramp": "training.curriculum",
    "training.ramp.share": "training.curriculum.fraction",
    "training.steps": "training.total_timesteps",
    "training.warm": "training.warm_start",
    "training.warm.batch": "training.warm_start.batch_size",
    "training.warm.margin_cases": "training.warm_start.run_threshold_cases",
    "training.warm.rounds": "training.warm_start.iterations",
    "training.warm.sharpness": "training.warm_start.temperature",
    "training.warm.situations": "training.warm_start.samples",
    "training.warm.value_batch": "training.warm_start.value_batch_size",
}
"""Former key to the key of today. A group covers the keys in it whose last part is unchanged."""

CHOICES: Final[Mapping[str, str]] = {"reward=free_routes": "reward=free_blockers"}
"""Former choice of a group to the choice of today."""


def current_key(key: str) -> str:
    """What a key is called now; '' where no key was ever called so.

    >>> current_key("training.steps"), current_key("candidates.prices.phone")
    ('training.total_timesteps', 'candidates.costs.phone')
    >>> current_key("training.total_timesteps")
    ''
    """
    group, rest = key, ""
    while group:
        if group in KEYS:
            return KEYS[group] + rest
        group, dot, last = group.rpartition(".")
        rest = f"{dot}{last}{rest}"
    return ""


def former_keys(keys: Iterable[str]) -> list[str]:
    """Those of the keys that have another name now, in their order."""
    return [key for key in keys if current_key(key)]


def refuse_former_settings(saved: Mapping[str, object], folder: Path) -> None:
    """Refuse a run folder whose settings have former names: its code and its weights are former.

    Args:
        saved: The settings of the run, nested as in its `config.yaml`.
        folder: The run folder, for the message.

    Raises:
        ConfigError: A setting has another name now.
    """
    former = former_keys(flat(saved))
    if former:
        raise ConfigError(
            f"the run in {folder} was made before settings were renamed ({former[0]} is now "
            f"{current_key(former[0])}) and cannot be used any more; train it again"
        )
