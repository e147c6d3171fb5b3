"""Zingg 0.7 on Spark in local mode: phases `train` and `link` with a configuration file.

Set up after the documentation of Zingg ("Configuration", "Adding your own training data", "Linking
across datasets"): names and readings fuzzy, places fuzzy or exact, what often is missing marked as
such; labelled pairs take the place of the questions of its `label` phase. It needs Java.
"""

import csv
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyspark
import zingg

from experiments.peers.exchange import Lists, Row, Scored, run_as_peer
from experiments.peers.labelled_pairs import wrong_pairs

FIELDS: Final = {
    "name": "FUZZY",
    "core": "FUZZY",
    "kana": "FUZZY,NULL_OR_BLANK",
    "city": "EXACT,NULL_OR_BLANK",
    "town": "FUZZY,NULL_OR_BLANK",
    "block": "FUZZY,NULL_OR_BLANK",
    "postal_code": "EXACT,NULL_OR_BLANK",
    "phone": "EXACT,NULL_OR_BLANK",
    "domain": "EXACT,NULL_OR_BLANK",
}
"""Columns to the match types of their field definitions; columns without any value are left out."""
PAIRS: Final = 300
"""Right pairs that are learned from, and as many wrong ones, as dedupe gets."""
MEMORY: Final = "6g"
"""Of the JVM, in which driver and executors of local mode share the heap."""


def fit(lists: Lists) -> Path:
    """Learn from right pairs and from pairs of similar companies that are wrong."""
    folder = Path.cwd()
    random.seed(1)
    columns = [name for name in FIELDS if any(client[name] for client in lists.judged)]
    _write(folder / "clients.csv", _records(lists.judged, "client_id", columns))
    _write(folder / "companies.csv", _records(lists.companies, "company_id", columns))
    _write(folder / "labelled.csv", _labelled(lists, columns))
    settings = _settings(folder, columns)
    (folder / "settings.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
    _run("train", folder)
    return folder


def link(lists: Lists, folder: Path) -> Iterator[Scored]:
    """The companies in the cluster of each client with their score."""
    _run("link", folder)
    clusters: dict[str, list[Row]] = {}
    for path in sorted((folder / "linked").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                clusters.setdefault(row["z_cluster"], []).append(row)
    for members in clusters.values():
        companies = [row for row in members if row["z_zsource"] == "companies"]
        for client in (row for row in members if row["z_zsource"] == "clients"):
            for row in companies:
                yield client["id"], row["id"], float(row["z_score"])


def _records(rows: list[Row], key: str, columns: list[str]) -> list[Row]:
    return [{"id": row[key], **{name: row[name] for name in columns}} for row in rows]


def _labelled(lists: Lists, columns: list[str]) -> list[Row]:
    """Two lines per pair, with the cluster that they share and whether they match."""
    labels = lists.labels()
    right = random.sample(labels, min(PAIRS, len(labels)))
    clients = {row["client_id"]: row for row in lists.train}
    companies = {row["company_id"]: row for row in lists.companies}
    judged = [(pair, "1") for pair in right] + [(pair, "0") for pair in wrong_pairs(right, lists)]
    return [
        {"z_cluster": str(number), "z_ismatch": match, **record}
        for number, ((client_id, company_id), match) in enumerate(judged)
        for record in (
            *_records([clients[client_id]], "client_id", columns),
            *_records([companies[company_id]], "company_id", columns),
        )
    ]


def _settings(folder: Path, columns: list[str]) -> dict[str, Any]:
    """The configuration file of both phases."""
    types = {"id": "DONT_USE", **{name: FIELDS[name] for name in columns}}
    schema = ", ".join(f"{name} string" for name in types)
    return {
        "fieldDefinition": [
            {"fieldName": name, "fields": name, "dataType": "string", "matchType": match}
            for name, match in types.items()
        ],
        "data": [_file(folder, name, schema) for name in ("clients", "companies")],
        "trainingSamples": [
            _file(folder, "labelled", f"z_cluster string, z_ismatch integer, {schema}")
        ],
        "output": [_file(folder, "linked")],
        "labelDataSampleSize": 0.5,
        "numPartitions": 4,
        "modelId": "1",
        "zinggDir": str(folder / "models"),
    }


def _file(folder: Path, name: str, schema: str = "") -> dict[str, Any]:
    place = folder / (f"{name}.csv" if schema else name)
    props = {"location": str(place), "delimiter": ",", "header": "true", "escape": '"'}
    own = {"schema": schema} if schema else {}
    return {"name": name, "format": "csv", "props": props, **own}


def _write(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _run(phase: str, folder: Path) -> None:
    """One phase of Zingg's own program."""
    jar = next((Path(zingg.__file__).parent / "jars").glob("zingg-*[0-9].jar"))
    home = Path(pyspark.__file__).parent
    subprocess.run(
        [
            str(home / "bin" / "spark-submit"),
            *("--master", "local[2]", "--driver-memory", MEMORY),
            *(
                "--driver-class-path",
                str(jar),
                "--class",
                "zingg.spark.client.SparkClient",
                str(jar),
            ),
            *("--phase", phase, "--conf", str(folder / "settings.json")),
            *("--email", "zingg@zingg.ai", "--license", "zinggLicense.txt"),
        ],
        check=True,
        cwd=folder,
        env=os.environ | {"SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable},
    )


if __name__ == "__main__":
    run_as_peer("zingg", fit, link)
