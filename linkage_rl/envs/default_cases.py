"""The cases of an environment that is made without any."""

from functools import cache
from typing import Final

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.prepare import prepare_cases
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies

SAMPLE: Final = SampleConfig(companies=2_000, clients=2_000)
"""Small enough to be drawn, indexed and searched in about a second."""


@cache
def default_cases() -> CaseSet:
    """The training clients of a small seeded sample, shared by all environments of the program."""
    index = CompanyIndex.build(generate_companies(SAMPLE))
    clients = generate_clients(SAMPLE, "train")
    blockers = CandidateSettings().blockers()
    return prepare_cases(index, blockers, clients.records, clients.truth or (), title="sample")
