"""A bundle in memory, under the name by which callers know it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from linkage_rl.bundle import Settings as BundleSettings
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.linker import Linker
from linkage_rl.protocols import CompanySource


@dataclass(frozen=True)
class Model:
    """A bundle in memory."""

    name: str
    fingerprint: str
    """SHA-256 of the manifest of its bundle, in hexadecimal digits."""
    linker: Linker
    settings: BundleSettings

    def linker_on(
        self, index: CompanyIndex, source: CompanySource, keeps_evidence: bool = False
    ) -> Linker:
        """Its linker, on another state of the table and reading companies from a source."""
        return replace(self.linker, index=index, source=source, keeps_evidence=keeps_evidence)

    @property
    def version(self) -> str:
        """First digits of the fingerprint."""
        return self.fingerprint[:12]

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Name and version."""
        return {"name": self.name, "version": self.version}

    @cached_property
    def blockers(self) -> tuple[str, ...]:
        """Names of its blockers, in the order of the bits of `LinkedBatch.ran`."""
        return tuple(blocker.name for blocker in self.settings.blockers)
