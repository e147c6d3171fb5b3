"""What decides in the lines that link; a module of its own, because the rules import torch."""

from pathlib import Path

from linkage_rl.agents.baselines import Rules
from linkage_rl.bundle import load_bundle
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider
from linkage_rl.decision.observation import View
from linkage_rl.linker import Linker
from linkage_rl.tables.store import CompanyStore


def make_linker(
    bundle: Path | None, index: CompanyIndex, store: CompanyStore, cases: CaseSet
) -> Linker:
    """The linker of a bundle, or of the rules, which run every blocker; both on this table.

    Raises:
        BundleError: The bundle is missing or damaged.
    """
    if bundle is not None:
        return load_bundle(bundle, index, store)
    settings = CandidateSettings()
    blockers = settings.blockers()
    view = View(settings.limit, tuple(blocker.cost for blocker in blockers))
    decider = Decider(Rules(cases, view), view, plan=tuple(range(len(blockers))))
    return Linker(index, blockers, decider, settings.limit, store)
