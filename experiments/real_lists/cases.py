"""The cases of `experiment=jp_all`, as its training run prepares them."""

from dataclasses import dataclass

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import open_dict, read_write

from linkage_rl.config import nodes
from linkage_rl.config.command import CONFIGS
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.train import COMPONENTS, TrainSettings, with_url
from linkage_rl.training.data import balanced, prepare


@dataclass(frozen=True, eq=False)
class Lists:
    """What a run learns from, chooses by and reports."""

    settings: TrainSettings
    datasets: tuple[str, ...]
    train: CaseSet
    """Balanced and augmented, as the ranker sees it."""
    valid: CaseSet
    test: CaseSet
    view: View


def preset(experiment: str = "jp_all") -> TrainSettings:
    """The settings of an experiment as the command line would have them."""
    nodes.register("train", TrainSettings, COMPONENTS)
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        whole = compose("train", [f"experiment={experiment}"], return_hydra_config=True)
    HydraConfig.instance().set_config(whole)
    with open_dict(whole), read_write(whole):
        whole.pop("hydra")
    return with_url(nodes.settings(whole, TrainSettings))


def real_lists(settings: TrainSettings | None = None) -> Lists:
    """Prepare the cases, or read them from the cache of earlier runs.

    Args:
        settings: What the run was told; None for `jp_all`.
    """
    settings = preset() if settings is None else settings
    prepared = prepare(settings)
    costs = tuple(blocker.cost for blocker in settings.candidates.blockers())
    return Lists(
        settings,
        prepared.datasets,
        balanced(prepared.cases["train"], settings.clients.balance),
        prepared.cases["valid"],
        prepared.cases["test"],
        View(settings.env.max_candidates, costs),
    )
