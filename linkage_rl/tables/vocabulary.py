"""Words of the names of sample companies, each with its reading, and romanisation of readings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

WORDS_FILE: Final = Path(__file__).with_name("vocabulary.tsv")


@dataclass(frozen=True)
class Words:
    """Words of one kind, in the order of the file."""

    texts: tuple[str, ...]
    readings: tuple[str, ...]
    """Katakana; for syllables the romanisation; '' for words whose reading is never needed."""

    def translation(self) -> dict[int, str]:
        """Table for `str.translate` from single characters to their readings."""
        return {ord(text): kana for text, kana in zip(self.texts, self.readings, strict=True)}

    def __len__(self) -> int:
        return len(self.texts)


@cache
def vocabulary() -> Mapping[str, Words]:
    """All words by kind: surname, trade, service, kata, kanji, on, hira, latin and so on."""
    rows = [
        line.split("\t")
        for line in WORDS_FILE.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    kinds: dict[str, list[tuple[str, str]]] = {}
    for kind, text, reading in rows:
        kinds.setdefault(kind, []).append((text, reading))
    return MappingProxyType(
        {
            kind: Words(tuple(text for text, _ in words), tuple(kana for _, kana in words))
            for kind, words in kinds.items()
        }
    )


def romanised(readings: Sequence[str]) -> list[str]:
    """Hepburn without long vowels, lower case, as companies spell their own names.

    Args:
        readings: Katakana, one line each.

    >>> romanised(["ヤマダコウギョウ", "ニッシンショウジ", "フォレスト"])
    ['yamadakogyo', 'nisshinshoji', 'foresuto']
    """
    small = vocabulary()["small"].translation()
    text = re.sub("ウ(?=[ィェォ])", "w", "\n".join(readings))
    text = text.translate(vocabulary()["syllable"].translation())
    text = re.sub("[aiueo](?=[ァィゥェォャュョ])", "", text)
    text = re.sub("(sh|ch|j)([ャュョ])", lambda found: found[1] + small[ord(found[2])][-1], text)
    text = text.translate(small)
    text = re.sub("ッ(?=ch)", "t", text)
    text = re.sub("ッ([a-z])", r"\1\1", text)
    text = text.replace("ou", "o").replace("oo", "o").replace("uu", "u")
    return re.sub("[^a-z0-9\n]", "", text).split("\n")
