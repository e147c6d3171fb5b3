"""Stems: a name without branch, person, project and bracketed additions.

A client list may name the branch that was paid, the person who signed or the joint venture that
built; the table has the company. The stem of a plain name is the name itself.
"""

import re
from typing import Final

from linkage_rl.text import _blocks
from linkage_rl.text.code_tables import flags_of
from linkage_rl.text.legal_forms import CODE, MIDDLE, begins_with_form, cut, once
from linkage_rl.text.municipalities import PLACE_WORDS

_OFFICE: Final = (
    "支店|支社|支部|支所|支局|営業所|出張所|事業所|事務所|本社|本店|本部|本所|工場|製造所|製作所|製油所"
    "|研究所|センター|オフィス|病院|診療所|カンパニー|ステーション|グループ|共同体|大学|学校|高校|学院"
    "|幼稚園|保育園|倉庫|現場|工事|店|[部課室局係]"
)
"""Last words of departments and branches, after a space."""

_BRANCH: Final = (
    "支店|支社|営業所|出張所|営業部|営業本部|事業本部|本社|本店|支局|支所|統括支店|事業所|工場"
)
"""Branch words that rarely end a company's own name, so that a place before them is enough."""

_BRANCH_TAIL: Final = re.compile(
    f"(?:[東西南北中]|中央|第?[0-9一二三四五])?(?:{_BRANCH}|(?<![商書飯工茶百])店)$"
)
_HEAD_OFFICE: Final = re.compile(
    "(?<=..)(?:本社|本店)(?:第?[0-9一二三])?(?:工場|営業所|事務所|倉庫|営業部)$"
)
_SIDES: Final = "東西南北中央第0123456789一二三四五"
_MAX_PLACE: Final = 5
_OFFICE_WORDS: Final = (*_OFFICE.removesuffix("|[部課室局係]").split("|"), *"部課室局係")
_LATIN_CHAR: Final = re.compile("[ -~]")
_TRAILING_BRACKET: Final = re.compile(r"\([^()]*(?:\([^()]*\)[^()]*)*\)?$")
_LEADING_BRACKET: Final = re.compile(r"^\([^()]*\) ?(?=.)")
_PERSON: Final = re.compile(
    "(?<=..)(?: (?:代表|理事長|取締役|社長|会長|支店長|支社長|所長|院長|学長|校長|学校長|組合長"
    "|総長|園長|館長|部長|センター長|担当|代理 )|代表取締役|代表理事|代表者|代表社員|代表役員"
    "|取締役社長|理事長|(?<=会社)代理(?=.)).*$"
)
_REPRESENTATIVE: Final = re.compile(
    "(?<=..)代表(?:者|構成員|企業|団体|会社|法人|[: ])[: )]*([^()]+)"
)
_COMPANY: Final = "(?:株式|有限|合同|合資|合名)会社"
_VENTURE: Final = re.compile(
    "(共同企業体|企業体|共同体|共同提案体|共同事業体|コンソーシアム|グループ体|(?<![a-z])jv(?![a-z]))"
    "|[他外](?: ?[0-9一二三四五六七八九]+)?(?:社(?!員)|者|名|団体)|ほか ?[0-9]+社"
)
_BEFORE_VENTURE: Final = (
    *("特定", "共同", "復旧", "復興", "経常", "地域", "建設", "工事", "業務", "設計", "・"),
)
_FORM_BEHIND: Final = re.compile(
    f"[ /|]{{1,3}}(?=(?:{_COMPANY}|医療法人|学校法人|社会福祉法人"
    "|(?:一般|公益)(?:社団|財団)法人)[^ ])"
)
_MEMBERS: Final = re.compile("[・,/+&]| と ")
_NEXT_MEMBER: Final = re.compile(
    # from the first mark of several, or the second of those that begin a name
    f"(?:(?<=[^・,/+& ])|(?<=^[・,/+& ]))[・,/+& ]++(?={_COMPANY})"
    f"|(?<={_COMPANY})[・,/+& ]*(?=.+{_COMPANY}$)"
)
_ASSOCIATION: Final = re.compile("(?:一般|公益|特定非営利|社会福祉|学校)")
_ADDITIONS: Final = (
    "[ (:/|]|会社.+会社|代理|代表|取締役|理事長|共同体|企業体|提案体|事業体|コンソーシアム|jv"
    "|[他外][0-9一二三四五六七八九]?[社者名]|ほか"
)
_ADDED: Final = re.compile(f"{_ADDITIONS}|屋号|[」』]$")
HINT: Final = re.compile(f"{_ADDITIONS}|{_BRANCH}|(?<![商書飯工茶百])店$|[」』]$")
"""A folded, spelled-out name without any of these, whose form is at an edge, equals its stem."""

HINT_FLAGS: Final = flags_of(" (:/|理表締体ソv他外ほ支所部店場本」』")
"""A character of each alternative of `HINT` but 会社.+会社, for a first look at all names."""


def hinted_rows(names: list[str]) -> list[int]:
    """Rows of the folded, spelled-out names whose stem may differ from their core."""
    hinted = HINT.search
    rows = set(_blocks.lines_with("\n".join(names), HINT_FLAGS))
    rows.update([row for row, name in enumerate(names) if name.count("会社") > 1])
    return [row for row in rows if hinted(names[row])]


_MIN_CHARS: Final = 2
_MAX_ADDITIONS: Final = 8
"""Additions of one name that are removed; more are no name, and cost seconds."""

_TRADE_NAME: Final = re.compile(
    r"(?<=..)[ ,(/]{0,3}(?:屋号|店舗名|店名|商号|通称|愛称|ブランド名?|サービス名)[ :・].*$"
    r"|(?<=..)[ ,(/]{1,3}(?:d\.?b\.?a\.?|d/b/a|t/a|trading as|a\.?k\.?a\.?|f/?k/?a|formerly)[ :].*$"
    r"|(?<=..) 旧 ?[^ ]{2,}$"
)
TRADE_WORD: Final = re.compile(
    r"屋号|店舗?名|商号|通称|愛称|ブランド|サービス名| 旧|d/?\.?b/?\.?a|t/a|trading"
    r"|a\.?k\.?a|f/?k/?a|formerly"
)
LTD: Final = tuple(
    form + dot
    for form in ("ltd", "limited", "inc", "corp", "corporation", "llc", "k.k")
    for dot in ("", ".")
)
_TRADE_NAME_FIRST: Final = re.compile("^(?:屋号|店舗名|店名|通称|愛称|ブランド名?)[ :・]{0,3}")
_BESIDE: Final = re.compile(r"([^()]+)\(([^()]+)\)?")
_SIDES_OF_SLASH: Final = re.compile("([^/|]{2,}?) ?[/|] ?([^/|]{2,})")
_QUOTED: Final = re.compile("(?<=..) ?[「『][^「」『』]*[」』]$")
_BEHIND_SLASH: Final = re.compile(" ?[/|] ?.{2,}$")
"""A trade name behind a slash; no registered name has a slash."""
_BODIES: Final = ("株式会社", "有限会社", "合同会社", "合資会社", "合名会社", "法人")
"""Behind these there may be a trade name."""
_WORD: Final = re.compile("[a-z]{2}")
_CO_LTD: Final = re.compile(
    r"(?<=[^ -~])(?:[ ,]{0,3}co\.?,? ?ltd\.?"
    r"|[ ,]{1,3}(?:ltd|limited|inc|corp|corporation|llc|k\.k)\.?"
    r"|[ /]{1,3}[a-z][ -~]*[ ,](?:ltd|limited|inc|corp|corporation|llc|k\.k)\.?)$"
)
"""The Latin name or form behind a Japanese one."""
_WEAK_FORM: Final = re.compile(r"(?<=[^ ,&])[ ,&]{1,3}comp\.?$|(?<= )([^ ]+) company$")
"""A form, or the last word of a name: Brother Company is one, and stays as it is."""
_SHOP_LAST: Final = (
    "店|クリニック|歯科|医院|薬局|食堂|こども園|保育所|学園|[^社大]学校|会館|旅館|ホテル|ホーム|サロン"
    "|カフェ|整骨院|接骨院|鍼灸院|美容室|美容院|治療院|デイサービス|ショップ|スタジオ|教室|苑|荘|の里|市場"
)
_SHOP_FIRST: Final = (
    "居酒屋|レストラン|カフェ|喫茶|焼肉|焼鳥|焼き鳥|やきとり|ラーメン|らーめん|寿司|鮨|すし|そば処|うどん"
    "|和食|割烹|料亭|酒場|炭火|炉端|食堂|ビストロ|バル|スナック|美容室|ヘアサロン|理容|ホテル|旅館|民宿"
    "|ペンション|ベーカリー|パン工房|洋菓子|和菓子|スーパー|ドラッグ|薬局|クリニック|デイサービス"
    "|グループホーム|特別養護老人ホーム|セブンイレブン|ファミリーマート|ローソン|エネオス"
)
_SHOP_NAME: Final = re.compile(
    f"[^ ]+(?:{_SHOP_LAST}|ベーカリー|ストア|モータース|サロン|スクール|塾|工房|商店|屋)"
)
_SHOP: Final = re.compile(f" (?=[^ -~])(?:[^ ]*(?:{_SHOP_LAST})|(?:{_SHOP_FIRST})[^ ]*)$")


def _first_member(name: str) -> str:
    """The first company of a joint venture; the name itself if it is none."""
    begin, said = _venture(name)
    # 一般社団法人こども未来コンソーシアム is one company, 丸尾建設・真組ＪＶ are two.
    if not said or _ASSOCIATION.match(name):
        return name
    members = [part.strip() for part in _MEMBERS.split(name[:begin])]
    several = len(members) > 1 or said[:1] in "他外ほ"
    return next((member for member in members if member), name) if several else name


def _venture(name: str) -> tuple[int, str]:
    """Where the words for a joint venture begin, and these; '' where there are none."""
    found = _VENTURE.search(name)
    if not found:
        return 0, ""
    begin = found.start()
    while found[1] and name.endswith(_BEFORE_VENTURE, 0, begin):
        begin -= 1 if name[begin - 1] == "・" else 2
    said = name[begin:]
    return begin - (begin > 0 and name[begin - 1] in " ("), said


def _without_additions(name: str) -> str:
    """The name without brackets at its edges and without the person who signed."""
    for _ in range(_MAX_ADDITIONS):
        before = name
        for addition in (_PERSON, _TRAILING_BRACKET, _LEADING_BRACKET):
            shorter = addition.sub("", name).strip()
            name = shorter if len(shorter) >= _MIN_CHARS and shorter not in CODE else name
        if name == before:
            break
    return name


def _without_placed_branch(name: str) -> str:
    """The name without a place and a branch word after it: 大阪支店, but not 自動車工場."""
    found = _BRANCH_TAIL.search(name)
    if found:
        for tail in (name[: found.start()], name[: name.rfind(found[0].lstrip(_SIDES))]):
            for length in range(_MAX_PLACE, 1, -1):
                if tail[-length:] in PLACE_WORDS and len(tail) - length >= _MIN_CHARS:
                    return tail[:-length]
    return name


def _is_office(word: str) -> bool:
    """Whether a word after a space is a department or a branch: 経理部, but not a Latin word."""
    return word.endswith(_OFFICE_WORDS) and not _LATIN_CHAR.match(word)


def _without_office(name: str) -> str:
    before, _, last = name.rpartition(" ")
    while len(before) >= _MIN_CHARS and _is_office(last):
        name = before
        before, _, last = name.rpartition(" ")
    return _without_placed_branch(_HEAD_OFFICE.sub("", name))


def _representative(name: str) -> str:
    """The representative company of a venture without a legal form; else the name itself."""
    found = _REPRESENTATIVE.search(name)
    if found and not cut(name[: found.start()].rstrip(" (")).form and cut(found[1].strip()).form:
        return found[1].strip()
    return name


def _company_beside(name: str) -> str:
    """The company where a trade name or a person is beside it; else the name itself.

    居酒屋まる(株式会社丸山), 居酒屋まる/株式会社丸山 and 居酒屋まる 株式会社丸山 are 株式会社丸山.
    """
    name = _without_labelled(name)
    outer, inner = _two_sides(name)
    if "(" not in name and inner and cut(outer).form and not cut(inner).form:
        return outer
    beside = outer.isascii() or not cut(outer).form
    return inner if inner and beside and cut(inner).form else name


def _without_labelled(name: str) -> str:
    """The name without a labelled or quoted trade name, a Latin twin and a shop behind it."""
    if TRADE_WORD.search(name):
        name = _TRADE_NAME_FIRST.sub("", _TRADE_NAME.sub("", name))
    if name[-1:] in "」』":
        name = _QUOTED.sub("", name)
    if " " in name:
        name = _company_last(name)
        if name.endswith(LTD) and cut(shorter := _CO_LTD.sub("", name)).form:
            name = shorter
        name = _without_shop(name)
    return name


def _two_sides(name: str) -> tuple[str, str]:
    """What is before and behind a bracket, a slash or a form; '' behind where there is none."""
    if "(" in name and (found := _BESIDE.fullmatch(name)):
        return found[1].strip(), found[2].strip()
    if found := _SIDES_OF_SLASH.fullmatch(name):
        return found[1].strip(), found[2].strip()
    if "/" in name or "|" in name or " " in name:
        body = max(map(name.rfind, _BODIES))
        found = _BEHIND_SLASH.search(name, max(body, 0))
        if found and begins_with_form(name[: found.start()]):
            return name[: found.start()], found[0].strip(" /|")
        return _split_before_form(name)
    return name, ""


def _company_last(name: str) -> str:
    """The company behind a shop and a space, whose form ends the name: わかば薬局 丸山株式会社."""
    shop, _, company = name.partition(" ")
    is_shop = _SHOP_NAME.fullmatch(shop) and " " not in company
    parts = cut(company)
    return company if is_shop and parts.form and len(parts.before) >= _MIN_CHARS else name


def _split_before_form(name: str) -> tuple[str, str]:
    """What is before and behind a slash or space that a leading form follows; '' for none."""
    found = _FORM_BEHIND.search(name)
    if (
        not found
        or found.start() < _MIN_CHARS
        or _BRANCH_TAIL.search(name)
        or _VENTURE.search(name)
    ):
        return name, ""
    return name[: found.start()], name[found.end() :]


def _without_shop(name: str) -> str:
    """The name without a shop, clinic or school of the body before it."""
    found = _SHOP.search(name)
    if found and cut(name[: found.start()]).form:
        return name[: found.start()]
    return name


def _without_beside(name: str) -> str:
    """The first company of a name, without what brackets, slashes or words set beside it."""
    if name.isascii():
        name = _WEAK_FORM.sub(r"\1", name)
    name = _without_additions(_first_member(_representative(_company_beside(name))))
    first = _NEXT_MEMBER.split(name, maxsplit=1)[0]
    return name if first in CODE else first


def stem_of(name: str) -> str:
    """The stem of a folded, spelled-out name, still with its spaces and punctuation.

    >>> stem_of("五洋建設株式会社大阪支店"), stem_of("株式会社アトックス 東海営業所")
    ('五洋建設', 'アトックス')
    >>> stem_of("丸尾建設株式会社・有限会社真組jv")
    '丸尾建設'
    """
    if _ADDED.search(name):
        name = _without_beside(name)
    parts = once(cut(name))
    is_number = parts.after.isascii() and not (name.isascii() and _WORD.search(parts.after))
    if parts.side != MIDDLE or len(parts.before) < _MIN_CHARS or is_number:
        # アスターアクイジション合同会社25 and 26 are two companies: a number is no addition.
        stem = _without_office(parts.before + parts.after)
        if stem != name and not parts.form:
            # 沖縄県農業協同組合与那国支店: the form is at an edge now.
            before, _, after = cut(stem)
            stem = before + after
        return stem
    return _without_office(parts.after if parts.before in PLACE_WORDS else parts.before)
