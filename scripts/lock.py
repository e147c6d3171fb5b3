"""Turns pip's reports into requirements with hashes: `python scripts/lock.py FOLDER`.

Called by lock.sh, whose folder holds PART-ARCH.json for every part of the images and architecture,
and in `sources/` the packages that have no wheel.
"""

import hashlib
import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

ARCHITECTURES: Final = ("x86_64", "aarch64")
HEADER: Final = (
    "# Written by scripts/lock.sh, from setup.cfg, requirements/*.txt and constraints.txt.\n"
)
UNHASHED: Final = ("torch",)
"""Packages of which any build will do; wheels.sh downloads them without a hash."""
OUTPUT: Final = Path("requirements/image")

Hashes = dict[str, set[str]]
"""`name==version` to the hashes of its files."""


def main() -> None:
    """Write build.txt, serve.txt, train.txt (what serve.txt lacks) and sources.txt."""
    folder = Path(sys.argv[1])
    pinned = set(Path("constraints.txt").read_text(encoding="utf-8").split())
    sources = {_source(path): {_digest(path)} for path in sorted((folder / "sources").iterdir())}
    served = _hashes(folder, "serve")
    trained = _hashes(folder, "train")
    for requirement in sorted({*served, *trained} - pinned):
        sys.stderr.write(f"lock: {requirement} is not in constraints.txt, and left out\n")
    OUTPUT.mkdir(exist_ok=True)
    _write("build", _hashes(folder, "build"))
    _write("serve", {name: found for name, found in served.items() if name in pinned})
    left_out = {*served, *sources, *(name for name in trained if name.split("==")[0] in UNHASHED)}
    _write("train", {n: found for n, found in trained.items() if n in pinned and n not in left_out})
    _write("sources", sources)


def _hashes(folder: Path, part: str) -> Hashes:
    found: Hashes = defaultdict(set)
    for architecture in ARCHITECTURES:
        report = json.loads((folder / f"{part}-{architecture}.json").read_text(encoding="utf-8"))
        for item in report["install"]:
            requirement = f"{_plain(item['metadata']['name'])}=={item['metadata']['version']}"
            hashes = item["download_info"].get("archive_info", {}).get("hashes", {})
            found[requirement.partition("+")[0]].add(hashes.get("sha256", ""))
    return found


def _source(path: Path) -> str:
    name, version = path.name.removesuffix(".tar.gz").rsplit("-", 1)
    return f"{_plain(name)}=={version}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _write(part: str, hashes: Hashes) -> None:
    lines = [
        " \\\n    ".join([requirement, *(f"--hash=sha256:{one}" for one in sorted(found))])
        for requirement, found in sorted(hashes.items())
    ]
    (OUTPUT / f"{part}.txt").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
