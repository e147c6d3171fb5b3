"""Turns a saved index into one of an earlier version, as far as anybody looks at it today."""

from pathlib import Path

from linkage_rl.candidates.files import sealed, unsealed
from linkage_rl.candidates.manifest import MANIFEST


def make_older(folder: Path, version: int) -> None:
    """Give an index the manifest of another format; before version 5 its parts were folders."""
    manifest = unsealed((folder / MANIFEST).read_text())
    if version < 5:
        for part in ("base", "state"):
            name = manifest[part].removesuffix(".arrays")
            (folder / name).mkdir()
            (folder / manifest[part]).rename(folder / name / "alive.npy")
            manifest[part] = name
    (folder / MANIFEST).write_text(sealed({**manifest, "format": version}))
