"""Writes the bill of materials (SBOM) of an image: `python3 sbom.py FILE EPOCH`, inside it.

CycloneDX 1.5, every Python distribution on the path and every Debian package. Standard library
only, and no times or serial numbers, so that equal images have equal files.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final

_PACKAGES: Final = Path("/var/lib/dpkg/status")


def python_packages() -> Iterator[dict[str, Any]]:
    """Every distribution that `import` can find."""
    for found in metadata.distributions():
        name = re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower()
        component = _component(name, found.version, f"pkg:pypi/{name}@{found.version}")
        if "License-Expression" in found.metadata:
            component["licenses"] = [{"expression": found.metadata["License-Expression"]}]
        yield component


def debian_packages(status: str) -> Iterator[dict[str, Any]]:
    """Every package that dpkg lists as installed."""
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            purl = f"pkg:deb/debian/{name}@{version}?arch={fields['Architecture']}"
            yield _component(name, version, purl)


def bill(components: list[dict[str, Any]]) -> dict[str, Any]:
    """The document; each component once, ordered by package URL."""
    unique = {component["purl"]: component for component in components}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "linkage_rl"}},
        "components": [unique[purl] for purl in sorted(unique)],
    }


def main() -> None:
    """Write the file; it and its folder get the time of the build."""
    path, epoch = Path(sys.argv[1]), int(sys.argv[2])
    components = list(python_packages())
    if _PACKAGES.is_file():
        components += debian_packages(_PACKAGES.read_text(encoding="utf-8"))
    path.write_text(json.dumps(bill(components), indent=1) + "\n", encoding="utf-8")
    path.chmod(0o644)
    for touched in (path, path.parent):
        os.utime(touched, (epoch, epoch))


def _component(name: str, version: str, purl: str) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


if __name__ == "__main__":
    main()
