from functools import cache

import pytest

from linkage_rl.text.legal_forms import LEGAL_FORMS, cut, spell_out
from linkage_rl.text.names import Names, canonical_latin, canonical_names

NO_FORM, LEADING, TRAILING, MIDDLE = 0, 1, 2, 3


@cache
def canonical(name: str) -> Names:
    return canonical_names([name])


@pytest.mark.parametrize(
    ("written", "name", "core", "side"),
    [
        ("株式会社髙島屋", "株式会社髙島屋", "高島屋", LEADING),
        ("高島屋㈱", "高島屋株式会社", "高島屋", TRAILING),
        ("㍿高島屋", "株式会社高島屋", "高島屋", LEADING),
        ("（株）高島屋", "株式会社高島屋", "高島屋", LEADING),
        ("住友不動産(株）", "住友不動産株式会社", "住友不動産", TRAILING),
        ("〔株〕高島屋", "株式会社高島屋", "高島屋", LEADING),
        ("株）高島屋", "株式会社高島屋", "高島屋", LEADING),
        ("高島屋（株", "高島屋株式会社", "高島屋", TRAILING),
        ("株 式 会 社　高島屋", "株式会社高島屋", "高島屋", LEADING),
        ("株式會社高島屋", "株式会社高島屋", "高島屋", LEADING),
        ("カ）タカシマヤ", "株式会社タカシマヤ", "タカシマヤ", LEADING),
        ("タカシマヤ（カ", "タカシマヤ株式会社", "タカシマヤ", TRAILING),
        ("ﾀｶｼﾏﾔ(ﾕ", "タカシマヤ有限会社", "タカシマヤ", TRAILING),
        ("（有）竹内園芸", "有限会社竹内園芸", "竹内園芸", LEADING),
        ("㈲竹内園芸", "有限会社竹内園芸", "竹内園芸", LEADING),
        ("合同会社ﾌｪﾘｼﾃｨｰ", "合同会社フェリシティー", "フエリシテイー", LEADING),
        ("(同)福祉のひなた", "合同会社福祉のひなた", "福祉のひなた", LEADING),
        ("昭和タクシー（資）", "昭和タクシー合資会社", "昭和タクシー", TRAILING),
        ("(名)山田商店", "合名会社山田商店", "山田商店", LEADING),
        ("(一社)日本船舶設計協会", "一般社団法人日本船舶設計協会", "日本船舶設計協会", LEADING),
        ("（一財）気象業務センター", "一般財団法人気象業務センター", "気象業務センター", LEADING),
        ("（公社）長崎県食品協会", "公益社団法人長崎県食品協会", "長崎県食品協会", LEADING),
        ("（公財）熊本県農業公社", "公益財団法人熊本県農業公社", "熊本県農業公社", LEADING),
        ("（財）日本規格協会", "財団法人日本規格協会", "日本規格協会", LEADING),
        (
            "（公）地球環境戦略研究機関",
            "公益法人地球環境戦略研究機関",
            "地球環境戦略研究機関",
            LEADING,
        ),
        ("公益財団日本体育協会", "公益財団法人日本体育協会", "日本体育協会", LEADING),
        ("(医)康翔会", "医療法人康翔会", "康翔会", LEADING),
        ("(医社)康翔会", "医療法人社団康翔会", "康翔会", LEADING),
        ("医療法人（社団）薫風会", "医療法人社団薫風会", "薫風会", LEADING),
        ("医療法人友愛会（社団）", "医療法人社団友愛会", "友愛会", LEADING),
        ("医療法人 財団 山﨑会", "医療法人財団山﨑会", "山崎会", LEADING),
        ("社会医療法人財団慈泉会", "社会医療法人財団慈泉会", "慈泉会", LEADING),
        ("（福）のゆり会", "社会福祉法人のゆり会", "のゆり会", LEADING),
        ("(学)山形電波学園", "学校法人山形電波学園", "山形電波学園", LEADING),
        ("(宗)善入院", "宗教法人善入院", "善入院", LEADING),
        ("（特非）森ノオト", "特定非営利活動法人森ノオト", "森ノオト", LEADING),
        ("ＮＰＯ法人森ノオト", "特定非営利活動法人森ノオト", "森ノオト", LEADING),
        ("認定特定非営利活動法人森ノオト", "特定非営利活動法人森ノオト", "森ノオト", LEADING),
        ("あさひ社労士法人", "あさひ社会保険労務士法人", "あさひ", TRAILING),
        ("ＯＫＡ税理士法人", "oka税理士法人", "oka", TRAILING),
        ("弁護士法人みなと", "弁護士法人みなと", "みなと", LEADING),
        ("(独)労働者健康安全機構", "独立行政法人労働者健康安全機構", "労働者健康安全機構", LEADING),
        ("（国研）森林機構", "国立研究開発法人森林機構", "森林機構", LEADING),
        ("国立大学法人徳島大学", "国立大学法人徳島大学", "徳島大学", LEADING),
        ("農事組合法人みずほ", "農事組合法人みずほ", "みずほ", LEADING),
        ("農業生産法人　株式会社　沖縄", "株式会社沖縄", "沖縄", LEADING),
        ("ジェイコア特定目的会社", "ジェイコア特定目的会社", "ジエイコア", TRAILING),
        ("御坊市管工事業協同組合", "御坊市管工事業協同組合", "御坊市管工", TRAILING),
        ("パークハイツ管理組合法人", "パークハイツ管理組合法人", "パークハイツ", TRAILING),
        ("全国農業協同組合連合会", "全国農業協同組合連合会", "全国農業協同組合連合会", NO_FORM),
        ("社団医療法人峡南会", "医療法人社団峡南会", "峡南会", LEADING),
        ("（研）産業技術研究所", "国立研究開発法人産業技術研究所", "産業技術研究所", LEADING),
        ("八幡神社", "八幡神社", "八幡神社", NO_FORM),
        ("五洋建設（株）大阪支店", "五洋建設株式会社大阪支店", "五洋建設大阪支店", MIDDLE),
        ("株式会社\n日刊工業", "株式会社日刊工業", "日刊工業", LEADING),
        ("　株式会社　ＧｅｎＡｈｅａｄ　Ｂｉｏ ", "株式会社genahead bio", "genaheadbio", LEADING),
        (
            "株式会社アイ・アール　ジャパン",
            "株式会社アイ・アールジャパン",
            "アイアールジヤパン",
            LEADING,
        ),
        ("メトグリ－ン（株）", "メトグリーン株式会社", "メトグリーン", TRAILING),
        ("Ｈ＆Ａ合同会社", "h&a合同会社", "h&a", TRAILING),
        ("③佐賀県", "佐賀県", "佐賀県", NO_FORM),
        ("④-1 株式会社野村", "株式会社野村", "野村", LEADING),
        ("NISSAN CHEMICAL CORPORATION", "nissan chemical corporation", "nissanchemical", TRAILING),
        ("Mitsui & Co., Ltd.", "mitsui&co.,ltd.", "mitsui", TRAILING),
        ("en world Japan K.K.", "en world japan k.k.", "enworldjapan", TRAILING),
        ("Müller GmbH", "muller gmbh", "muller", TRAILING),
        ("InfoLens Inc.", "infolens inc.", "infolens", TRAILING),
        ("Castify LLC", "castify llc", "castify", TRAILING),
        ("小林（幸）鉄工株式会社", "小林(幸)鉄工株式会社", "小林幸鉄工", TRAILING),
        ("（株）", "株式会社", "株式会社", NO_FORM),
        ("〃", "〃", "〃", NO_FORM),
        ("", "", "", NO_FORM),
    ],
)
def test_a_name_is_folded_and_its_legal_form_cut(
    written: str, name: str, core: str, side: int
) -> None:
    found = canonical(written)

    assert (found.name, found.core, found.legal_side.tolist()) == ([name], [core], [side])


@pytest.mark.parametrize("form", LEGAL_FORMS)
def test_every_legal_form_is_known_on_both_sides_by_its_place_in_the_list(form: str) -> None:
    found = canonical_names([f"{form}山田", f"山田{form}"])

    assert found.core == ["山田", "山田"]
    assert found.legal_form.tolist() == [1 + LEGAL_FORMS.index(form)] * 2
    assert found.legal_side.tolist() == [LEADING, TRAILING]


@pytest.mark.parametrize(
    ("written", "stem"),
    [
        ("五洋建設（株）名古屋支店", "五洋建設"),
        ("東洋梱包株式会社黒鳥工場", "東洋梱包"),
        ("株式会社アトックス　東海営業所", "アトツクス"),
        ("太陽石油(株)四国事業所", "太陽石油"),
        ("（株）カワサキモーターズジャパン東日本支店", "カワサキモーターズジヤパン"),
        ("産経新聞大阪本社", "産経新聞"),
        ("（株）エディオン　法人営業部　中四国支店", "エデイオン"),
        ("㈱日立建機日本北近畿支店", "日立建機日本"),
        ("昭和四日市石油株式会社（27年度当初）", "昭和四日市石油"),
        ("愛知県 （教育委員会）", "愛知県"),
        ("ＲａｌｌｙＳｔｒｅａｍ　代表　染宮　弘和", "rallystream"),
        ("株式会社山田　代表取締役 山田太郎", "山田"),
        ("三菱電機㈱代理㈱ヨネイ", "三菱電機"),
        ("丸尾建設(株)・(有)真組ＪＶ", "丸尾建設"),
        ("光洋・三浦特定建設工事共同企業体", "光洋"),
        ("鹿島建設㈱ほか２社", "鹿島建設"),
        ("武山・岩倉建設工事共同企業体　代表者（株）武山興業", "武山興業"),
        ("株式会社アレナビオ/株式会社食機能探査研究所", "アレナビオ"),
        ("伊藤忠テクノ株式会社\nリコーリース株式会社", "伊藤忠テクノ"),
        ("宮城県有限会社鎌田林業土木", "鎌田林業土木"),
    ],
)
def test_the_stem_names_the_company_behind_a_branch_a_person_or_a_venture(
    written: str, stem: str
) -> None:
    assert canonical(written).stem == [stem]


@pytest.mark.parametrize(
    "plain",
    [
        "株式会社野村総合研究所",
        "有限会社房南自動車整備工場",
        "一般社団法人こども未来コンソーシアム",
        "アスターアクイジション合同会社２５",
        "株式会社Ｃａｓｈ　Ｇｏｏｄ　Ｌｉｆｅ研究所",
        "株式会社ＪＶＣ",
        "株式会社代理店",
        "代表世話人株式会社",
        "八幡神社",
        "小林（幸）鉄工株式会社",
    ],
)
def test_a_plain_name_is_its_own_stem(plain: str) -> None:
    found = canonical(plain)

    assert found.stem == found.core


@pytest.mark.parametrize(
    ("old", "new"),
    [("髙", "高"), ("﨑", "崎"), ("齋", "斎"), ("澤", "沢"), ("邉", "辺"), ("廣", "広")],
)
def test_an_old_kanji_and_its_new_one_share_a_core_but_not_a_name(old: str, new: str) -> None:
    found = canonical_names([f"{old}商店", f"{new}商店"])

    assert found.core[0] == found.core[1]
    assert found.name[0] != found.name[1]


@pytest.mark.parametrize(("one", "other"), [("斉", "斎"), ("阪", "坂"), ("惣", "総"), ("沖", "冲")])
def test_two_kanji_that_make_two_surnames_stay_different(one: str, other: str) -> None:
    cores = canonical_names([f"{one}藤", f"{other}藤"]).core

    assert cores[0] != cores[1]


def test_a_form_on_the_other_side_is_another_name_with_the_same_core() -> None:
    found = canonical_names(["株式会社三和", "三和株式会社"])

    assert found.core == ["三和", "三和"]
    assert found.name == ["株式会社三和", "三和株式会社"]
    assert found.legal_side.tolist() == [LEADING, TRAILING]


def test_cutting_a_name_keeps_the_text_around_the_form() -> None:
    before, form, after = cut(spell_out("五洋建設(株)大阪支店"))

    assert (before, LEGAL_FORMS[form - 1], after) == ("五洋建設", "株式会社", "大阪支店")


def test_the_latin_name_is_the_english_one_or_else_the_core_when_that_is_latin() -> None:
    latin = canonical_latin(["Nissan Chemical Corp.", "", ""], ["日産化学", "gcom", "山田"])

    assert latin == ["nissanchemical", "gcom", ""]


def test_a_list_number_is_dropped_only_before_a_name_of_its_own_row() -> None:
    assert canonical_names(["①", "② 山田", "③-1"]).core == ["1", "山田", "1"]


def test_an_empty_batch_stays_empty() -> None:
    assert canonical_names([]).core == []
