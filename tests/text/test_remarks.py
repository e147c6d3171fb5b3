"""What a list writes beside a name, and further writings of legal forms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage_rl.text.corporate_numbers import canonical_corporate_numbers
from linkage_rl.text.legal_forms import LEGAL_FORMS
from linkage_rl.text.names import canonical_kana, canonical_latin, canonical_names
from linkage_rl.text.phones import canonical_phones
from linkage_rl.text.postal_codes import canonical_postal_codes
from linkage_rl.text.remarks import without_escapes
from linkage_rl.text.urls import canonical_domains

WORDS = (
    "株式会社 (株) 有限会社 合同 山田 ※ 休眠 旧社名 旧 : ← → 12 No.5 ) ( # 、 . 0012 A-001 済"
    " 御中 様 Co.,Ltd. Inc. Ltd GmbH & KG and K.K. NPO JA 農協 株 &amp; &quot; _x000D_ \\n <br>"
    " 屋号 dba / 店 大阪支店 代表 03 1234 5678 0 +81 09 000 T 7000012050002 www. http:// example"
    " co jp @ (at) , ø ㊩"
)
dirty_text = st.lists(
    st.one_of(st.sampled_from(WORDS.split()), st.just(" "), st.text(max_size=2)), max_size=9
).map("".join)


def read(name: str) -> tuple[str, str, str]:
    found = canonical_names([name])
    form = found.legal_form[0]
    return LEGAL_FORMS[form - 1] if form else "", found.core[0], found.stem[0]


@pytest.mark.parametrize(
    "written",
    [
        "7 株式会社青葉工業",
        "7 青葉工業株式会社",
        "ID:71 青葉工業株式会社",
        "顧客番号71 青葉工業株式会社",
        "71_青葉工業株式会社",
        "No 7 青葉工業株式会社",
        "若葉工業株式会社改め青葉工業株式会社",
        "7)青葉工業株式会社",
        "７．青葉工業㈱",
        "No.7 青葉工業株式会社",
        "№７：青葉工業㈱",
        "#7 青葉工業株式会社",
        "0071:青葉工業株式会社",
        "2025-07 青葉工業株式会社",
        "A-0071 青葉工業株式会社",
        "(7) 青葉工業株式会社",
        "・青葉工業株式会社",
        "休眠)青葉工業株式会社",
        "【済】青葉工業株式会社",
        "青葉工業株式会社 ※移転",
        "青葉工業株式会社（廃業）",
        "青葉工業株式会社 取引中止",
        "青葉工業株式会社™",
        "青葉工業株式会社 ← 若葉工業",
        "若葉工業 → 青葉工業株式会社",
        "青葉工業株式会社（旧社名：若葉工業）",
        "青葉工業株式会社 旧商号 若葉工業",
        "青葉工業株式会社　総務部　御中",
        "青葉工業株式会社_x000D_",
        "&lt;青葉工業株式会社&gt;",
        "青葉工業株式会社<br/>",
    ],
)
def test_numbers_remarks_and_former_names_are_no_part_of_the_core(written: str) -> None:
    assert read(written)[:2] == ("株式会社", "青葉工業")


@pytest.mark.parametrize(
    "name",
    [
        "3m株式会社",
        "21世紀財団",
        "109シネマズ",
        "株式会社24",
        "24株式会社",
        "no.1トラベル株式会社",
        "100万石",
        "株木",
        "有田陶器市",
        "切り株",
        "湯殿",
        "旧街道",
        "株式会社休暇村",
        "全農",
    ],
)
def test_a_name_that_only_looks_like_dirt_is_kept(name: str) -> None:
    assert read(name)[1] == name.replace("株式会社", "").replace(".", "")


@pytest.mark.parametrize(
    ("written", "form", "core"),
    [
        ("青葉（合資）", "合資会社", "青葉"),
        ("（株式）青葉", "株式会社", "青葉"),
        ("株 青葉工業", "株式会社", "青葉工業"),
        ("青葉工業株", "株式会社", "青葉工業"),
        ("青葉工業 株)", "株式会社", "青葉工業"),
        ("有限会社青葉有限会社", "有限会社", "青葉"),
        ("㈲青葉㈲", "有限会社", "青葉"),
        ("青葉 ユウゲンガイシャ", "有限会社", "青葉"),
        ("青葉工業 Inc.", "株式会社", "青葉工業"),
        ("青葉工業LLC", "合同会社", "青葉工業"),
        ("K.K.青葉", "株式会社", "青葉"),
        ("認定NPO 青葉", "特定非営利活動法人", "青葉"),
        ("JA青葉", "農業協同組合", "青葉"),
        ("青葉漁協", "漁業協同組合", "青葉"),
        ("㊫青葉学園", "学校法人", "青葉学園"),
        ("(주)아오바", "株式会社", "아오바"),
        ("주식회사 아오바", "株式会社", "아오바"),
        ("青葉电子有限责任公司", "有限会社", "青葉电子"),
        ("Aoba Pte. Ltd.", "株式会社", "aoba"),
        ("Aoba Proprietary Limited", "株式会社", "aoba"),
        ("Aoba Berhad", "株式会社", "aoba"),
        ("Aoba Oy", "株式会社", "aoba"),
        ("Aoba A/S", "株式会社", "aoba"),
        ("Aoba sp. z o.o.", "有限会社", "aoba"),
        ("Aoba AG & Co. KG", "合資会社", "aoba"),
        ("農業生産法人青葉農園株式会社", "株式会社", "青葉農園"),
        ("特定非営利活動法人ＮＰＯ青葉", "特定非営利活動法人", "青葉"),
        ("Bæk and Søn ApS", "有限会社", "baek&son"),
    ],
)
def test_a_form_is_cut_in_every_writing(written: str, form: str, core: str) -> None:
    assert read(written)[:2] == (form, core)


@pytest.mark.parametrize(
    ("written", "stem"),
    [
        ("カフェあおば（株式会社青葉）", "青葉"),
        ("カフェあおば／株式会社青葉", "青葉"),
        ("カフェあおば 株式会社青葉", "青葉"),
        ("鈴木 花子（有限会社青葉）", "青葉"),
        ("株式会社青葉（屋号：カフェあおば）", "青葉"),
        ("株式会社青葉 店名 カフェあおば", "青葉"),
        ("株式会社青葉 カフェあおば", "青葉"),
        ("株式会社青葉 梅田店", "青葉"),
        ("社会福祉法人青葉会 あおば保育園", "青葉会"),
        ("医療法人青葉会 あおばクリニック", "青葉会"),
        ("株式会社青葉 Co.,Ltd.", "青葉"),
        ("Aoba Inc. 大阪支店", "aoba"),
        ("Aoba Ltd, Osaka Branch", "aoba"),
        ("Aoba Limited trading as Leaf", "aoba"),
        ("Aoba Corp. (Japan)", "aoba"),
    ],
)
def test_the_stem_is_the_company_beside_a_trade_name_a_person_or_a_shop(
    written: str, stem: str
) -> None:
    assert read(written)[2] == stem


def test_sisters_with_and_in_letters_stay_two_companies_if_a_japanese_form_follows() -> None:
    assert read("株式会社A and C")[1] != read("株式会社A&C")[1]


def test_missing_value_words_are_no_reading_and_no_latin_name() -> None:
    assert canonical_kana(["NULL", "不明"], ["", ""]) == ["", ""]
    assert canonical_latin(["N/A", "none"], ["", ""]) == ["", ""]


@settings(max_examples=300, deadline=None)
@given(dirty_text)
def test_a_canonical_identifier_is_canonical(text: str) -> None:
    for canonical in (
        canonical_phones,
        canonical_domains,
        canonical_postal_codes,
        canonical_corporate_numbers,
    ):
        once = canonical([text])

        assert canonical(once) == once


@settings(max_examples=300, deadline=None)
@given(dirty_text)
def test_unescaping_twice_changes_nothing_and_names_never_raise(text: str) -> None:
    once = without_escapes(text.replace("\n", " "))
    found = canonical_names([text])

    assert without_escapes(once) == once
    assert bool(found.core[0]) == bool(found.stem[0]) == bool(found.name[0])


def test_an_ambiguous_form_is_dropped_from_the_stem_only() -> None:
    """Brother Company may be 株式会社brother company, which is not 株式会社brother."""
    assert read("Aoba Trading Company") == ("", "aobatradingcompany", "aobatrading")
    assert read("Aoba Company") == ("", "aobacompany", "aobacompany")
    assert read("Aoba and Co")[1:] == ("aobaandco", "aobaandco")
    assert read("JA青葉サービス")[1] == "ja青葉サービス"
    assert canonical_names(["農業法人青葉株式会社"]).name == ["農業法人青葉株式会社"]
