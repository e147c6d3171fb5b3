"""Files with checksums, so that damage is noticed, and arrays mapped from disk."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

_BLOCK: Final = 1 << 22


def file_digest(path: Path) -> str:
    """Checksum of a file, 128 bits in hexadecimal; against damage, not against an attacker."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sealed(content: Mapping[str, Any]) -> str:
    """JSON text of a manifest that ends with a checksum of its other entries."""
    text = json.dumps(content, indent=1)
    seal = xxhash.xxh3_128(text.encode()).hexdigest()
    return json.dumps({**content, "seal": seal}, indent=1)


def unsealed(text: str) -> dict[str, Any]:
    """The content that `sealed` wrote.

    Raises:
        ValueError: It is not what `sealed` writes, to the last byte.

    >>> unsealed(sealed({"format": 1}))
    {'format': 1}
    """
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("it holds no object")
    content.pop("seal", None)
    if sealed(content) != text:
        raise ValueError("its checksum differs")
    return content


def replace_text(path: Path, text: str) -> None:
    """Write a temporary file, then move it into place; readers see the old or the new text."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def fault_of(error: OSError) -> str:
    """The fault in words; numpy's error for a full disk only counts bytes."""
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        return str(error.args[0][0][2])
    return error.strerror or f"No space left: {error}"


def map_array(path: Path) -> NDArray[Any]:
    """A saved array mapped into memory; never a pickle."""
    # a plain view of the map: the subclass runs Python code in every slice
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
