"""What is fuzzed: each takes any input, and raises nothing but the library's own errors."""

import csv
import io
import json
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.torture import fuzz_inputs as draw
from linkage_rl.bundle import load_bundle, read_settings
from linkage_rl.candidates.files import sealed
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.storage import load_index
from linkage_rl.errors import ConfigError, LinkageError
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.records import FIELDS, RecordBatch
from linkage_rl.tables.credentials import database_url, parse_url, shown
from linkage_rl.tables.readers import read_clients, read_companies
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.text.addresses import canonical_addresses
from linkage_rl.text.canonical import canonicalise
from linkage_rl.text.names import canonical_names
from linkage_rl.text.phones import canonical_phones
from linkage_rl.text.urls import canonical_urls
from serving.codec import decode, encode
from serving.content_type import CSV, JSON_LINES, ContentType, negotiate, unpack
from serving.errors import RequestError
from serving.live_table import column_mapping
from serving.requests import LinkageRequest
from serving.responses import LinkageResponse, link_results
from serving.settings import ServerSettings, WorkerSettings
from serving.variables import SettingError

Draw = Callable[[random.Random], Any]
Act = Callable[[Sequence[Any]], None]

OWN_ERRORS: Final = (LinkageError, RequestError, SettingError)
"""The errors that may come out, each with a sentence for the user."""
_KEYS: Final = tuple(field.name for field in fields(ColumnMapping))
_VARIABLES: Final = (
    *("LINKAGE_WORKERS", "LINKAGE_MAX_CLIENTS", "LINKAGE_DATABASE_TIMEOUT_S", "LINKAGE_REFRESH_S"),
    *("SAGEMAKER_BIND_TO_PORT", "SAGEMAKER_MAX_PAYLOAD_IN_MB", "SAGEMAKER_MULTI_MODEL"),
    *("LINKAGE_TABLE_MAPPING", "LINKAGE_CSV_COLUMNS", "LINKAGE_ON_DATABASE_DOWN", "DB_PORT"),
)
_VALUES: Final = (
    *("1", "0", "-1", "２", "1e3", "nan", "inf", "true", "stale", "[]", "{}", "²", "1_0", " 5"),
)
_MAX_BODY: Final = 1 << 20


class WrongAnswerError(Exception):
    """Nothing was raised, but what came out contradicts what went in."""


@dataclass(frozen=True)
class Target:
    """Something that is fuzzed."""

    name: str
    share: float
    """Of all inputs."""
    draw: Draw
    """Draws one input."""
    act: Act
    """Takes many inputs at once, or one by one."""
    batch: int = 64
    """Inputs that are taken at once."""


def targets_of(made: Path, folder: Path) -> list[Target]:
    """Every target.

    Args:
        made: What `make_world` has made.
        folder: A folder for files of this process's own.
    """
    lists, bundle, index = folder / "lists", folder / "bundle", folder / "index"
    lists.mkdir(parents=True, exist_ok=True)
    shutil.copytree(made / "bundle", bundle, ignore=shutil.ignore_patterns("index"))
    shutil.copytree(made / "bundle" / "index", index)
    on_bundle = partial(_bundle, bundle, load_index(index))
    return [
        Target("names", 0.22, draw.text, _texts(canonical_names)),
        Target("phones", 0.14, partial(draw.text, bases=draw.PHONES), _texts(canonical_phones)),
        Target("URLs", 0.12, partial(draw.text, bases=draw.URLS), _texts(canonical_urls)),
        Target("addresses", 0.13, partial(draw.text, bases=draw.ADDRESSES), _addresses),
        Target("whole records", 0.1, _record, _canonicalise),
        Target("request bodies", 0.15, draw.body, _each(_body)),
        Target("table mappings", 0.045, partial(draw.mapping, keys=_KEYS), _each(_mapping)),
        Target("database URLs", 0.05, draw.url, _each(_url)),
        Target("variables", 0.02, _variables, _each(_settings)),
        Target("lists", 0.016, _file_drawer(made), _each(partial(_list, lists)), batch=8),
        Target("bundles", 0.005, _manifest_drawer(bundle), _each(on_bundle), batch=8),
        Target("indexes", 0.004, _manifest_drawer(index), _each(partial(_index, index)), batch=8),
    ]


def _each(act: Callable[[Any], None]) -> Act:
    def run(inputs: Sequence[Any]) -> None:
        for one in inputs:
            try:
                act(one)
            except OWN_ERRORS as error:
                _check_sentence(error)

    return run


def _check_sentence(error: Exception) -> None:
    said = str(error)
    if not said.strip() or len(said) > 20_000:
        raise WrongAnswerError(f"an error of {len(said)} characters: {said[:80]!r}") from error
    if draw.SECRET in said:
        raise WrongAnswerError(f"a message shows the password: {said[:200]!r}") from error


def _texts(canonical: Callable[[Sequence[str]], Any]) -> Act:
    def run(inputs: Sequence[str]) -> None:
        canonical(inputs)

    return run


def _addresses(inputs: Sequence[str]) -> None:
    nothing = [""] * len(inputs)
    canonical_addresses(nothing, nothing, inputs)


def _record(rng: random.Random) -> dict[str, str]:
    return {name: draw.text(rng) for name in rng.sample(FIELDS, rng.randint(1, 4))}


def _canonicalise(inputs: Sequence[Mapping[str, str]]) -> None:
    columns = {name: [one.get(name, "") for one in inputs] for name in FIELDS}
    found = canonicalise(RecordBatch([str(place) for place in range(len(inputs))], columns))
    if len(found) != len(inputs):
        raise WrongAnswerError(f"{len(found)} canonical records of {len(inputs)}")


def _body(sent: tuple[bytes, str, str]) -> None:
    """Decode a body, answer it, and read the answer in each format."""
    content, header, coding = sent
    content = unpack(content, coding, _MAX_BODY)
    content_type = ContentType.parse(header)
    request = decode(content, content_type, "bulk_linkage", 1_000)
    if request.mode not in ("bulk_linkage", "linkage"):
        return
    results = link_results(request, _unlinked(request), ("exact_name",), ["0" * 32] * len(request))
    if [one["client_id"] for one in results] != list(request.client_ids):
        raise WrongAnswerError("other clients in the answer than in the request")
    response = LinkageResponse({"name": "m", "version": "1"}, results)
    for accept in ("application/json", CSV, JSON_LINES):
        written, _ = encode(response, negotiate(accept, content_type))
        if _answers(written, accept) != len(request):
            raise WrongAnswerError(f"another number of rows in the {accept} answer")


def _answers(written: bytes, accept: str) -> int:
    """Number of clients in an answer, as any reader of its format finds it."""
    text = written.decode("utf-8")
    if accept == CSV:
        rows = list(csv.reader(io.StringIO(text, newline="")))
        return len(rows) - (rows[:1] != [] and rows[0][0] == "client_id")
    if accept == JSON_LINES:
        lines = [json.loads(line) for line in text.split("\n") if line]
        return sum("client_id" in line for line in lines)
    return len(json.loads(text)["results"])


def _unlinked(request: LinkageRequest) -> LinkedBatch:
    ids = request.records.ids
    none, empty = np.zeros(len(ids), np.int8), [""] * len(ids)
    sure = none.astype(np.float32)
    batch = RecordBatch(empty, {})
    return LinkedBatch(ids, none, empty, sure, batch, empty, none.astype(np.uint16))


def _mapping(given: Mapping[str, Any]) -> None:
    text = json.dumps(given)
    environ = {"LINKAGE_TABLE_MAPPING": text}
    found = column_mapping(WorkerSettings.from_environ(environ))
    header = ("company_id", "name", "会社名", "street", "town", "番地", "status")
    for read in (found.of_companies, found.of_clients, found.of_table):
        try:
            read(header, "company table")
        except LinkageError as error:
            _check_sentence(error)


def _url(text: str) -> None:
    said = shown(parse_url(text))
    if f":{draw.SECRET}@" in said:
        raise WrongAnswerError(f"the password is shown: {said!r}")
    database_url({"DATABASE_URL": text})


def _variables(rng: random.Random) -> dict[str, str]:
    names = rng.sample(_VARIABLES, rng.randint(1, 4))
    values = (
        "1",
        "0",
        "-1",
        "２",
        "1e3",
        "nan",
        "inf",
        "true",
        "stale",
        "[]",
        "{}",
        "²",
        "1_0",
        " 5",
    )
    return {
        name: rng.choice(values) if rng.random() < 0.7 else draw.text(rng)[:500] for name in names
    }


def _settings(environ: Mapping[str, str]) -> None:
    for read in (WorkerSettings.from_environ, ServerSettings.from_environ):
        try:
            read(environ)
        except SettingError as error:
            _check_sentence(error)
    database_url({**environ, "DB_HOST": "h", "DB_NAME": "n"})


def _file_drawer(made: Path) -> Draw:
    valid = {path.suffix: path.read_bytes() for path in sorted(made.glob("valid.*"))}
    return partial(draw.list_file, valid=valid)


def _list(folder: Path, file: tuple[str, bytes]) -> None:
    name, content = file
    path = folder / name
    path.write_bytes(content)
    try:
        for read in (read_clients, lambda path: list(read_companies(path))):
            try:
                read(path)
            except LinkageError as error:
                _check_sentence(error)
    finally:
        path.unlink()


def _manifest_drawer(folder: Path) -> Draw:
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    content.pop("seal", None)
    text = (folder / "manifest.json").read_bytes()

    def drawn(rng: random.Random) -> bytes:
        if rng.random() < 0.15:
            return draw.damaged(rng, text, 6)
        return sealed(draw.changed_json(rng, content)).encode("utf-8", "backslashreplace")

    return drawn


def _bundle(folder: Path, index: CompanyIndex, manifest: bytes) -> None:
    (folder / "manifest.json").write_bytes(manifest)
    read_settings(folder)
    try:
        load_bundle(folder, index)
    except ConfigError as error:
        # of a setting of the user's own; a bundle has a fault of its own
        raise WrongAnswerError(f"a bundle raises ConfigError: {error}") from error


def _index(folder: Path, manifest: bytes) -> None:
    (folder / "manifest.json").write_bytes(manifest)
    load_index(folder)
