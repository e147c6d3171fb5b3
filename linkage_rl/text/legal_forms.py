"""Legal forms (株式会社, Co., Ltd.): found in any spelling, and cut from the name.

The table of forms is in `form_names`, forms of other countries are in `further_forms`.
"""

import re
from typing import Final

from linkage_rl.text.form_names import (
    ALIASES,
    CODE,
    FORMS,
    KIND_OF_FORM,
    KINDS,
    LEADING,
    LEGAL_FORMS,
    MIDDLE,
    NO_SIDE,
    TRAILING,
    FormCut,
)
from linkage_rl.text.further_forms import cut_further, cut_latin, join_latin_and

__all__ = [
    "CODE",
    "KINDS",
    "KIND_OF_FORM",
    "LEADING",
    "LEADING_EDGES",
    "LEGAL_FORMS",
    "MIDDLE",
    "NO_SIDE",
    "TRAILING",
    "USUAL_FORMS",
    "FormCut",
    "begins_with_form",
    "cut",
    "cut_common",
    "cut_kana",
    "is_respelled",
    "join_latin_and",
    "once",
    "spell_out",
]

# Four characters at either edge of a name narrow down the spellings that it may begin or end with.
_EDGE: Final = 4
_SPELLED: Final = {form: form for form in LEGAL_FORMS} | ALIASES


def _by_edge(edge: slice) -> dict[str, list[tuple[str, str]]]:
    spelled: dict[str, list[tuple[str, str]]] = {}
    for spelling in sorted(_SPELLED, key=len, reverse=True):
        spelled.setdefault(spelling[edge], []).append((spelling, _SPELLED[spelling]))
    return spelled


LEADING_EDGES: Final = _by_edge(slice(None, _EDGE))
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

_BRACKETED: Final = {short: form.name for form in FORMS for short in form.short.split()} | _SPELLED
_SHORT: Final = "|".join(sorted(map(re.escape, _BRACKETED), key=len, reverse=True))
# Each expression begins with one fixed character, so that the scan skips all others.
_IN_BRACKETS: Final = re.compile(rf"\( ?(?:({_SHORT}) ?\)|({_SHORT})$)", re.MULTILINE)
_CLOSED_FIRST: Final = re.compile(rf"\n({_SHORT}) ?\)")
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
    if "(" in block:
        block = _IN_BRACKETS.sub(lambda found: _BRACKETED[found[found.lastindex or 0]], block)
    if ")" in block:
        block = _CLOSED_FIRST.sub(lambda found: "\n" + _BRACKETED[found[1]], "\n" + block)[1:]
    if "医療法人" in block:
        block = _MEDICAL.sub(r"医療法人\1", block)
    return block


def _common(edge: dict[str, list[tuple[str, str]]]) -> dict[str, tuple[int, frozenset[str]]]:
    """The company forms of four characters: code, and characters that make another form."""
    common = {}
    for form in ("株式会社", "有限会社", "合同会社"):
        longer = frozenset(spelling[-_EDGE - 1] for spelling, _ in edge[form] if spelling != form)
        common[form] = CODE[form], longer
    return common


_EARLIER_FORMS: Final = ("農業生産法人", "農業法人", "農地所有適格法人")
"""Said before a name that keeps its registered form behind: 農業法人練農株式会社."""
_COMMON_LEADING: Final = {form: code for form, (code, _) in _common(LEADING_EDGES).items()}
_COMMON_TRAILING: Final = _common(_TRAILING)
USUAL_FORMS: Final = tuple(
    (form, short, *_COMMON_TRAILING[form])
    for form, short in (("株式会社", "株"), ("有限会社", "有"), ("合同会社", "同"))
)
"""The forms of `cut_common`: spelling, what stands for it in brackets, code, and the characters
before it that make another form at the end of a name."""


def cut_common(name: str) -> tuple[str, int, int]:
    """Body, code and side of a name with one of the usual company forms at one edge.

    Most names are of this kind, and a full `cut` takes several times as long. The code is 0 for
    every other name, which `cut` has to read.

    >>> cut_common("株式会社山田"), cut_common("山田有限会社"), cut_common("株式会社山田有限会社")
    (('山田', 1, 1), ('山田', 2, 2), ('', 0, 0))
    """
    head = name[:_EDGE]
    if code := _COMMON_LEADING.get(head):
        body = name[_EDGE:].lstrip()
        if body and "会社" not in body and body[:_EDGE] not in LEADING_EDGES:
            return body, code, LEADING
    elif head not in LEADING_EDGES and (common := _COMMON_TRAILING.get(name[-_EDGE:])):
        code, longer = common
        body = name[:-_EDGE].rstrip()
        if body and "会社" not in body and body[-1] not in longer:
            return body, code, TRAILING
    return "", 0, NO_SIDE


def _cut_leading(name: str) -> FormCut | None:
    form, body = "", name
    # 農業生産法人有限会社X: it is registered under the later form.
    while spellings := LEADING_EDGES.get(body[:_EDGE]):
        for spelling, canonical in spellings:
            if body.startswith(spelling) and len(body) > len(spelling):
                form, body = canonical, body[len(spelling) :].lstrip()
                break
        else:
            break
    if form in _EARLIER_FORMS and (later := _cut_trailing(body)):
        return FormCut("", later.form, later.before)
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


def begins_with_form(name: str) -> bool:
    """Whether a folded, spelled-out name begins with a legal form that more text follows."""
    return bool(LEADING_EDGES.get(name[:_EDGE])) and _cut_leading(name) is not None


def is_respelled(name: str) -> bool:
    """Whether a name with a form is to be written with the long form of `LEGAL_FORMS`.

    特定非営利活動法人NPO丸山 and 農業法人丸山株式会社 are registered so, and stay as they are.
    """
    earlier = name.startswith(_EARLIER_FORMS) and name.endswith("会社")
    return not earlier and not name.startswith("特定非営利活動法人npo")


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
    if LEADING_EDGES.get(name[:_EDGE]) and (found := _cut_leading(name)):
        return found
    if _TRAILING.get(name[-_EDGE:]) and (found := _cut_trailing(name)):
        return found
    return _cut_inside(name) or _cut_without_japanese_form(name) or FormCut(name, 0, "")


def _cut_without_japanese_form(name: str) -> FormCut | None:
    return (cut_latin(name) or cut_further(name)) if name else None


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
