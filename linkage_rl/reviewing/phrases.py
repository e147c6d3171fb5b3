"""Japanese for the reasons and agreements that `features` writes in English."""

import re
from collections.abc import Mapping
from typing import Final

JAPANESE: Final[Mapping[str, str]] = {
    "same corporate number": "法人番号が一致",
    "corporate number differs": "法人番号が相違",
    "same phone": "電話番号が一致",
    "same area code": "市外局番が一致",
    "same web domain": "ウェブのドメインが一致",
    "another page of the same domain": "同じドメインの別ページ",
    "same name": "名称が一致",
    "same name but for the legal form": "法人格以外の名称が一致",
    "former name of the company": "企業の旧称",
    "trade name of the company": "企業の屋号",
    "same name without branch or addition": "支店名などを除いた名称が一致",
    "same name without the company's addition": "企業側の付記を除いた名称が一致",
    "name spelt alike": "名称の表記が類似",
    "spelt alike": "表記が類似",
    "name partly alike": "名称が部分的に類似",
    "partly alike": "部分的に類似",
    "name differs": "名称が相違",
    "same reading": "読みが一致",
    "read alike": "読みが類似",
    "same address": "所在地が一致",
    "same town": "町名まで一致",
    "same city": "市区町村まで一致",
    "same prefecture": "都道府県が一致",
    "prefecture differs": "都道府県が相違",
    "city differs": "市区町村が相違",
    "same postal code": "郵便番号が一致",
    "same district": "郵便番号の上三桁が一致",
    "phone differs": "電話番号が相違",
    "web domain differs": "ウェブのドメインが相違",
    "same legal form": "法人格が一致",
    "legal form differs": "法人格が相違",
    "many companies have this name": "同名の企業が多数",
    "many companies have this phone": "同じ電話番号の企業が多数",
    "many companies have this web domain": "同じドメインの企業が多数",
    "many companies have this corporate number": "同じ法人番号の企業が多数",
    "differs": "相違",
    "no clear agreement or conflict": "明確な一致も相違もなし",
    "no candidate found": "候補なし",
}
"""Every phrase of `reasons.PHRASES` and every level of `explanation.FIELDS`."""

_COUNTED: Final = (
    (re.compile(r"(\d+) companies of this name"), r"同名の企業が \1 社"),
    (re.compile(r"(\d+) companies that fit equally well"), r"同程度に合う企業が \1 社"),
    (re.compile(r"company (.+) is no longer in the table"), r"企業 \1 はテーブルにありません"),
)


def in_japanese(text: str) -> str:
    """A reason in Japanese; what is not known stays as it is.

    >>> in_japanese("2 companies of this name; same phone")
    '同名の企業が 2 社;電話番号が一致'
    """
    return ";".join(_phrase(part) for part in text.split("; "))


def _phrase(part: str) -> str:
    for pattern, words in _COUNTED:
        if pattern.fullmatch(part):
            return pattern.sub(words, part)
    return JAPANESE.get(part, part)
