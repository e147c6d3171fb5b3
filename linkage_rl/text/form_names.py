"""The table of legal forms, and a name cut at one.

Kinds and their frequency are those of the National Tax Agency's corporate-number table, kana codes
those of the bank transfer format (全銀協 受取人名 略語).
"""

from typing import Final, NamedTuple

KINDS: Final = ("company", "association", "partnership", "institution", "public", "cooperative")
"""Kinds of legal forms; a name without a form has none."""


class Form(NamedTuple):
    """A legal form."""

    name: str
    """Canonical long form."""
    kind: str
    """One of `KINDS`."""
    short: str = ""
    """Abbreviations that are written in brackets, separated by spaces; kana ones are bank codes."""


FORMS: Final = (
    Form("株式会社", "company", "株 カ 株式 주"),
    Form("有限会社", "company", "有 ユ 有限 유"),
    Form("合同会社", "company", "同 合 ド 合同"),
    Form("合資会社", "company", "資 合資 シ"),
    Form("合名会社", "company", "名 合名 メ"),
    Form("相互会社", "company", "相 相互 ソ"),
    Form("特定目的会社", "company", "特定目的 特目"),
    Form("投資法人", "company", "投"),
    Form("特例有限会社", "company", "特有"),
    Form("一般社団法人", "association", "一社 一般社団 一般社"),
    Form("公益社団法人", "association", "公社 公益社団 公益社"),
    Form("特例社団法人", "association", "特社"),
    Form("社団法人", "association", "社 社団 シヤ シャ"),
    Form("一般財団法人", "association", "一財 一般財団 一般財"),
    Form("公益財団法人", "association", "公財 公益財団 公益財"),
    Form("特例財団法人", "association", "特財"),
    Form("財団法人", "association", "財 財団 ザイ"),
    Form("医療法人", "institution", "医 医療 イ"),
    Form("医療法人社団", "institution", "医社 医療社団"),
    Form("医療法人財団", "institution", "医財 医療財団"),
    Form("社会医療法人", "institution", "社医"),
    Form("社会医療法人社団", "institution", "社医社"),
    Form("社会医療法人財団", "institution", "社医財"),
    Form("特定医療法人", "institution", "特医"),
    Form("特定医療法人社団", "institution", "特医社"),
    Form("特定医療法人財団", "institution", "特医財"),
    Form("社会福祉法人", "institution", "福 社福 福祉 社会福祉 フク"),
    Form("社会福祉連携推進法人", "institution"),
    Form("地域医療連携推進法人", "institution"),
    Form("学校法人", "institution", "学 学法 ガク"),
    Form("準学校法人", "institution", "準学"),
    Form("宗教法人", "institution", "宗 宗教 シユウ シュウ"),
    Form("特定非営利活動法人", "association", "特非 特活 特 非 npo トクヒ"),
    Form("更生保護法人", "institution", "更 ホゴ"),
    Form("税理士法人", "partnership", "税 税理士 ゼイ"),
    Form("弁護士法人", "partnership", "弁 弁護士 ベン"),
    Form("外国法事務弁護士法人", "partnership"),
    Form("弁護士・外国法事務弁護士共同法人", "partnership"),
    Form("司法書士法人", "partnership", "司 司法書士 シホウ"),
    Form("行政書士法人", "partnership", "行 行政書士 ギヨ ギョ"),
    Form("社会保険労務士法人", "partnership", "社労 労 社会保険労務士 ロウム"),
    Form("弁理士法人", "partnership", "弁理 弁理士"),
    Form("特許業務法人", "partnership", "特許 特業"),
    Form("監査法人", "partnership", "監 監査"),
    Form("土地家屋調査士法人", "partnership", "調 土地家屋調査士"),
    Form("海事代理士法人", "partnership"),
    Form("公認会計士法人", "partnership"),
    Form("農事組合法人", "cooperative", "農 農組 農事 ノウ"),
    Form("農業生産法人", "cooperative", "農生"),
    Form("農地所有適格法人", "cooperative"),
    Form("農業法人", "cooperative"),
    Form("管理組合法人", "cooperative", "管 管組 カンリ"),
    Form("団地管理組合法人", "cooperative"),
    Form("職業訓練法人", "cooperative", "職 職訓"),
    Form("認定職業訓練法人", "cooperative"),
    Form("有限責任中間法人", "association", "有中 チユウ"),
    Form("無限責任中間法人", "association"),
    Form("有限責任事業組合", "partnership", "有責 llp"),
    Form("投資事業有限責任組合", "partnership"),
    Form("独立行政法人", "public", "独 独行 ドク"),
    Form("地方独立行政法人", "public", "地独 地 チドク"),
    Form("国立研究開発法人", "public", "国研 研 ケン"),
    Form("国立大学法人", "public", "国大 国 大 国立大学 ダイ"),
    Form("公立大学法人", "public", "公大 公立大学"),
    Form("大学共同利用機関法人", "public", "大共"),
    Form("特殊法人", "public"),
    Form("認可法人", "public"),
    Form("地方共同法人", "public", "地共"),
    Form("協同組合", "cooperative", "協 協組"),
    Form("事業協同組合", "cooperative", "事協"),
    Form("企業組合", "cooperative", "企 企組"),
    Form("労働者協同組合", "cooperative", "労協"),
    Form("生活協同組合", "cooperative", "生協"),
    Form("農業協同組合", "cooperative", "農協"),
    Form("漁業協同組合", "cooperative", "漁協"),
    Form("森林組合", "cooperative", "森組"),
    Form("商店街振興組合", "cooperative"),
    Form("労働組合", "cooperative"),
    Form("公益法人", "association", "公 公益"),
    Form("外国会社", "company"),
)
"""The position of a form decides its code, so new ones come last. 公益法人 is the form of '(公)',
which may be a foundation or an association; 財団法人 and 社団法人 were abolished in 2008."""

LEGAL_FORMS: Final[tuple[str, ...]] = tuple(form.name for form in FORMS)
"""Canonical long forms; the code of a form is 1 + its position here."""

CODE: Final[dict[str, int]] = {form: code for code, form in enumerate(LEGAL_FORMS, start=1)}

KIND_OF_FORM: Final[tuple[int, ...]] = (0, *(1 + KINDS.index(form.kind) for form in FORMS))
"""Kind of each code of a form, 1 + its position in `KINDS`; 0 for no form."""

NO_SIDE: Final = 0
LEADING: Final = 1
TRAILING: Final = 2
MIDDLE: Final = 3

ALIASES: Final = {
    "npo法人": "特定非営利活動法人",
    "認定npo法人": "特定非営利活動法人",
    "認定特定非営利活動法人": "特定非営利活動法人",
    "特定非営利活動法人npo": "特定非営利活動法人",
    "特定非営利法人": "特定非営利活動法人",
    "特定非営利活動": "特定非営利活動法人",
    "社団医療法人": "医療法人社団",
    "財団医療法人": "医療法人財団",
    "學校法人": "学校法人",
    "農業組合法人": "農事組合法人",
    "社労士法人": "社会保険労務士法人",
    "一般社団": "一般社団法人",
    "一般財団": "一般財団法人",
    "公益社団": "公益社団法人",
    "公益財団": "公益財団法人",
    "非営利型一般社団法人": "一般社団法人",
    "非営利株式会社": "株式会社",
    "有限公司": "有限会社",
    "有限責任公司": "有限会社",
    "有限责任公司": "有限会社",
    "股份有限公司": "株式会社",
    "주식회사": "株式会社",
    "유한회사": "有限会社",
    "유한책임회사": "合同会社",
    "カブシキガイシャ": "株式会社",
    "カブシキカイシャ": "株式会社",
    "かぶしきがいしゃ": "株式会社",
    "ユウゲンガイシャ": "有限会社",
    "ゆうげんがいしゃ": "有限会社",
    "ゴウドウガイシャ": "合同会社",
    "ごうどうがいしゃ": "合同会社",
}
"""Other full spellings at the edge of a name; a foreign form maps to the closest Japanese one."""


class FormCut(NamedTuple):
    """A name split at its legal form."""

    before: str
    """Text before the form; '' where the form leads."""
    form: int
    """Code of the form, 0 for none."""
    after: str
    """Text after the form; '' where the form trails."""

    @property
    def side(self) -> int:
        """One of NO_SIDE, LEADING, TRAILING, MIDDLE."""
        if not self.form:
            return NO_SIDE
        if not self.before:
            return LEADING
        return MIDDLE if self.after else TRAILING
