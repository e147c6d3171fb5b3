"""Turns a saved index into one as an earlier version wrote it."""

from pathlib import Path

import numpy as np

from linkage_rl.candidates.container import read_arrays
from linkage_rl.candidates.files import file_digest, sealed, unsealed
from linkage_rl.candidates.layout import DERIVED
from linkage_rl.candidates.manifest import MANIFEST
from linkage_rl.candidates.mapping import open_unverified


def make_older(folder: Path, version: int) -> None:
    """Write every array of an index of format 5 to a file, as formats 3 and 4 have them."""
    manifest = unsealed((folder / MANIFEST).read_text())
    base, state = (
        dict(read_arrays(open_unverified(folder / name, ""), folder / name))
        for name in (manifest["base"], manifest["state"])
    )
    base |= {name: state.pop(name) for name in DERIVED}
    if "changes.alive" in state:
        state["changes.idf"] = np.zeros(0, np.float32)
    if version == 3:
        state = {name: array for name, array in state.items() if "known" not in name}
        manifest["watermark"] = "2025-01-01"
        del manifest["hashing"], manifest["latest_stamp"]
    checksums = {}
    for part, arrays in (("base", base), ("state", state)):
        (folder / manifest[part]).unlink()
        manifest[part] = manifest[part].removesuffix(".arrays")
        (folder / manifest[part]).mkdir()
        for name, array in arrays.items():
            file = f"{manifest[part]}/{name}.npy"
            np.save(folder / file, array)
            checksums[file] = file_digest(folder / file)
    older = {**manifest, "format": version, "checksums": checksums}
    (folder / MANIFEST).write_text(sealed(older))
