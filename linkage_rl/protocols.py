"""The seams of the library on one page; anything that fits one can be plugged in."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.records import CanonicalBatch, CompanyRows, Observation


class Policy(Protocol):
    """Decides; all that evaluation, linker and serving know of an agent."""

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """Logit of every action, shape (B, A); illegal ones get -1e8.

        The greedy action is the argmax. The softmax over the link slots and no match is the raw
        confidence that calibration turns into a probability.
        """


class KeyFunction(Protocol):
    """Names a record exactly: two records with one equal key may be the same company."""

    def __call__(self, records: CanonicalBatch) -> Sequence[Sequence[str]]:
        """Key texts, outer axis: alternatives of a record, inner axis: the N records; '' is none.

        A company is found under its first alternative; a client asks with all of them.
        """


class FilingFunction(Protocol):
    """Files companies under keys of their own, any number each, for clients who ask with others."""

    def __call__(self, records: CanonicalBatch) -> tuple[Sequence[str], NDArray[np.int32]]:
        """F key texts, each once per record, and the record of each, rising, shape (F,)."""


class CompanySource(Protocol):
    """The company database, as candidates and linker see it."""

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        """Current rows of these companies in one query; vanished ids are left out."""
