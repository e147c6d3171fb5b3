"""Rivals in plain Python: dicts, lists and the standard library, as fast as these can be."""

import csv
import heapq
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from experiments.cost.inputs import Inputs
from experiments.cost.measurements import latencies_ms
from experiments.tools.measure import Clock
from linkage_rl.records import FIELDS, CompanyRows

_FORM: Final = re.compile(
    r"株式会社|有限会社|合同会社|合資会社|合名会社|(?:一般|公益)?(?:社団|財団)法人|"
    r"(?:社会)?医療法人(?:社団|財団)?|社会福祉法人|学校法人|宗教法人|特定非営利活動法人|"
    r"農事組合法人|税理士法人|\((?:株|有|同|資|名|医|福|学|宗|社|財|一社|一財|特非)\)|"
    r"co\.?,?ltd\.?|inc\.?$|k\.k\.|llc$"
)
_DIGITS: Final = re.compile(r"\D")
_BUDGET: Final = 4096
"""Postings read per client, as in `NgramBlocker`."""


def plain_name(text: str) -> str:
    """Width and case folded, spaces dropped.

    >>> plain_name("㈱ＡＢＣ　商事")
    '(株)abc商事'
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def plain_core(name: str) -> str:
    """A folded name without the usual legal forms.

    >>> plain_core("(株)abc商事")
    'abc商事'
    """
    return _FORM.sub("", name) or name


def _open(chunks: Iterable[CompanyRows]) -> Iterator[tuple[str, ...]]:
    """Id and fields of every company that is open."""
    for chunk in chunks:
        columns = [chunk.records.column(name) for name in FIELDS]
        for company_id, closed, *fields in zip(
            chunk.records.ids, chunk.closed_at, *columns, strict=True
        ):
            if not closed:
                yield (company_id, *fields)


class PlainIndex:
    """Inverted index over n-grams of core name and kana, stored per distinct pair of the two.

    Postings are lists, since these are smaller and faster to fill than sets.
    """

    def __init__(self, chunks: Iterable[CompanyRows]) -> None:
        self.ids: list[str] = []
        self.document_of: list[int] = []
        self.cores: list[str] = []
        self.rows: list[list[int]] = []
        self.postings: dict[str, list[int]] = {}
        seen: dict[tuple[str, str], int] = {}
        for company_id, name, kana, *_ in _open(chunks):
            key = (plain_core(plain_name(name)), plain_name(kana))
            document = seen.setdefault(key, len(seen))
            if document == len(self.cores):
                self.cores.append(key[0])
                self.rows.append([])
                for gram in _grams(*key):
                    self.postings.setdefault(gram, []).append(document)
            self.rows[document].append(len(self.ids))
            self.document_of.append(document)
            self.ids.append(company_id)
        self.norms = [0.0] * len(self.cores)
        for posting in self.postings.values():
            weight = self._idf(posting) ** 2
            for document in posting:
                self.norms[document] += weight

    def search(self, name: str, kana: str, limit: int) -> list[int]:
        """Documents of the highest cosine, rarest grams first under a budget."""
        grams = _grams(plain_core(plain_name(name)), plain_name(kana))
        found = sorted((self.postings[gram] for gram in grams if gram in self.postings), key=len)
        scores: dict[int, float] = {}
        read = 0
        for posting in found:
            read += len(posting)
            if scores and read > _BUDGET:
                break
            weight = self._idf(posting) ** 2
            for document in posting:
                scores[document] = scores.get(document, 0.0) + weight
        return heapq.nlargest(
            limit, scores, key=lambda document: scores[document] / math.sqrt(self.norms[document])
        )

    def _idf(self, posting: list[int]) -> float:
        return math.log(1 + len(self.cores) / len(posting))


def _grams(core: str, kana: str) -> set[str]:
    """Bigrams of the core; trigrams of the kana, marked by a leading space."""
    edged = f"^{core}$"
    grams = {edged[at : at + 2] for at in range(len(edged) - 1)}
    return grams | {f" {kana[at : at + 3]}" for at in range(len(kana) - 2)}


class PlainRules:
    """The usual rules over dicts: number, phone and name, name in the city, unique name."""

    def __init__(self, chunks: Iterable[CompanyRows]) -> None:
        self.companies: list[tuple[str, ...]] = []
        self._cities: list[str] = []
        self._cores: list[str] = []
        self._keys: dict[str, list[int]] = {}
        for row, company in enumerate(_open(chunks)):
            fields = dict(zip(FIELDS, company[1:], strict=True))
            name = plain_name(fields["name"])
            core = plain_core(name)
            self.companies.append(company)
            self._cities.append(plain_name(fields["city"]))
            self._cores.append(core)
            keys = (f"name {name}", f"core {core}", *_number_keys(fields))
            for key in keys:
                self._keys.setdefault(key, []).append(row)

    def link(self, client: Mapping[str, str]) -> int:
        """Row of the client's company, -1 where no rule names exactly one."""
        name = plain_name(client["name"])
        core = plain_core(name)
        for key in _number_keys(client):
            rows = self._keys.get(key, [])
            if key.startswith("phone"):
                rows = [row for row in rows if self._cores[row] == core]
            if len(rows) == 1:
                return rows[0]
        address = plain_name(client["prefecture"] + client["city"] + client["street"])
        for key in (f"name {name}", f"core {core}") if name else ():
            rows = self._keys.get(key, [])
            near = [row for row in rows if self._cities[row] and self._cities[row] in address]
            if rows:
                candidates = near if near else rows
                return candidates[0] if len(candidates) == 1 else -1
        return -1


def _number_keys(fields: Mapping[str, str]) -> list[str]:
    numbers = {name: _DIGITS.sub("", fields[name]) for name in ("corporate_number", "phone")}
    return [f"{name} {number}" for name, number in numbers.items() if number]


@dataclass(frozen=True)
class PlainRun:
    """What the plain rules took to link the list."""

    building: Clock
    linking: Clock
    """From the file of the list to the file of the result."""
    single_ms: tuple[float, float]
    """Median and 99th percentile of one client."""


def run_plain_rules(inputs: Inputs, output: Path) -> PlainRun:
    """Link the list and write it with the fields of the companies."""
    building, linking = Clock(), Clock()
    with building:
        rules = PlainRules(inputs.chunks())
    with linking:
        _link_list(rules, inputs.list_file, output)
    with inputs.list_file.open(newline="", encoding="utf-8") as stream:
        clients = list(csv.DictReader(stream))[: inputs.sizes.singles]
    return PlainRun(building, linking, latencies_ms(rules.link, clients))


def _link_list(rules: PlainRules, list_file: Path, output: Path) -> None:
    nothing = ("",) * (1 + len(FIELDS))
    with (
        list_file.open(newline="", encoding="utf-8") as source,
        output.open("w", newline="", encoding="utf-8") as target,
    ):
        reader, writer = csv.DictReader(source), csv.writer(target)
        own = reader.fieldnames or ()
        writer.writerow(("company_id", *(f"company_{name}" for name in FIELDS), *own))
        for client in reader:
            row = rules.link(client)
            company = rules.companies[row] if row >= 0 else nothing
            writer.writerow((*company, *client.values()))
