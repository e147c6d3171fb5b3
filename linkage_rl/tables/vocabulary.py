"""Words that sample companies are named with, each with its reading, and their romanisation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

WORDS_FILE: Final = Path(__file__).with_name("vocabulary.tsv")

LETTERS: Final = MappingProxyType(
    dict(
        zip(
            "ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ",
            [
                "エー",
                "ビー",
                "シー",
                "ディー",
                "イー",
                "エフ",
                "ジー",
                "エイチ",
                "アイ",
                "ジェー",
                "ケー",
                "エル",
                "エム",
                "エヌ",
                "オー",
                "ピー",
                "キュー",
                "アール",
                "エス",
                "ティー",
                "ユー",
                "ブイ",
                "ダブリュー",
                "エックス",
                "ワイ",
                "ゼット",
            ],
            strict=True,
        )
    )
)
"""Full-width letters and how they are read."""

SYLLABLES: Final = MappingProxyType(
    dict(
        pair.split(":")
        for pair in [
            "ア:a",
            "イ:i",
            "ウ:u",
            "エ:e",
            "オ:o",
            "カ:ka",
            "キ:ki",
            "ク:ku",
            "ケ:ke",
            "コ:ko",
            "サ:sa",
            "シ:shi",
            "ス:su",
            "セ:se",
            "ソ:so",
            "タ:ta",
            "チ:chi",
            "ツ:tsu",
            "テ:te",
            "ト:to",
            "ナ:na",
            "ニ:ni",
            "ヌ:nu",
            "ネ:ne",
            "ノ:no",
            "ハ:ha",
            "ヒ:hi",
            "フ:fu",
            "ヘ:he",
            "ホ:ho",
            "マ:ma",
            "ミ:mi",
            "ム:mu",
            "メ:me",
            "モ:mo",
            "ヤ:ya",
            "ユ:yu",
            "ヨ:yo",
            "ラ:ra",
            "リ:ri",
            "ル:ru",
            "レ:re",
            "ロ:ro",
            "ワ:wa",
            "ヲ:o",
            "ン:n",
            "ガ:ga",
            "ギ:gi",
            "グ:gu",
            "ゲ:ge",
            "ゴ:go",
            "ザ:za",
            "ジ:ji",
            "ズ:zu",
            "ゼ:ze",
            "ゾ:zo",
            "ダ:da",
            "ヂ:ji",
            "ヅ:zu",
            "デ:de",
            "ド:do",
            "バ:ba",
            "ビ:bi",
            "ブ:bu",
            "ベ:be",
            "ボ:bo",
            "パ:pa",
            "ピ:pi",
            "プ:pu",
            "ペ:pe",
            "ポ:po",
            "ヴ:vu",
        ]
    )
)

SMALL: Final = MappingProxyType(
    dict(zip("ァィゥェォャュョ", ["a", "i", "u", "e", "o", "ya", "yu", "yo"], strict=True))
)


@dataclass(frozen=True)
class Words:
    """Words of one kind, in the order of the file."""

    texts: tuple[str, ...]
    readings: tuple[str, ...]
    """Katakana; '' for words that are never read aloud."""

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


def romanised(kana: str) -> str:
    """Hepburn without long vowels, lower case, as companies write themselves.

    >>> romanised("ヤマダコウギョウ"), romanised("ニッシンショウジ"), romanised("フォレスト")
    ('yamadakogyo', 'nisshinshoji', 'foresuto')
    """
    text = re.sub("ウ(?=[ィェォ])", "w", kana)
    text = "".join(SYLLABLES.get(character, character) for character in text)
    text = re.sub("[aiueo](?=[ァィゥェォャュョ])", "", text)
    text = re.sub("(sh|ch|j)([ャュョ])", lambda found: found[1] + SMALL[found[2]][-1], text)
    text = "".join(SMALL.get(character, character) for character in text)
    text = re.sub("ッ(?=ch)", "t", text)
    text = re.sub("ッ([a-z])", r"\1\1", text)
    text = text.replace("ou", "o").replace("oo", "o").replace("uu", "u")
    return re.sub("[^a-z0-9]", "", text)
