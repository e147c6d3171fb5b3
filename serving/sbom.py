"""Writes the bill of materials (SBOM) of an image: `python3 sbom.py FILE EPOCH`, inside it.

CycloneDX 1.5: every Python distribution on the path, the shared libraries and data in them, every
Debian package, and the interpreter where it is none of these; each with its licences. Standard
library only, and no times or serial numbers, so that equal images have equal files.
"""

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final

if __package__:
    from serving import licences
else:
    # run as a program by the Dockerfile, beside this file
    import licences  # type: ignore[import-not-found, no-redef]

_PACKAGES: Final = Path("/var/lib/dpkg/status")
_LIBRARY: Final = re.compile(r"[\w.-]+\.libs/([^/]+\.so[.\d]*)")


def python_packages() -> Iterator[dict[str, Any]]:
    """Every distribution that `import` can find, each followed by what it bundles."""
    for found in metadata.distributions():
        name = re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower()
        # importlib.metadata types its message as a protocol without this method
        licence = licences.of_python(found.metadata, name)  # type: ignore[arg-type]
        purl = f"pkg:pypi/{name}@{found.version}"
        yield _component("library", name, found.version, licence, purl)
        yield from _bundled(found, name, purl)


def debian_packages(status: str) -> Iterator[dict[str, Any]]:
    """Every package that dpkg lists as installed."""
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            purl = f"pkg:deb/debian/{name}@{version}?arch={fields['Architecture']}"
            yield _component("library", name, version, licences.of_debian(name), purl)


def interpreter() -> Iterator[dict[str, Any]]:
    """Python itself, where it is no Debian package, as in Python's own images."""
    if not sys.base_prefix.startswith("/usr/local"):
        return
    version = platform.python_version()
    licence = licences.named(["PSF-2.0"])
    yield _component("platform", "cpython", version, licence, f"pkg:generic/cpython@{version}")


def bill(components: list[dict[str, Any]]) -> dict[str, Any]:
    """The document; each component once, ordered by package URL and path."""
    unique = {component["bom-ref"]: component for component in components}
    own = {"type": "container", "name": "linkage_rl", "licenses": licences.named(["Apache-2.0"])}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": own},
        "components": [unique[reference] for reference in sorted(unique)],
    }


def main() -> None:
    """Write the file; it and its folder get the time of the build."""
    path, epoch = Path(sys.argv[1]), int(sys.argv[2])
    components = [*python_packages(), *interpreter()]
    if _PACKAGES.is_file():
        components += debian_packages(_PACKAGES.read_text(encoding="utf-8"))
    path.write_text(json.dumps(bill(components), indent=1) + "\n", encoding="utf-8")
    path.chmod(0o644)
    for touched in (path, path.parent):
        os.utime(touched, (epoch, epoch))


def _bundled(found: metadata.Distribution, package: str, purl: str) -> Iterator[dict[str, Any]]:
    """Shared libraries and data files that a distribution brings, which have other licences."""
    for file in found.files or ():
        path = Path(str(file.locate()))
        library, names = _LIBRARY.fullmatch(str(file)), licences.DATA.get(str(file))
        if (library is None and names is None) or not path.is_file():
            continue
        if library:
            kind, name, licence = "library", library[1], licences.of_library(library[1], package)
        else:
            kind, name, licence = "data", str(file), licences.named(names or ())
        component = _component(kind, name, found.version, licence)
        component["bom-ref"] = f"{purl}#{file}"
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        yield component | {"hashes": [{"alg": "SHA-256", "content": digest}]}


def _component(
    kind: str, name: str, version: str, licence: licences.Licences, purl: str = ""
) -> dict[str, Any]:
    component = {"type": kind, "bom-ref": purl, "name": name, "version": version}
    return component | {"licenses": licence} | ({"purl": purl} if purl else {})


if __name__ == "__main__":
    main()
