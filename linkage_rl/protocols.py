"""The interfaces of the library on one page; any object that fits one can be plugged in."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.records import CanonicalBatch, CompanyRows, Observation


class Policy(Protocol):
    """Decides what to do for a client; all that evaluation, linker and server know of an agent."""

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """Logit of every action, shape (B, A); illegal ones get -1e8.

        The action taken is that with the highest logit. The softmax over the link slots and no
        match is the raw confidence, which calibration turns into a probability.
        """


class KeyFunction(Protocol):
    """Key texts of records, for exact look-up: two records that share a key may be one company."""

    def __call__(self, records: CanonicalBatch) -> Sequence[Sequence[str]]:
        """Key texts: for each alternative, the text of each of the N records; '' for no key.

        A company is indexed under its first alternative; a client looks up all of them.
        """


class FilingFunction(Protocol):
    """Keys under which companies are indexed, any number each, where clients look up others."""

    def __call__(self, records: CanonicalBatch) -> tuple[Sequence[str], NDArray[np.int32]]:
        """F key texts, each once per record, and the record of each, ascending, shape (F,)."""


class CompanySource(Protocol):
    """The company database, as far as index and linker use it."""

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        """Current rows of these companies, in one query; ids that no longer exist are left out."""
