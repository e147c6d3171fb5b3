"""Town, numbers and building of an address, beside the expressions that say what they are."""

import random
import re
from typing import Final

import pytest

from linkage_rl.text import _lots
from linkage_rl.text.addresses import canonical_addresses
from linkage_rl.text.characters import IS_KANJI
from linkage_rl.text.normalise import CORE, core_block
from linkage_rl.text.numbers import KANJI_NUMBER, NUMERALS

_NUMBER: Final = "[0-9]+(?![0-9f階])"
_LINE: Final = re.compile(
    "^([^0-9\n]*(?:[0-9]+(?:条|線|区|番町|番丁|軒|丁(?!=))[^0-9\n]*)*)"
    f"(?:([0-9]+(?:=[0-9]+(?:[:-]{_NUMBER})?|:{_NUMBER}|-{_NUMBER}(?:-[0-9]{{1,2}}(?![0-9f階]))?)?)"
    "[=:]?号?([^\n]*))?$"
)
_PIECES: Final = (
    *(
        "1",
        "2",
        "12",
        "345",
        "=",
        ":",
        "-",
        "号",
        "条",
        "線",
        "区",
        "番町",
        "番丁",
        "軒",
        "丁",
        "f",
    ),
    *("階", "梅田", "ビル", "丸の内", "c", "3"),
)
_NUMERAL_PIECES: Final = (
    *(
        "一",
        "二十",
        "〇",
        "丁目",
        "番地",
        "番",
        "号",
        "条",
        "線",
        "地割",
        "の",
        "ノ",
        "-",
        "2",
        "町",
    ),
    *("三軒茶屋", "麻布", "芝", " "),
)


def drawn(pieces: tuple[str, ...], count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(pieces, k=rng.randrange(9))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(3))
def test_lines_are_cut_as_the_expression_says(seed: int) -> None:
    lines = drawn(_PIECES, 3000, seed)

    towns, blocks, buildings, floors = _lots.read_lots(lines, _lots.LotWords({}), IS_KANJI, CORE)

    for line, *parts in zip(lines, towns, blocks, buildings, strict=True):
        separated = re.sub("号(?=[0-9]+号)", ":", re.sub("号(?=[0-9]+:)", "=", _separated(line)))
        found = _LINE.match(separated)
        assert found is not None
        town, block, building = (text or "" for text in found.groups())
        numbers = block.replace("=", "-").replace(":", "-")
        assert parts == [core_block(town), numbers, core_block(building)], line
    assert floors == [row for row, text in enumerate(buildings) if re.search("[階号室]", text)]


def _separated(line: str) -> str:
    return _lots.separate(line, IS_KANJI).replace(":-", ":").replace("=-", "=")


@pytest.mark.parametrize("seed", range(3))
def test_no_kanji_number_of_a_lot_is_left_out(seed: int) -> None:
    texts = drawn(_NUMERAL_PIECES, 3000, seed)

    first = set(_lots.to_read_first(texts, NUMERALS))

    assert first.issuperset(row for row, text in enumerate(texts) if KANJI_NUMBER.search(text))
    assert len(first) < len(texts)


@pytest.mark.parametrize(
    ("street", "town", "block", "building"),
    [
        ("芝一丁目2番3号", "芝", "1-2-3", ""),
        ("大山町46-11-205", "大山町", "46-11", "205"),
        ("北3条西1丁目2番地", "北3条西", "1-2", ""),
        ("丸の内2丁目3番2号 郵船ビル6階", "丸ノ内", "2-3-2", "郵船ビル6f"),
        ("九条南二番町1", "9条南2番町", "1", ""),
        ("無番地", "", "", ""),
    ],
)
def test_parts_of_streets(street: str, town: str, block: str, building: str) -> None:
    read = canonical_addresses([""], [""], ["東京都港区" + street])

    assert (read.town, read.block, read.building) == ([town], [block], [building])


def test_at_most_sixteen_words_take_the_place_of_others() -> None:
    with pytest.raises(ValueError, match="at most 16"):
        _lots.LotWords({f"{number}号": "" for number in range(17)})
