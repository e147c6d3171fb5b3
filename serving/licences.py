"""Licences of what an image holds, as SPDX names them where they do; standard library only.

Called by `sbom.py`. Each function returns a list as CycloneDX has it: `{"expression": TEXT}`, or
`{"license": {"id": SPDX}}` and `{"license": {"name": TEXT}}`.
"""

import re
from email.message import Message
from pathlib import Path
from typing import Any, Final

Licences = list[dict[str, Any]]

DATA: Final = {
    "linkage_rl/features/coordinates.tsv": ("MIT",),
    "linkage_rl/tables/prefectures.tsv": ("PDL-1.0",),
    "linkage_rl/tables/vocabulary.tsv": ("Apache-2.0",),
    "linkage_rl/text/former_municipalities.txt": ("Apache-2.0",),
    "linkage_rl/text/kanji_variants.txt": ("MIT", "CC-BY-4.0", "BSD-3-Clause"),
    "linkage_rl/text/municipalities.txt": ("public domain",),
    "linkage_rl/text/towns.txt.xz": ("public domain",),
    "tldextract/.tld_set_snapshot": ("MPL-2.0",),
}
"""Data files in packages to their licences; NOTICE has their sources."""

_GCC: Final = "GPL-3.0-or-later WITH GCC-exception-3.1"
LIBRARIES: Final = {
    **dict.fromkeys(("libgfortran", "libgcc_s", "libstdc++", "libgomp"), _GCC),
    **dict.fromkeys(("libquadmath", "libcrypt", "libkeyutils"), "LGPL-2.1-or-later"),
    **dict.fromkeys(("libcrypto", "libssl"), "Apache-2.0"),
    **dict.fromkeys(("libgssapi_krb5", "libk5crypto", "libkrb5", "libkrb5support"), "MIT"),
    **dict.fromkeys(("libldap", "liblber"), "OLDAP-2.8"),
    "libcom_err": "MIT",
    "libpq": "PostgreSQL",
    "libsasl2": "BSD-Attribution-HPND-disclaimer",
    **dict.fromkeys(("libscipy_openblas64_", "libscipy_openblas"), "BSD-3-Clause"),
    # those of pillow, in the training image
    **dict.fromkeys(("libXau", "libxcb", "libharfbuzz", "liblcms2", "libbrotlicommon"), "MIT"),
    **dict.fromkeys(("libbrotlidec", "libfribidi", "libraqm"), "MIT"),
    **dict.fromkeys(("libwebp", "libwebpdemux", "libwebpmux", "libsharpyuv"), "BSD-3-Clause"),
    **dict.fromkeys(("libavif", "libopenjp2", "libzstd"), "BSD-2-Clause"),
    "libfreetype": "FTL",
    "libjpeg": "IJG",
    "liblzma": "0BSD",
    "libpng16": "libpng-2.0",
    "libtiff": "libtiff",
    "libz": "Zlib",
}
"""Shared libraries that wheels bring, without version, to their licences."""

_DEBIAN: Final = {
    "libcrypt1": "LGPL-2.1-or-later",
    **dict.fromkeys(("libgssapi-krb5-2", "libk5crypto3", "libkrb5-3", "libkrb5support0"), "MIT"),
}
"""Debian packages whose copyright file, in free form, points elsewhere than to their licence."""

_SPDX: Final = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl",
    "bsd 3-clause license": "BSD-3-Clause",
    # without a number in packages of three clauses
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "expat": "MIT",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "zlib/libpng": "Zlib",
    **{
        name.lower(): name
        for name in (
            *("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause", "BSL-1.0", "CC0-1.0"),
            *("CC-BY-4.0", "ISC", "MIT", "MPL-1.1", "MPL-2.0", "PSF-2.0", "Unicode-3.0", "Zlib"),
            *(
                "LGPL-2.1-or-later",
                "PostgreSQL",
                "FSFAP",
                "FSFUL",
                "FSFULLR",
                "curl",
                "X11",
                "OpenSSL",
                "TCP-wrappers",
            ),
        )
    },
}
"""Names in lower case, as packages write them, to those of SPDX."""


def of_python(metadata: Message, name: str) -> Licences:
    """Licences of a Python distribution, from its expression, its licence field or classifiers."""
    if expression := metadata.get("License-Expression"):
        return [{"expression": expression}]
    field = metadata.get("License") or ""
    if re.fullmatch(r"[\w.-]+( (AND|OR|WITH) [\w.-]+)+", field):
        return [{"expression": field}]
    classifiers = [
        text.rsplit(" :: ", 1)[-1]
        for text in metadata.get_all("Classifier", [])
        if text.startswith("License ::") and not text.endswith("OSI Approved")
    ]
    if field.lower() in _SPDX or (field and "\n" not in field and not classifiers):
        return named([field])
    return named(classifiers or [f"see the licence files of {name}"])


def of_debian(package: str, docs: Path = Path("/usr/share/doc")) -> Licences:
    """Licences of a Debian package: those that its copyright file names, or a pointer to it."""
    path = docs / package / "copyright"
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    if package in _DEBIAN:
        return named([_DEBIAN[package]])
    if re.search(r"^Format(-Specification)?:", text[:1000], re.MULTILINE):
        names = set(re.findall(r"^License:[ \t]*(\S[^\n]*)", text, re.MULTILINE))
    else:
        # an old file, in free form
        names = set(re.findall(r"/usr/share/common-licenses/([\w.-]*\w)", text))
        if "PYTHON SOFTWARE FOUNDATION LICENSE" in text.upper():
            names.add("PSF-2.0")
    parts = {part.strip(" ,") for name in names for part in re.split(r"\s+(?:and|or)\s+|,", name)}
    return named(sorted(parts - {""}) or [f"see {path}"])


def of_library(file_name: str, package: str) -> Licences:
    """Licence of a shared library that the wheel of a package brings."""
    stem = re.split(r"-[0-9a-f]{8}\b|\.so|-[0-9.]+", file_name, maxsplit=1)[0]
    if known := LIBRARIES.get(stem):
        return [{"expression": known}] if " WITH " in known else named([known])
    return named([f"see the licence files of {package}"])


def named(names: list[str] | tuple[str, ...]) -> Licences:
    """Names as licences: by SPDX identifier where there is one, each once.

    >>> named(["Expat", "GPL-2+", "house rules"])[1:]
    [{'license': {'id': 'GPL-2.0-or-later'}}, {'license': {'name': 'house rules'}}]
    """
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        spdx = _spdx(name)
        found.setdefault(spdx or name, {"license": {"id": spdx} if spdx else {"name": name}})
    return list(found.values())


def _spdx(name: str) -> str:
    """The identifier of SPDX; '' where it is not known to be one.

    >>> _spdx("LGPL-2.1+"), _spdx("GFDL-1.3"), _spdx("custom")
    ('LGPL-2.1-or-later', 'GFDL-1.3-only', '')
    """
    if known := _SPDX.get(name.lower(), ""):
        return known
    if name in LIBRARIES.values():
        return name
    gnu = re.fullmatch(r"(GPL|LGPL|AGPL|GFDL)-(\d)(?:\.(\d))?(?:\.0)?(\+?)", name)
    if gnu is None:
        return ""
    kind, major, minor, later = gnu.groups()
    return f"{kind}-{major}.{minor or 0}-{'or-later' if later else 'only'}"
