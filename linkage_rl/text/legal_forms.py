"""Legal forms in every writing: found, named by one canonical long form, and cut from the name.

Kinds and their frequency are those of the National Tax Agency's corporate-number table, kana codes
those of the bank transfer format (全銀協 受取人名 略語).
"""

import re
from typing import Final, NamedTuple

_SPELLINGS: Final[dict[str, str]] = {
    "株式会社": "株 カ",
    "有限会社": "有 ユ",
    "合同会社": "同 合 ド",
    "合資会社": "資 合資 シ",
    "合名会社": "名 合名 メ",
    "相互会社": "相 相互 ソ",
    "特定目的会社": "特定目的 特目",
    "投資法人": "投",
    "特例有限会社": "特有",
    "一般社団法人": "一社 一般社団 一般社",
    "公益社団法人": "公社 公益社団 公益社",
    "特例社団法人": "特社",
    "社団法人": "社 社団 シヤ シャ",
    "一般財団法人": "一財 一般財団 一般財",
    "公益財団法人": "公財 公益財団 公益財",
    "特例財団法人": "特財",
    "財団法人": "財 財団 ザイ",
    "医療法人": "医 医療 イ",
    "医療法人社団": "医社 医療社団",
    "医療法人財団": "医財 医療財団",
    "社会医療法人": "社医",
    "社会医療法人社団": "社医社",
    "社会医療法人財団": "社医財",
    "特定医療法人": "特医",
    "特定医療法人社団": "特医社",
    "特定医療法人財団": "特医財",
    "社会福祉法人": "福 社福 福祉 社会福祉 フク",
    "社会福祉連携推進法人": "",
    "地域医療連携推進法人": "",
    "学校法人": "学 学法 ガク",
    "準学校法人": "準学",
    "宗教法人": "宗 宗教 シユウ シュウ",
    "特定非営利活動法人": "特非 特活 特 非 npo トクヒ",
    "更生保護法人": "更 ホゴ",
    "税理士法人": "税 税理士 ゼイ",
    "弁護士法人": "弁 弁護士 ベン",
    "外国法事務弁護士法人": "",
    "弁護士・外国法事務弁護士共同法人": "",
    "司法書士法人": "司 司法書士 シホウ",
    "行政書士法人": "行 行政書士 ギヨ ギョ",
    "社会保険労務士法人": "社労 労 社会保険労務士 ロウム",
    "弁理士法人": "弁理 弁理士",
    "特許業務法人": "特許 特業",
    "監査法人": "監 監査",
    "土地家屋調査士法人": "調 土地家屋調査士",
    "海事代理士法人": "",
    "公認会計士法人": "",
    "農事組合法人": "農 農組 農事 ノウ",
    "農業生産法人": "農生",
    "農地所有適格法人": "",
    "農業法人": "",
    "管理組合法人": "管 管組 カンリ",
    "団地管理組合法人": "",
    "職業訓練法人": "職 職訓",
    "認定職業訓練法人": "",
    "有限責任中間法人": "有中 チユウ",
    "無限責任中間法人": "",
    "有限責任事業組合": "有責 llp",
    "投資事業有限責任組合": "",
    "独立行政法人": "独 独行 ドク",
    "地方独立行政法人": "地独 地 チドク",
    "国立研究開発法人": "国研 研 ケン",
    "国立大学法人": "国大 国 大 国立大学 ダイ",
    "公立大学法人": "公大 公立大学",
    "大学共同利用機関法人": "大共",
    "特殊法人": "",
    "認可法人": "",
    "地方共同法人": "地共",
    "協同組合": "協 協組",
    "事業協同組合": "事協",
    "企業組合": "企 企組",
    "労働者協同組合": "労協",
    "生活協同組合": "生協",
    "農業協同組合": "農協",
    "漁業協同組合": "漁協",
    "森林組合": "森組",
    "商店街振興組合": "",
    "労働組合": "",
    "公益法人": "公 公益",
    "外国会社": "",
}
"""Canonical long form to its abbreviations, as they stand in brackets; kana ones are bank codes."""

LEGAL_FORMS: Final[tuple[str, ...]] = tuple(_SPELLINGS)
"""Canonical long forms; a code is 1 + the position here. 公益法人 stands for '(公)', which may be a
foundation or an association, 財団法人 and 社団法人 for the forms abolished in 2008."""

CODE: Final[dict[str, int]] = {form: code for code, form in enumerate(LEGAL_FORMS, start=1)}

KINDS: Final = ("company", "association", "partnership", "institution", "public", "cooperative")
"""Kinds of legal forms; a name without a form has none."""

_FIRST_OF_KIND: Final = {
    "株式会社": "company",
    "一般社団法人": "association",
    "医療法人": "institution",
    "特定非営利活動法人": "association",
    "更生保護法人": "institution",
    "税理士法人": "partnership",
    "農事組合法人": "cooperative",
    "有限責任中間法人": "association",
    "有限責任事業組合": "partnership",
    "独立行政法人": "public",
    "協同組合": "cooperative",
    "公益法人": "association",
    "外国会社": "company",
}
"""Forms stand in order of their kind; here begins another one."""


def _kinds() -> tuple[int, ...]:
    kinds = [0]
    for form in LEGAL_FORMS:
        named = _FIRST_OF_KIND.get(form)
        kinds.append(kinds[-1] if named is None else 1 + KINDS.index(named))
    return tuple(kinds)


KIND_OF_FORM: Final[tuple[int, ...]] = _kinds()
"""Kind of each code of a form, 1 + its position in `KINDS`; 0 for no form."""

NO_SIDE: Final = 0
LEADING: Final = 1
TRAILING: Final = 2
MIDDLE: Final = 3

_ALIASES: Final = {
    "npo法人": "特定非営利活動法人",
    "認定npo法人": "特定非営利活動法人",
    "認定特定非営利活動法人": "特定非営利活動法人",
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
    "股份有限公司": "株式会社",
}
"""Other full writings at the edge of a name; a form of a foreign law goes to its like."""

_LATIN: Final = {
    "有限会社": r"y\.? ?k\.?|yu+gen[ -]?[kg]aisha|gmbh|b\.?v\.?|s\.?r\.?l\.?|sarl",
    "合同会社": r"g\.? ?k\.?|go(?:u?)do(?:u?)[ -]?[kg]aisha|l\.?l\.?c\.?",
    "有限責任事業組合": r"l\.?l\.?p\.?",
    "株式会社": (
        r"k\.? ?k\.?|kabushiki[ -]?[kg]aisha|inc(?:orporated)?\.?|corp(?:oration)?\.?"
        r"|(?:(?:co|company|pty|pte)\b[., ]*)?(?:ltd|limited)\.?|p\.?l\.?c\.?|a\.?g\.?"
        r"|s\.?a\.?|s\.?p\.?a\.?|n\.?v\.?"
    ),
}
_LATIN_TAIL: Final = re.compile(
    "[ ,]+(?:" + "|".join(f"({pattern})" for pattern in _LATIN.values()) + ")[ ,.]*$"
)
_LATIN_CODES: Final = tuple(CODE[form] for form in _LATIN)

# A unit of four characters at either edge names the few spellings that may stand there.
_EDGE: Final = 4
_SPELLED: Final = {form: form for form in LEGAL_FORMS} | _ALIASES


def _by_edge(edge: slice) -> dict[str, list[tuple[str, str]]]:
    spelled: dict[str, list[tuple[str, str]]] = {}
    for spelling in sorted(_SPELLED, key=len, reverse=True):
        spelled.setdefault(spelling[edge], []).append((spelling, _SPELLED[spelling]))
    return spelled


_LEADING: Final = _by_edge(slice(None, _EDGE))
_TRAILING: Final = _by_edge(slice(-_EDGE, None))

# Kinds that are also ordinary words inside a name (全国農業協同組合連合会) count at its edges only.
_NEVER_INSIDE: Final = (
    "組合",
    "学校法人",
    "宗教法人",
    "福祉法人",
    "公益法人",
    "医療法人",
    "業法人",
)
_INSIDE: Final = re.compile(
    "|".join(
        sorted(
            (form for form in LEGAL_FORMS if not form.endswith(_NEVER_INSIDE)),
            key=len,
            reverse=True,
        )
    )
)

_BRACKETED: Final = {
    short: form for form, shorts in _SPELLINGS.items() for short in shorts.split()
} | _SPELLED
_SHORT: Final = "|".join(sorted(map(re.escape, _BRACKETED), key=len, reverse=True))
_IN_BRACKETS: Final = re.compile(
    rf"\( ?({_SHORT}) ?\)|^({_SHORT}) ?\)|\( ?({_SHORT})$", re.MULTILINE
)
_SPACED_OUT: Final = re.compile("(?<=[株有合式限同資名会]) (?=[式限同資名会社])")
_MEDICAL: Final = re.compile(r"医療法人(?: ?\( ?| ?)(社団|財団)(?: ?\)|法人|)")
_MEDICAL_LAST: Final = re.compile("^医療法人([^\n(]+)\\((社団|財団)\\)$", re.MULTILINE)


def spell_out(block: str) -> str:
    r"""A folded block with every abbreviated form in its canonical long form.

    >>> spell_out("(株)山田\n山田(有)大阪支店\nカ)ヤマダ")
    '株式会社山田\n山田有限会社大阪支店\n株式会社ヤマダ'
    """
    if "會社" in block:
        block = block.replace("會社", "会社")
    if "式 会" in block or "限 会" in block or "会 社" in block:
        block = _SPACED_OUT.sub("", block)
    if "団)" in block:
        block = _MEDICAL_LAST.sub(r"医療法人\2\1", block)
    if "(" in block or ")" in block:
        block = _IN_BRACKETS.sub(lambda found: _BRACKETED[found[found.lastindex or 0]], block)
    if "医療法人" in block:
        block = _MEDICAL.sub(r"医療法人\1", block)
    return block


class FormCut(NamedTuple):
    """A name taken apart at its legal form."""

    before: str
    """What stands before the form; '' where the form leads."""
    form: int
    """Code of the form, 0 for none."""
    after: str
    """What stands after the form; '' where the form trails."""

    @property
    def side(self) -> int:
        """One of NO_SIDE, LEADING, TRAILING, MIDDLE."""
        if not self.form:
            return NO_SIDE
        if not self.before:
            return LEADING
        return MIDDLE if self.after else TRAILING


def _cut_leading(name: str) -> FormCut | None:
    form, body = "", name
    # 農業生産法人有限会社X: the later form is the one it is registered under.
    while spellings := _LEADING.get(body[:_EDGE]):
        for spelling, canonical in spellings:
            if body.startswith(spelling) and len(body) > len(spelling):
                form, body = canonical, body[len(spelling) :].lstrip()
                break
        else:
            break
    return FormCut("", CODE[form], body) if form and body else None


def _cut_trailing(name: str) -> FormCut | None:
    for spelling, canonical in _TRAILING.get(name[-_EDGE:], ()):
        if name.endswith(spelling) and len(name) > len(spelling):
            return FormCut(name[: -len(spelling)].rstrip(), CODE[canonical], "")
    return None


def _cut_inside(name: str) -> FormCut | None:
    if "会社" in name or "法人" in name:
        found = _INSIDE.search(name)
        if found and found.start() > 0 and found.end() < len(name):
            before, after = name[: found.start()].rstrip(), name[found.end() :].lstrip()
            return FormCut(before, CODE[found[0]], after)
    return None


def _cut_latin(name: str) -> FormCut | None:
    if not name.isascii():
        return None
    found = _LATIN_TAIL.search(name)
    if not found or not found.start():
        return None
    return FormCut(name[: found.start()].rstrip(" &"), _LATIN_CODES[(found.lastindex or 1) - 1], "")


def cut(name: str) -> FormCut:
    """The parts of one folded, spelled-out name; a name that is nothing but a form is kept whole.

    >>> cut("山田株式会社大阪支店")
    FormCut(before='山田', form=1, after='大阪支店')
    """
    if _LEADING.get(name[:_EDGE]) and (found := _cut_leading(name)):
        return found
    if _TRAILING.get(name[-_EDGE:]) and (found := _cut_trailing(name)):
        return found
    return _cut_inside(name) or _cut_latin(name) or FormCut(name, 0, "")


_KANA_COMPANY: Final = "カブシキ|ユウゲン|ゴウドウ|ゴウシ|ゴウメイ|ソウゴ|トクテイモクテキ"
_KANA_BODY: Final = (
    "(?:イツパン|コウエキ)?(?:シヤダン|ザイダン)|(?:シヤカイ)?イリヨウ|シヤカイフクシ|ガツコウ"
    "|シユウキヨウ|トクテイヒエイリカツドウ|エヌピオ|ゼイリシ|ベンゴシ|シホウシヨシ|ギヨウセイシヨシ"
    "|シヤカイホケンロウムシ|ベンリシ|カンサ|ノウジクミアイ|ドクリツギヨウセイ|コクリツダイガク"
)
_KANA_FORM: Final = (
    f"(?:(?:{_KANA_COMPANY})[カガ]イシヤ|(?:{_KANA_BODY})ホウジン(?:シヤダン|ザイダン)?)"
)
_KANA_EDGE: Final = re.compile(f"^{_KANA_FORM}(?=.)|(?<=.){_KANA_FORM}$")


def cut_kana(block: str) -> str:
    """A block of folded kana without the legal forms at the edges.

    >>> cut_kana("カブシキガイシヤヤマダ")
    'ヤマダ'
    """
    if "イシヤ" not in block and "ホウジン" not in block:
        return block
    # Few readings hold a form, and the expression is slow over those that do not.
    return "\n".join(
        [
            _KANA_EDGE.sub("", line) if "イシヤ" in line or "ホウジン" in line else line
            for line in block.split("\n")
        ]
    )
