"""Legal forms of other countries, and Japanese ones written short without brackets."""

import re
from typing import Final

from linkage_rl.text.form_names import CODE, FormCut

_LATIN: Final = {
    "有限会社": (
        r"y\.? ?k\.?|yu+gen[ -]?[kg]aisha|g\.?m\.?b\.?h\.?|ug|b\.?v\.?"
        r"|s\.?r\.?l\.?|s\.?a\.?r\.?l\.?"
        r"|(?:sp(?:o[lł]ka)?\.? ?)z ?\.?o\.? ?o\.?|s\.?r\.?o\.?|d\.?o\.?o\.?|aps|kft\.?"
        r"|ltda\.?|s\.l\.?"
        r"|o\.?o\.?o\.?"
    ),
    "合同会社": r"g\.? ?k\.?|go(?:u?)do(?:u?)[ -]?[kg]aisha|l\.?l\.?c\.?",
    "有限責任事業組合": r"l\.?l\.?p\.?",
    "合資会社": (
        r"(?:(?:gmbh|ag|ug) ?& ?co\.? ?)?k\.?g\.?(?:aa)?|l\.p\.|limited partnership"
        r"|go(?:u?)shi[ -]?[kg]aisha"
    ),
    "株式会社": (
        r"k\.? ?k\.?|kabushiki[ -]?[kg]aisha|inc(?:orporated)?\.?|corp(?:oration)?\.?"
        r"|(?:public|private|pvt\.?|pte\.?|pty\.?|proprietary) limited company"
        r"|(?:(?:co|company|pty|pte|pvt|private|proprietary|public)\b[., ]{0,3}){0,4}"
        r"(?:ltd|limited)\.?"
        r"|(?:sdn\.? ?)?(?:bhd|berhad)\.?|p\.?l\.?c\.?|a\.?g\.?|aktiengesellschaft"
        r"|s\.?a\.?(?:s\.?)?|s\.?p\.?a\.?"
        r"|s\.a\. de c\.v\.|n\.?v\.?|oyj?|ab|a/s|a\.s\.|tbk\.?|p\.?j\.?s\.?c\.?|j\.?s\.?c\.?|s\.e\."
        r"|co\."
    ),
}
"""Forms of other countries with the Japanese form that is closest."""
_ANY_LATIN: Final = "(?:" + "|".join(f"({pattern})" for pattern in _LATIN.values()) + ")"
_LATIN_TAIL: Final = re.compile(rf"(?<![ ,])[ ,]{{1,3}}{_ANY_LATIN}[ ,.]{{0,4}}$")
_LATIN_CODES: Final = tuple(CODE[form] for form in _LATIN)
_SURE_LATIN: Final = re.compile(
    r"(?<![ ,])[ ,]{1,3}(?:(y\.k\.|gmbh|ug|b\.v\.)|(g\.k\.|l\.?l\.?c\.?)|(l\.?l\.?p\.?)|(l\.p\.)"
    r"|(k\.k\.|inc(?:orporated)?|corp(?:oration)?|p\.?l\.?c|s\.p\.a\.|a\.g\."
    r"|(?:sdn\.? ?)?(?:bhd|berhad)|oyj?"
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
_NOT_A_COOP: Final = (
    "全農|全国|共済|中央(?!会)|三井|.*(?:企画|建設|設備|くらし|ゆう|医療|農機|葬祭|会館|厚生|信用|共済"
    "|販売|商事|運輸|運送|不動産|燃料|食品|研究|開発|工業|産業|物流|総合|福祉|旅行|印刷|直売|市場)"
)
"""Words of other companies of the cooperatives: JA建設クリエイト is no 農業協同組合."""
_FURTHER_LEADING: Final = re.compile(
    r"(?:(株(?:式(?!会社))?[ .・]?(?![主価券式本木田竹元根])(?=...)|k\.k\. ?(?=[^ -~]))"
    r"|(有限?[ .](?=..)|y\.k\. ?(?=[^ -~]))|(g\.k\. ?(?=[^ -~]))"
    r"|((?:認定)?npo(?:法人)?[ ・.-]*(?=[^ -~]))"
    rf"|(ja ?(?=[^ -~ァ-ヶー]{{2,8}}$)(?!{_NOT_A_COOP})))"
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


def cut_latin(name: str) -> FormCut | None:
    """The cut at a Latin form: at the end, or before a branch, a country or a trade name.

    >>> cut_latin("acme widgets pvt. ltd."), cut_latin("山田")
    (FormCut(before='acme widgets', form=1, after=''), None)
    """
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


_BODY_BEHIND: Final = re.compile(
    "[^ ] (医療法人(?:社団|財団)?|社会福祉法人|学校法人|宗教法人)(?=[^ ]{2})"
)


def cut_further(name: str) -> FormCut | None:
    """Forms that are written short without brackets: 株丸山フーズ, NPOみどりの会, みなみ農協."""
    if name[:1] in _FURTHER_FIRST and (found := _FURTHER_LEADING.match(name)):
        return FormCut("", _FURTHER_CODES[(found.lastindex or 1) - 1], name[found.end() :])
    if name[-1:] in _FURTHER_LAST and (found := _FURTHER_TRAILING.search(name)):
        code = _TRAILING_CODES[(found.lastindex or 1) - 1]
        return FormCut(name[: found.start()].rstrip(), code, "")
    if " " in name and (found := _BODY_BEHIND.search(name)):
        return FormCut(name[: found.start() + 1], CODE[found[1]], name[found.end() :])
    return None


def join_latin_and(name: str, body: str) -> str:
    """The body of a name with a Latin form with 'and' as '&'.

    Smith and Sons Ltd is Smith & Sons, but 株式会社A and C and 株式会社A&C are two companies, which
    a list may name without their form.
    """
    latin = " and " in body and name.isascii() and cut_latin(name)
    return body.replace(" and ", "&") if latin else body
