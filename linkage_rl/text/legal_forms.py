"""Legal forms (株式会社, Co., Ltd.): found in any spelling, and cut from the name.

Kinds and their frequency are those of the National Tax Agency's corporate-number table, kana codes
those of the bank transfer format (全銀協 受取人名 略語).
"""

import re
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


_FORMS: Final = (
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

LEGAL_FORMS: Final[tuple[str, ...]] = tuple(form.name for form in _FORMS)
"""Canonical long forms; the code of a form is 1 + its position here."""

CODE: Final[dict[str, int]] = {form: code for code, form in enumerate(LEGAL_FORMS, start=1)}

KIND_OF_FORM: Final[tuple[int, ...]] = (0, *(1 + KINDS.index(form.kind) for form in _FORMS))
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

_LATIN: Final = {
    "有限会社": (
        r"y\.? ?k\.?|yu+gen[ -]?[kg]aisha|g\.?m\.?b\.?h\.?|b\.?v\.?"
        r"|s\.?r\.?l\.?|s\.?a\.?r\.?l\.?"
        r"|(?:sp(?:o[lł]ka)?\.? ?)z ?\.?o\.? ?o\.?|s\.?r\.?o\.?|d\.?o\.?o\.?|aps|kft\.?"
        r"|ltda\.?|s\.l\.?"
        r"|o\.?o\.?o\.?"
    ),
    "合同会社": r"g\.? ?k\.?|go(?:u?)do(?:u?)[ -]?[kg]aisha|l\.?l\.?c\.?",
    "有限責任事業組合": r"l\.?l\.?p\.?",
    "合資会社": (
        r"(?:(?:gmbh|ag|ug) ?& ?co\.? ?)?k\.?g\.?(?:aa)?|l\.?p\.?|limited partnership"
        r"|go(?:u?)shi[ -]?[kg]aisha"
    ),
    "株式会社": (
        r"k\.? ?k\.?|kabushiki[ -]?[kg]aisha|inc(?:orporated)?\.?|corp(?:oration)?\.?"
        r"|(?:public|private|pvt\.?|pte\.?|pty\.?|proprietary) limited company"
        r"|(?:(?:co|company|pty|pte|pvt|private|proprietary|public)\b[., ]{0,3}){0,4}"
        r"(?:ltd|limited)\.?"
        r"|(?:sdn\.? ?)?(?:bhd|berhad)\.?|p\.?l\.?c\.?|a\.?g\.?|s\.?a\.?(?:s\.?)?|s\.?p\.?a\.?"
        r"|s\.a\. de c\.v\.|n\.?v\.?|oyj?|ab|a/s|a\.s\.|tbk\.?|p\.?j\.?s\.?c\.?|j\.?s\.?c\.?|s\.e\."
        r"|comp(?:any)?\.?|co\."
    ),
}
"""Forms of other countries with the Japanese form that is closest."""
_ANY_LATIN: Final = "(?:" + "|".join(f"({pattern})" for pattern in _LATIN.values()) + ")"
_LATIN_TAIL: Final = re.compile(rf"(?<![ ,])[ ,]{{1,3}}{_ANY_LATIN}[ ,.]{{0,4}}$")
_LATIN_CODES: Final = tuple(CODE[form] for form in _LATIN)
_SURE_LATIN: Final = re.compile(
    r"(?<![ ,])[ ,]{1,3}(?:(y\.k\.|gmbh|b\.v\.)|(g\.k\.|l\.?l\.?c\.?)|(l\.?l\.?p\.?)|(l\.p\.)"
    r"|(k\.k\.|inc(?:orporated)?|corp(?:oration)?|p\.?l\.?c|s\.p\.a\.|a\.g\."
    r"|(?:(?:co|company|pty|pte|pvt|private)\b[., ]{0,3}){0,4}(?:ltd|limited)))"
    r"(?:[.]? ?(?:,|\(| - | (?=t/a |d/?b/?a |f/?k/?a |trading as |formerly |c/o |attn)"
    r"|(?=[ .][^ -~]))|$)"
)
"""Forms that are no ordinary words, with a branch, a trade name or a country after them."""
_JAPANESE_TAIL: Final = re.compile(
    r"(?<=[^ -~])[ ,]{0,3}(?:(y\.k\.)|(g\.k\.|l\.?l\.?c\.?)|(l\.?l\.?p\.?)|(l\.p\.)"
    r"|((?:k\.k\.|inc(?:orporated)?\.?|corp(?:oration)?\.?|co\.?, ?ltd\.?|company, ?limited"
    r"|co\.? ?ltd\.?|ltd\.?)))$"
)
"""Latin forms behind a Japanese name."""

_LATIN_LAST: Final = frozenset(".kcpdn")

_FURTHER_FIRST: Final = frozenset("株有認njgky")
_FURTHER_LEADING: Final = re.compile(
    r"(?:(株(?:式(?!会社))?[ .・]?(?![主価券式本木田竹元根])(?=...)|k\.k\. ?(?=[^ -~]))"
    r"|(有限?[ .](?=..)|y\.k\. ?(?=[^ -~]))|(g\.k\. ?(?=[^ -~]))"
    r"|((?:認定)?npo(?:法人)?[ ・.-]*(?=[^ -~]))"
    r"|(ja ?(?!全農|全国|共済|グループ|バンク|中央|ビル|カード|三井|[ -~])(?=..)))"
)
_FURTHER_CODES: Final = tuple(
    CODE[form]
    for form in ("株式会社", "有限会社", "合同会社", "特定非営利活動法人", "農業協同組合")
)
_FURTHER_LAST: Final = frozenset("株式会有)協")
_FURTHER_TRAILING: Final = re.compile(
    r"(?<=..)(?:((?<![切親新古子持り])株\)?|株式会?)| ?(有限会|(?<=[ ])有|有\))"
    r"|(農協)|(生協)|(漁協))$"
)
_TRAILING_CODES: Final = tuple(
    CODE[form] for form in ("株式会社", "有限会社", "農業協同組合", "生活協同組合", "漁業協同組合")
)

# Four characters at either edge of a name narrow down the spellings that it may begin or end with.
_EDGE: Final = 4
_SPELLED: Final = {form: form for form in LEGAL_FORMS} | _ALIASES


def _by_edge(edge: slice) -> dict[str, list[tuple[str, str]]]:
    spelled: dict[str, list[tuple[str, str]]] = {}
    for spelling in sorted(_SPELLED, key=len, reverse=True):
        spelled.setdefault(spelling[edge], []).append((spelling, _SPELLED[spelling]))
    return spelled


_LEADING: Final = _by_edge(slice(None, _EDGE))
_TRAILING: Final = _by_edge(slice(-_EDGE, None))

# Forms that are also ordinary words (全国農業協同組合連合会) count at the edges of a name only.
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

_BRACKETED: Final = {short: form.name for form in _FORMS for short in form.short.split()} | _SPELLED
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


def _cut_leading(name: str) -> FormCut | None:
    form, body = "", name
    # 農業生産法人有限会社X: it is registered under the later form.
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
        return _cut_latin_in_japanese(name)
    found = _LATIN_TAIL.search(name)
    if found and found.start():
        code = _LATIN_CODES[(found.lastindex or 1) - 1]
        return FormCut(name[: found.start()].rstrip(" &,"), code, "")
    return _cut_at(_SURE_LATIN.search(name), name)


def _cut_latin_in_japanese(name: str) -> FormCut | None:
    """丸山フーズ Co.,Ltd. and Acme Inc. 日本支店."""
    found = _JAPANESE_TAIL.search(name) if name[-1] in _LATIN_LAST else None
    if found and found.start():
        code = _LATIN_CODES[(found.lastindex or 1) - 1]
        return FormCut(name[: found.start()].rstrip(" ,"), code, "")
    return _cut_at(_SURE_LATIN.search(name), name) if name[0].isascii() else None


def _cut_at(found: re.Match[str] | None, name: str) -> FormCut | None:
    if not found or not found.start():
        return None
    before, after = name[: found.start()].rstrip(" ,&"), name[found.end() :].strip(" .,")
    return FormCut(before, _LATIN_CODES[(found.lastindex or 1) - 1], after)


def _cut_further(name: str) -> FormCut | None:
    """Forms that are written short without brackets: 株丸山フーズ, NPOみどりの会, みなみ農協."""
    if name[:1] in _FURTHER_FIRST and (found := _FURTHER_LEADING.match(name)):
        return FormCut("", _FURTHER_CODES[(found.lastindex or 1) - 1], name[found.end() :])
    if name[-1:] in _FURTHER_LAST and (found := _FURTHER_TRAILING.search(name)):
        code = _TRAILING_CODES[(found.lastindex or 1) - 1]
        return FormCut(name[: found.start()].rstrip(), code, "")
    return None


def begins_with_form(name: str) -> bool:
    """Whether a folded, spelled-out name begins with a legal form that more text follows."""
    return bool(_LEADING.get(name[:_EDGE])) and _cut_leading(name) is not None


def once(found: FormCut) -> FormCut:
    """The cut of a name that has its form at both edges: 株式会社X株式会社."""
    if not found.form or found.side == MIDDLE:
        return found
    body = found.before or found.after
    form = LEGAL_FORMS[found.form - 1]
    while body.endswith(form) and len(body) > len(form):
        body = body[: -len(form)].rstrip()
    return FormCut(body, found.form, "") if found.before else FormCut("", found.form, body)


def cut(name: str) -> FormCut:
    """Split one folded, spelled-out name; a name that is only a legal form is not cut.

    >>> cut("山田株式会社大阪支店")
    FormCut(before='山田', form=1, after='大阪支店')
    """
    if _LEADING.get(name[:_EDGE]) and (found := _cut_leading(name)):
        return found
    if _TRAILING.get(name[-_EDGE:]) and (found := _cut_trailing(name)):
        return found
    return _cut_inside(name) or _cut_without_japanese_form(name) or FormCut(name, 0, "")


def _cut_without_japanese_form(name: str) -> FormCut | None:
    return (_cut_latin(name) or _cut_further(name)) if name else None


def join_latin_and(name: str, body: str) -> str:
    """The body with 'and' as '&', if the name has no Japanese form that could tell them apart.

    Smith and Sons Ltd is Smith & Sons, but 株式会社A and C and 株式会社A&C are two companies.
    """
    return body.replace(" and ", "&") if " and " in body and name.isascii() else body


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
    # Few readings contain a form, and the expression is slow on those that do not.
    return "\n".join(
        [
            _KANA_EDGE.sub("", line) if "イシヤ" in line or "ホウジン" in line else line
            for line in block.split("\n")
        ]
    )
