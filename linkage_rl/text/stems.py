"""Stems: a name without branch, person, project and bracketed additions.

A list names the branch that was paid, the person who signed or the joint venture that built; the
table names the company. A plain name is its own stem.
"""

import re
from typing import Final

from linkage_rl.text.legal_forms import MIDDLE, FormCut, cut
from linkage_rl.text.municipalities import PLACE_WORDS

_OFFICE: Final = (
    "支店|支社|支部|支所|支局|営業所|営業部|営業本部|出張所|事業所|事業部|事業本部|事業センター|事務所|本社|本店|本部|"
    "本所|工場|製造所|製作所|製油所|研究所|研究部|センター|オフィス|病院|診療所|カンパニー|統括部|統括支店|"
    "管理部|支援室|推進室|推進部|法人部|法人営業部|公共営業部|総務部|技術部|工事部|業務部|支援部|サービス部|"
    "ステーション|グループ|共同体|[都道府県]?本部"
)
# Words that are rarely a company's own last word, so a place before them is enough.
_BRANCH: Final = "支店|支社|営業所|出張所|営業部|営業本部|事業本部|本社|本店|支局|支所|統括支店|事業所|工場"
_BRANCH_TAIL: Final = re.compile(
    f"(?:[東西南北中]|中央|第?[0-9一二三四五])?(?:{_BRANCH})$"
)
_MAX_PLACE: Final = 5
_SPACED_OFFICE: Final = re.compile(f" (?=[^ -~])[^ ]*(?:{_OFFICE})$")
_TRAILING_BRACKET: Final = re.compile(r"\([^()]*(?:\([^()]*\)[^()]*)*\)?$")
_LEADING_BRACKET: Final = re.compile(r"^\([^()]*\) ?(?=.)")
_PERSON: Final = re.compile(
    "(?<=..)(?: (?:代表|理事長|取締役|社長|会長|支店長|支社長|所長|院長|学長|校長|学校長|組合長|総長|園長|館長"
    "|部長|センター長|担当)|代表取締役|代表理事|代表者|代表社員|代表役員|取締役社長|理事長).*$"
)
_VENTURE: Final = re.compile(
    "[ (]?(?:(?:特定|共同|復旧|復興|経常|地域|建設|工事|業務|設計|・)*(?:共同企業体|企業体|共同体|共同提案体"
    "|共同事業体|コンソーシアム|グループ体|(?<![a-z])jv(?![a-z]))"
    "|[他外](?: ?[0-9一二三四五六七八九]+)?(?:社|者|名|団体)|ほか ?[0-9]+社).*$"
)
_MEMBERS: Final = re.compile("[・、,/+]| と ")
_ASSOCIATION: Final = re.compile("(?:一般|公益|特定非営利|社会福祉|学校)")
HINT: Final = re.compile(
    f"[ (]|代表|取締役|理事長|共同体|企業体|提案体|事業体|コンソーシアム|jv|[他外][0-9一二三四五六七八九]?[社者名]|ほか|{_BRANCH}"
)
"""A folded, spelled-out name without any of these, whose form is at an edge, is its own stem."""

_MIN_CHARS: Final = 2


def _first_member(name: str) -> str:
    """The leading company of a joint venture; the name itself where it is none."""
    found = _VENTURE.search(name)
    # 一般社団法人こども未来コンソーシアム is one body, 丸尾建設・真組ＪＶ are two.
    if not found or _ASSOCIATION.match(name):
        return name
    members = [part.strip() for part in _MEMBERS.split(name[: found.start()])]
    several = len(members) > 1 or found[0].strip(" (")[:1] in "他外ほ"
    return next((member for member in members if member), name) if several else name


def _without_additions(name: str) -> str:
    """The name without brackets at its edges and without the person who signed."""
    before = None
    while name != before:
        before = name
        for addition in (_PERSON, _TRAILING_BRACKET, _LEADING_BRACKET):
            shorter = addition.sub("", name).strip()
            name = shorter if len(shorter) >= _MIN_CHARS else name
    return name


def _without_placed_branch(name: str) -> str:
    """The name without a place and the kind of branch after it: 大阪支店, but not 自動車工場."""
    found = _BRANCH_TAIL.search(name)
    if found:
        for tail in (name[: found.start()], name[: name.rfind(found[0][-2:])]):
            for length in range(_MAX_PLACE, 1, -1):
                if tail[-length:] in PLACE_WORDS and len(tail) - length >= _MIN_CHARS:
                    return tail[:-length]
    return name


def _without_office(name: str) -> str:
    while (found := _SPACED_OFFICE.search(name)) and found.start() >= _MIN_CHARS:
        name = name[: found.start()]
    return _without_placed_branch(name)


def stem_of(name: str) -> str:
    """The stem of a folded, spelled-out name, still with its spaces and punctuation.

    >>> stem_of("五洋建設株式会社大阪支店"), stem_of("株式会社アトックス 東海営業所")
    ('五洋建設', 'アトックス')
    """
    parts: FormCut = cut(_without_additions(_first_member(name)))
    # アスターアクイジション合同会社25 and 26 are two companies: a number is no addition.
    if parts.side == MIDDLE and len(parts.before) >= _MIN_CHARS and not parts.after.isascii():
        return _without_office(parts.before)
    return _without_office(parts.before + parts.after)
