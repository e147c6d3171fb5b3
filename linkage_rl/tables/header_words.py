"""The words with which Japanese and English lists name their columns, likeliest first."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final


def _split(words: str) -> list[str]:
    return words.split()


_PARTNERS: Final = _split(
    "取引先 得意先 仕入先 顧客 支払先 請求先 発注先 納入先 販売先 外注先 納品先"
)
_NAMES: Final = (
    *_split("会社名 企業名 法人名 会社名称 企業名称 法人名称 商号 商号又は名称 商号または名称"),
    *_split("商号名称 正式名称 正式社名 社名 貴社名 御社名 事業者名 事業者名称 団体名 組織名"),
    *_split("companyname company accountname legalname organizationname organisationname"),
    *_split("organization organisation businessname corporatename corporationname firmname"),
    *(f"{who}{end}" for end in ("名", "名称", "会社名", "") for who in _PARTNERS),
    *_split("customername clientname vendorname suppliername payeename partnername account"),
    *_split("customer client vendor supplier payee firm 会社 企業 法人 名称 名前 name"),
)
_READINGS: Final = (
    *_split("フリガナ ふりがな カナ かな カナ名 カナ名称 よみがな 読み仮名 よみ ヨミ 読み"),
    *_split("ヨミガナ カタカナ kana furigana phonetic"),
)
_LATIN: Final = _split("英語名 英文名 英語 英文 英字 英名 英語表記 英文表記 english en")
_OWNERS: Final = (
    *_split("本社 本店 会社 企業 法人 代表"),
    *_PARTNERS,
    *_split("company business office main work billing corporate account customer"),
)

_PLACES: Final = {
    "postal_code": "郵便番号 〒 〒番号 郵便 郵便no postalcode postcode zipcode zip"
    " zippostalcode postal",
    "prefecture": "都道府県 都道府県名 県名 府県 県 prefecture stateprovince state province pref",
    "city": "市区町村 市区町村名 市町村 市町村名 市区郡 市郡区 市区 郡市区 郡市区町村"
    " city municipality",
    "street": "町名番地 町域番地 町名以降 番地以降 以降の住所 それ以降の住所 市区町村以降 番地"
    " 町丁目番地 丁目番地 street streetaddress 住所2 所在地2 address2 addressline2 street2",
    "address": "住所 所在地 住所1 所在地1 所在 登記住所 登記上の住所 本店所在地 本社所在地"
    " address fulladdress address1 addressline1 street1",
    "phone": "電話番号 電話 tel 電話no tel番号 telno 代表電話 代表電話番号 電話番号代表 電話代表"
    " tel代表 代表tel 代表番号 固定電話 固定電話番号 連絡先電話番号 連絡先tel 電話番号1 電話1 tel1"
    " phone phonenumber phoneno telephone telephonenumber phone1",
    "url": "url hp ホームページ ホームページurl ホームページアドレス hpurl urlhp hpアドレス website"
    " webサイト webサイトurl ウェブサイト ウェブサイトurl web weburl サイトurl サイト homepage"
    " homepageurl websiteurl webaddress websiteaddress ドメイン ドメイン名 domain domainname",
}
_NUMBERS: Final = {
    "corporate_number": "法人番号 法人番号13桁 13桁法人番号 法人no 法人ナンバー corporatenumber"
    " corporateno corporationnumber houjinbangou hojinbango インボイス番号 インボイス登録番号"
    " 適格請求書発行事業者登録番号 適格請求書登録番号 適格請求書発行事業者番号",
    "former_names": "旧社名 旧商号 旧会社名 旧名称 旧法人名 formername formernames previousname",
    "trade_names": "屋号 通称 tradename tradenames tradingname tradingnames dba",
}
_IDS: Final = (
    *(f"{who}{end}" for end in _split("id コード cd 番号 no code") for who in _PARTNERS),
    *(f"{who}{end}" for end in _split("id コード cd") for who in ("会社", "企業", "法人")),
    *_split("会社番号 企業番号 会社no 企業no"),
    *(
        f"{who}{end}"
        for end in _split("id code number no")
        for who in _split("client customer account vendor supplier partner payee company")
    ),
    *_split("管理番号 管理id 管理no 整理番号 レコードid recordid コード code id 番号 no 項番 連番"),
    *_split("通番 通し番号 行番号 #"),
)

PERSONS: Final = ("担当", "代表者", "氏名", "責任者", "contact", "person")
"""Parts of headers of persons; a reading beside one is the person's."""


def _words() -> Iterator[tuple[str, str]]:
    """Every folded header with its field, the likeliest first."""
    yield from ((word, "id") for word in _IDS)
    yield from ((word, "name") for word in _NAMES)
    yield from ((f"{word}1", "name") for word in _NAMES if word.endswith(("名", "名称", "name")))
    for field, marks in (("name_kana", _READINGS), ("name_en", _LATIN)):
        for name in _NAMES:
            yield from ((word, field) for mark in marks for word in (name + mark, mark + name))
        yield from ((mark, field) for mark in marks if mark != "en")
    yield from (("namekana", "name_kana"), ("nameen", "name_en"))
    for field, words in _PLACES.items():
        yield from ((word, field) for word in words.split())
        yield from ((owner + word, field) for owner in _OWNERS for word in words.split())
    for field, words in _NUMBERS.items():
        yield from ((word, field) for word in words.split())


def _ranked() -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for rank, (word, field) in enumerate(_words()):
        found.setdefault(word, (field, rank))
    return found


WORDS: Final = MappingProxyType(_ranked())
"""Folded header to its field and its rank, lower is likelier; `id` is the key of either table."""
