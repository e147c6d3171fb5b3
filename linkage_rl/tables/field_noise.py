"""Noise of records that are not companies: persons, products, publications, by comparator.

Their texts are in the canonical fields that `comparators` moves them to: the title is the name,
the second text the reading, the third the English name, the word the city, numbers (12-99) the
street, digits the postal code, a code (dscw120b.com) the URL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from linkage_rl.checks import SHARE, check_ranges
from linkage_rl.records import RecordBatch
from linkage_rl.tables.comparators import COMPARATORS
from linkage_rl.tables.latin_forms import is_latin
from linkage_rl.tables.latin_noise import (
    Rewrite,
    abbreviated,
    first_changed,
    in_other_case,
    initialed,
    mistyped,
    reordered,
    spaced_otherwise,
    word_dropped,
)
from linkage_rl.tables.spelling_noise import Fields, misspell, one_of

FIELD_OF: Final = MappingProxyType({name: field for name, (field, _) in COMPARATORS.items()})
"""Comparator to the canonical field that holds its texts."""


@dataclass(frozen=True)
class FieldRates:
    """Rate of each kind of difference beside the title; each in [0, 1], of the known fields."""

    text: float = 0.4
    """Second texts that are mistyped, cut, abbreviated, or in another order."""
    other_text: float = 0.4
    word: float = 0.04
    """Words with a typo, or of which one is left out or cut."""
    numbers: float = 0.08
    """Numbers of which one is off by a little or has a wrong digit."""
    digits: float = 0.1
    code: float = 0.1
    swapped: float = 0.03
    """Records whose second and third text, or title and second text, have changed places."""
    moved: float = 0.1
    """Records of which one or two fields beside the title are those of the former record."""

    def __post_init__(self) -> None:
        check_ranges("field noise", self, dict.fromkeys(vars(self), SHARE))


RATES: Final[Mapping[str, FieldRates]] = MappingProxyType(
    {
        # shops have their own prices and categories, libraries their own names of venues
        "product": FieldRates(other_text=0.7, numbers=0.5, code=0.15),
        "citation": FieldRates(text=0.5, word=0.5, digits=0.05),
        "restaurant": FieldRates(other_text=0.7, word=0.2, code=0.05),
    }
)
"""Rates of the schemas that ship with the library; others have the defaults, those of persons."""


def typo(text: str, rng: np.random.Generator) -> str:
    """One typo, in any script; two in one of five."""
    slip = mistyped if is_latin(text) else misspell
    text = slip(text, rng)
    return slip(text, rng) if rng.random() < 0.2 else text


def respaced(text: str, rng: np.random.Generator) -> str:
    """Spaces, hyphens, punctuation or case changed."""
    return first_changed((spaced_otherwise, word_split, in_other_case), text, rng)


def word_split(text: str, rng: np.random.Generator) -> str:
    """A space within a word, or between two words but one letter too late: pi ne, pineh ill."""
    inner = [place for place in range(1, len(text)) if text[place] != " " != text[place - 1]]
    if not inner:
        return text
    place = inner[int(rng.integers(len(inner)))]
    gap = text.rfind(" ", 0, place)
    if gap >= 0 and place - gap < 3:
        return text[:gap] + text[gap + 1 : place] + " " + text[place:]
    return text[:place] + " " + text[place:]


def shortened(text: str, rng: np.random.Generator) -> str:
    """Words abbreviated, or cut to their first letters; a text of one word is cut at its end."""
    changed = first_changed((abbreviated, initialed), text, rng)
    return changed if changed != text else truncated(text, rng)


def truncated(text: str, rng: np.random.Generator) -> str:
    """The end lost, as in a field of fixed width: between a third and all but one letter stay."""
    if len(text) < 4:
        return text
    return text[: int(rng.integers(max(len(text) // 3, 3), len(text)))].rstrip(" ,-") or text


def fewer_words(text: str, rng: np.random.Generator) -> str:
    """One or two words left out; a text of one word is cut."""
    words = text.count(" ") + 1
    changed = word_dropped(text, rng, 1 / words)
    if words > 3 and rng.random() < 0.4:
        return word_dropped(changed, rng, 1 / words)
    return changed if changed != text else truncated(text, rng)


def in_other_order(text: str, rng: np.random.Generator) -> str:
    """Words in another order; a text of one word gets a typo."""
    changed = reordered(text, rng)
    return changed if changed != text else typo(text, rng)


def _of_text(change: Rewrite) -> Callable[[Fields, Fields, np.random.Generator], str]:
    def changed(true: Fields, former: Fields, rng: np.random.Generator) -> str:
        return change(true["name"], rng)

    return changed


def _more_words(true: Fields, former: Fields, rng: np.random.Generator) -> str:
    """A word of another field, or of the similar row, in front, behind or within."""
    words, known = true["name"].split(), set(true["name"].casefold().split())
    beside = [true.get(field, "") for field in ("name_kana", "name_en", "city")]
    source = " ".join(beside) if rng.random() < 0.6 else former["name"]
    new = [word for word in source.split() if word.casefold() not in known]
    if not new:
        return f"{true['name']} {one_of(('new', '2', 'jr', '(new)', 'etc', 'set'), rng)}"
    place = (0, len(words), int(rng.integers(len(words) + 1)))[int(rng.integers(3))]
    start = int(rng.integers(len(new)))
    return " ".join([*words[:place], *new[start : start + int(rng.integers(1, 3))], *words[place:]])


def _reworded(true: Fields, former: Fields, rng: np.random.Generator) -> str:
    """Several of the changes one after another: another shop's title of the same product."""
    text = true["name"]
    for change in (fewer_words, in_other_order, shortened, typo):
        if rng.random() < 0.6:
            text = change(text, rng)
    return _more_words(true | {"name": text}, former, rng) if rng.random() < 0.5 else text


def _renamed(true: Fields, former: Fields, rng: np.random.Generator) -> str:
    """The title of the former record, or half of it: a surname changes, a given name stays."""
    old, words = former["name"].split(), true["name"].split()
    if not old:
        return _reworded(true, former, rng)
    if len(words) < 2 or len(old) < 2 or rng.random() < 0.3:
        return former["name"]
    if rng.random() < 0.5:
        return " ".join([*words[:-1], old[-1]])
    return " ".join([old[0], *words[1:]])


TITLE_KINDS: Final[Mapping[str, Callable[[Fields, Fields, np.random.Generator], str]]] = (
    MappingProxyType(
        {
            "exact": _of_text(lambda text, rng: text),
            "typo": _of_text(typo),
            "width_space": _of_text(respaced),
            "abbreviated": _of_text(shortened),
            "word_order": _of_text(in_other_order),
            "word_dropped": _of_text(fewer_words),
            "extra_text": _more_words,
            "truncated": _of_text(truncated),
            "reworded": _reworded,
            "renamed": _renamed,
        }
    )
)
"""Kind of noise of a title to what it does, given a record and its former or a similar one."""


def text_changed(text: str, rng: np.random.Generator) -> str:
    """A text beside the title after one change of any kind."""
    if "," in text and rng.random() < 0.25:
        return given_names_cut(text, rng)
    ways = (typo, typo, typo, word_split, spaced_otherwise, shortened, in_other_order, fewer_words)
    return ways[int(rng.integers(len(ways)))](text, rng)


def given_names_cut(text: str, rng: np.random.Generator) -> str:
    """The names of a list with their initials, or the first of them alone: M. Stone, J. Li."""
    names = [name.split() for name in text.split(",") if name.split()]
    if len(names) > 1 and rng.random() < 0.3:
        return f"{' '.join(names[0])}{one_of((' et al.', ', et al', ''), rng)}"
    dot = one_of((".", ""), rng)
    short = [" ".join([*(word[0] + dot for word in name[:-1]), name[-1]]) for name in names]
    return ", ".join(short)


def word_changed(text: str, rng: np.random.Generator) -> str:
    """A typo, or a word left out or cut."""
    return typo(text, rng) if rng.random() < 0.5 else fewer_words(text, rng)


def numbers_changed(text: str, rng: np.random.Generator) -> str:
    """One number off by up to three, with a wrong digit, or changed with another: 12-99, 13-99."""
    numbers = text.split("-")
    place, way = int(rng.integers(len(numbers))), rng.integers(3)
    if way == 0 and len(numbers) > 1:
        other = (place + 1) % len(numbers)
        numbers[place], numbers[other] = numbers[other], numbers[place]
        return "-".join(numbers)
    if way == 1 and numbers[place].isdigit():
        off = int(rng.integers(1, 4))
        value = int(numbers[place])
        numbers[place] = str(value - off if value >= off and rng.random() < 0.5 else value + off)
        return "-".join(numbers)
    numbers[place] = digit_changed(numbers[place], rng)
    return "-".join(str(int(number)) if number.isdigit() else number for number in numbers)


def digit_changed(text: str, rng: np.random.Generator) -> str:
    """One digit wrong, or changed with the next."""
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    if not places:
        return text
    place = places[int(rng.integers(len(places)))]
    after = text[place + 1 : place + 2]
    if after.isdigit() and after != text[place] and rng.random() < 0.3:
        return text[:place] + after + text[place] + text[place + 2 :]
    digit = str((int(text[place]) + int(rng.integers(1, 10))) % 10)
    return text[:place] + digit + text[place + 1 :]


def digits_changed(text: str, rng: np.random.Generator) -> str:
    """One digit wrong, or changed with the next, before the zeros that fill the text up."""
    end = max(len(text.rstrip("0")), min(len(text), 4))
    return digit_changed(text[:end], rng) + text[end:]


def code_changed(text: str, rng: np.random.Generator) -> str:
    """One sign of an identifier wrong, lost or changed with the next; what follows '.' stays."""
    code, dot, rest = text.partition(".")
    changed = digit_changed(code, rng) if rng.random() < 0.6 else mistyped(code, rng)
    return (changed or code) + dot + rest


FIELD_CHANGES: Final[Mapping[str, tuple[str, Rewrite]]] = MappingProxyType(
    {
        FIELD_OF["text"]: ("text", text_changed),
        FIELD_OF["other_text"]: ("other_text", text_changed),
        FIELD_OF["word"]: ("word", word_changed),
        FIELD_OF["numbers"]: ("numbers", numbers_changed),
        FIELD_OF["digits"]: ("digits", digits_changed),
        FIELD_OF["code"]: ("code", code_changed),
    }
)
"""Field to the rate of its changes and what they do."""
MOVED_WEIGHT: Final[Mapping[str, float]] = MappingProxyType(
    {
        FIELD_OF["text"]: 3.0,
        FIELD_OF["other_text"]: 2.0,
        FIELD_OF["word"]: 1.0,
        FIELD_OF["numbers"]: 0.5,
        FIELD_OF["digits"]: 1.5,
        FIELD_OF["code"]: 0.5,
    }
)
"""How often a field takes its former value: addresses often, dates of birth seldom."""


def corrupt_fields(
    records: RecordBatch,
    former: RecordBatch,
    kinds: Sequence[str],
    rates: FieldRates,
    rng: np.random.Generator,
) -> tuple[RecordBatch, list[str]]:
    """Noisy clients of records of any kind; a field is known where the record has it.

    Args:
        records: N records, with their texts in canonical fields.
        former: What they may have been before, or similar rows, in the same order.
        kinds: Kind of noise of each title, of `TITLE_KINDS`.
        rates: Rate of each other kind of error.
        rng: Random generator.

    Returns:
        The N clients under the ids of `records`, with the same fields; and for each the kind of
        noise of its title, with '+moved' where other fields are the former ones.
    """
    fields = list(records.columns)
    earlier = {field: former.column(field) for field in (*fields, "name")}
    columns: dict[str, list[str]] = {field: [] for field in fields}
    labels = []
    for row, kind in enumerate(kinds):
        true = {field: records.columns[field][row] for field in fields}
        client, moved = _client(
            true, {field: texts[row] for field, texts in earlier.items()}, kind, rates, rng
        )
        for field, texts in columns.items():
            texts.append(client[field])
        labels.append(f"{kind}+moved" if moved else kind)
    return RecordBatch(records.ids, columns), labels


def _client(
    true: Fields, former: Fields, kind: str, rates: FieldRates, rng: np.random.Generator
) -> tuple[Fields, bool]:
    client = dict(true)
    moved = rng.random() < rates.moved
    if moved:
        known = [f for f in FIELD_CHANGES if true.get(f) and former.get(f) not in ("", true[f])]
        # weighted sampling without replacement (Efraimidis and Spirakis, 2006)
        keys = rng.random(len(known)) ** [1 / MOVED_WEIGHT[field] for field in known]
        for place in np.argsort(-keys)[: 1 + int(rng.random() < 0.5)].tolist():
            client[known[place]] = former[known[place]]
        moved = bool(known)
    if true["name"]:
        client["name"] = TITLE_KINDS[kind](true, former, rng).strip() or true["name"]
    for (field, (rate, change)), drawn in zip(
        FIELD_CHANGES.items(), rng.random(len(FIELD_CHANGES)).tolist(), strict=True
    ):
        text = client.get(field)
        if text and drawn < getattr(rates, rate):
            client[field] = change(text, rng) or text
    if rng.random() < rates.swapped:
        _swap(client, rng)
    return client, moved


def _swap(client: Fields, rng: np.random.Generator) -> None:
    """Two texts that are both known change places."""
    pairs = ((FIELD_OF["text"], FIELD_OF["other_text"]), ("name", FIELD_OF["text"]))
    known = [pair for pair in pairs if client.get(pair[0]) and client.get(pair[1])]
    if known:
        one, other = known[int(rng.integers(len(known)))]
        client[one], client[other] = client[other], client[one]
