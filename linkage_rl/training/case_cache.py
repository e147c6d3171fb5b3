"""The cache of prepared cases, which runs share: preparing takes minutes for a large table."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import xxhash

from linkage_rl import candidates, decision, features, text
from linkage_rl.atomic import writing
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.manifest import MANIFEST
from linkage_rl.candidates.registry import source_of
from linkage_rl.candidates.versions import code_digest
from linkage_rl.decision.prepare import prepare_cases
from linkage_rl.tables.readers import ClientList
from linkage_rl.training.settings import RunSettings


@dataclass(frozen=True)
class CaseMaker:
    """Prepares cases, and keeps them in a cache."""

    settings: RunSettings
    cache: Path
    stamp: str
    """Of table, blockers and code, see `stamp_of`."""

    def folder(self, index: CompanyIndex, clients: ClientList, dataset: str, purpose: str) -> Path:
        """The folder with the cases of a client list, prepared unless the cache holds it.

        Args:
            index: The table, or a part of it that has to be the same for equal clients.
            clients: The list.
            dataset: Its dataset, for the name of the folder.
            purpose: What it is for, as a split, for the name of the folder.
        """
        truth = clients.truth or [""] * len(clients)
        columns = clients.records.columns.values()
        texts = "\n".join([*clients.records.ids, *truth, *(t for c in columns for t in c)])
        digest = digest_of(f"{self.stamp}{len(index)}{texts}")[:16]
        folder = self.cache / "cases" / f"{dataset}-{purpose}-{digest}"
        if (folder / "cases.json").exists():
            return folder
        cases = prepare_cases(
            index,
            self.settings.candidates.blockers(),
            clients.records,
            truth,
            self.settings.candidates.limit,
            title=f"cases of {dataset} {purpose}",
            progress=self.settings.training.progress,
        )
        partial = folder.with_name(f".partial-{folder.name}")
        try:
            with writing(folder):
                cases.save(partial)
                shutil.rmtree(folder, ignore_errors=True)
                partial.replace(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return folder


def stamp_of(settings: RunSettings, folder: Path) -> str:
    """Changes whenever the cases would: with the index, the blockers, or the code."""
    manifest = json.loads((folder / MANIFEST).read_text())
    blockers = [source_of(blocker) for blocker in settings.candidates.blockers()]
    code = code_digest(text, candidates, features, decision)
    return json.dumps(
        [sorted(manifest["checksums"].items()), blockers, settings.candidates.limit, code]
    )


def digest_of(content: str) -> str:
    """A hash of a text, equal on every machine."""
    return xxhash.xxh3_128(content.encode("utf-8", "replace")).hexdigest()
