"""The bill of materials names a licence for everything, and NOTICE the source of all data."""

import json
import subprocess
import sys
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from serving.licences import DATA, of_debian, of_library, of_python

NOTICE = Path("NOTICE").read_text(encoding="utf-8")
DATA_SUFFIXES = {".tsv", ".txt", ".xz", ".csv", ".json", ".npy", ".parquet"}


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The bill of this environment, written as in the image."""
    path = tmp_path_factory.mktemp("sbom") / "sbom.json"
    subprocess.run([sys.executable, "serving/sbom.py", path, "0"], check=True)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def data_files() -> set[str]:
    """Data files that the package's wheel holds."""
    listed = subprocess.run(
        ["git", "ls-files", "linkage_rl"], capture_output=True, text=True, check=True
    ).stdout.split()
    return {name for name in listed if Path(name).suffix in DATA_SUFFIXES}


def metadata(**fields: str) -> Message:
    message = Message()
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    return message


def test_every_component_has_a_licence(bill: dict[str, Any]) -> None:
    assert len(bill["components"]) > 50
    assert [one["bom-ref"] for one in bill["components"] if not one["licenses"]] == []


def test_packages_of_the_image_have_an_identifier_or_expression(bill: dict[str, Any]) -> None:
    locked = Path("requirements/image/serve.txt").read_text(encoding="utf-8").splitlines()
    names = {line.partition("==")[0] for line in locked if "==" in line}
    by_name = {
        one["name"]: one["licenses"] for one in bill["components"] if "pypi" in one["bom-ref"]
    }

    unclear = [
        (name, licence)
        for name in sorted(names & set(by_name))
        for licence in by_name[name]
        if "expression" not in licence and "id" not in licence["license"]
    ]

    assert unclear == []


def test_shared_libraries_in_wheels_are_components_with_a_digest(bill: dict[str, Any]) -> None:
    found = {one["name"].partition("-")[0]: one for one in bill["components"]}

    assert found["libpq"]["licenses"] == [{"license": {"id": "PostgreSQL"}}]
    assert found["libssl"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert len(found["libpq"]["hashes"][0]["content"]) == 64


def test_every_data_file_of_the_package_has_a_licence_and_its_source_in_the_notice() -> None:
    own = {name for name in DATA if name.startswith("linkage_rl/")}

    assert own == data_files()
    assert [name for name in sorted(DATA) if name not in NOTICE] == []


def test_every_licence_text_is_named_in_the_notice() -> None:
    texts = [path.name for path in Path("LICENSES").iterdir()]

    assert len(texts) >= 3
    assert [name for name in texts if f"LICENSES/{name}" not in NOTICE] == []


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License_Expression": "MIT OR Apache-2.0"}, {"expression": "MIT OR Apache-2.0"}),
        ({"License": "MPL-2.0 AND MIT"}, {"expression": "MPL-2.0 AND MIT"}),
        ({"License": "Apache 2.0"}, {"license": {"id": "Apache-2.0"}}),
        (
            {
                "License": "Copyright\nand more",
                "Classifier": "License :: OSI Approved :: BSD License",
            },
            {"license": {"id": "BSD-3-Clause"}},
        ),
        ({}, {"license": {"name": "see the licence files of nameless"}}),
    ],
)
def test_the_licence_of_a_distribution(fields: dict[str, str], licence: dict[str, Any]) -> None:
    assert of_python(metadata(**fields), "nameless") == [licence]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Format: 1.0\n\nLicense: GPL-2+ and Expat\n text\n", ["MIT", "GPL-2.0-or-later"]),
        ("License: none of this form\n/usr/share/common-licenses/LGPL-2.1.\n", ["LGPL-2.1-only"]),
        ("PSF: Python Software Foundation License Version 2\n", ["PSF-2.0"]),
    ],
)
def test_the_licences_of_a_debian_package(text: str, names: list[str], tmp_path: Path) -> None:
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing" / "copyright").write_text(text, encoding="utf-8")

    assert [one["license"].get("id") for one in of_debian("thing", tmp_path)] == names


def test_an_unknown_library_points_to_the_files_of_its_package() -> None:
    assert of_library("libnew-0a1b2c3d.so.1", "newpackage") == [
        {"license": {"name": "see the licence files of newpackage"}}
    ]
