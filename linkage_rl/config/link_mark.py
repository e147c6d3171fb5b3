"""Fingerprints by which an interrupted run of `link` knows what it can go on with."""

from dataclasses import astuple
from pathlib import Path

from linkage_rl.config.inputs import database_of
from linkage_rl.config.link_settings import LinkSettings
from linkage_rl.decision_log.opening import log_url
from linkage_rl.linked_columns import digest
from linkage_rl.linked_list import ListFile
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.writer import file_fingerprint


def bundle_mark(settings: LinkSettings) -> str:
    """Fingerprint of the bundle.

    Raises:
        InputFileError: It cannot be read.
    """
    return file_fingerprint(Path(settings.bundle).expanduser() / "manifest.json")


def fingerprint(settings: LinkSettings, source: ListFile, bundle: str) -> str:
    """Hash of what the output depends on, but for the state of the table: list, bundle, settings.

    A run that is continued after the table has changed keeps its finished clients, whose rows say
    which state they are of.

    Args:
        settings: The settings of the command.
        source: The list.
        bundle: What `bundle_mark` gave.
    """
    parts = [
        file_fingerprint(source.path),
        bundle,
        shown(database_of(settings.database)) if settings.database else "",
        settings.encoding,
        settings.sheet,
        f"{settings.header_row} {settings.bom} {settings.candidates.shown}",
        str(settings.quotes_formulas),
        f"{settings.explain} {settings.assignment} {settings.claims} {settings.duplicates}",
        f"{settings.dedupe} {settings.duplicate_threshold}",
        settings.run_id,
        settings.linked_at,
        *map(str, astuple(settings.columns)),
        *map(str, astuple(settings.table.mapping)),
        str(settings.chunk),
    ]
    if settings.log:
        parts += ["log", shown(log_url(settings.log)), settings.customer]
    return digest(*parts)
