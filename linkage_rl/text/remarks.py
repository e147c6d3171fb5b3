"""What lists write beside a name in its cell: numbers, codes, remarks, former names, escapes.

Numbers are dropped only where a separator or a legal form shows that they are no part of the name:
12)株式会社丸山 is 丸山, but 3M株式会社 and 21世紀財団 stay as they are.
"""

import html
import re
from typing import Final

from linkage_rl.text import _blocks
from linkage_rl.text.code_tables import flags_of
from linkage_rl.text.legal_forms import CODE, begins_with_form, cut
from linkage_rl.text.normalise import split

_ENTITY: Final = re.compile(
    "&(?:amp;)*(?:(?:amp|quot|apos|lt|gt|nbsp|copy|reg);|#(?:[0-9]{1,6}|x[0-9a-fA-F]{1,5});)"
)
_EXCEL_ESCAPE: Final = re.compile("_x[0-9A-Fa-f]{4}_")
_BACKSLASH: Final = re.compile(r"\\[nrt](?![a-z])")
_TAG: Final = re.compile("<(?:/?(?:br|p|b|i|span|div|td)[^<>\n]{0,50})>", re.IGNORECASE)


def _unescaped(found: re.Match[str]) -> str:
    text = found[0]
    while (shorter := html.unescape(text)) != text:
        text = shorter
    return " " if text.isspace() else text


def without_escapes(block: str) -> str:
    r"""A block as typed, without the escapes and tags of the program that wrote it.

    >>> without_escapes("丸山&amp;フーズ_x000D_\n&quot;山田&quot;")
    '丸山&フーズ \n"山田"'
    """
    if "&" in block and ";" in block:
        block = _ENTITY.sub(_unescaped, block)
    if "_x" in block:
        block = _EXCEL_ESCAPE.sub(" ", block)
    if "\\" in block:
        block = _BACKSLASH.sub(" ", block)
    return _TAG.sub(" ", block) if "<" in block else block


LOST: Final = "〓"
"""Stands for one character that could not be written; kept in the core of a name."""
_LETTER: Final = "[一-龠々ぁ-ゖァ-ヺーa-z]"
_LOST: Final = re.compile(
    f"(?<={_LETTER})[?〓■□●�](?={_LETTER})|(?<={_LETTER})[〓■□●�]$|(?<=[社人)])[〓■□●�](?={_LETTER})"
)
_LOST_AT_EDGE: Final = re.compile(f"(?<!{_LETTER})(?<![)])[〓�]")
LOST_FLAGS: Final = flags_of("?〓■□●�")


def mark_lost(lines: list[str], block: str) -> list[str]:
    r"""The folded lines of a block with `LOST` for each character that could not be written.

    Not before the whole name, where a mark is decoration. No registered name has one.

    >>> mark_lost(["株式会社?花製作所", "●株式会社丸山"], "株式会社?花製作所\\n●株式会社丸山")
    ['株式会社〓花製作所', '●株式会社丸山']
    """
    for row in _blocks.lines_with(block, LOST_FLAGS):
        lines[row] = _LOST_AT_EDGE.sub("", _LOST.sub(LOST, lines[row]))
    return lines


_MARKS: Final = "-.,・*~:;/_+=>※●■◆★☆○◎□◇△▲▽▼♪→⇒➡←⇐"
REMARK_FLAGS: Final = flags_of("※←→⇐⇒➡旧休停止確廃倒散閉算破複削済約移御様殿宛改)")
FIRST_FLAGS: Final = flags_of("0123456789#(×✕✖顧取会管整仕得番コ" + _MARKS)

_LEADING_MARKS: Final = re.compile(f"^[{re.escape(_MARKS)} ]+(?=.)")
_STATE: Final = (
    "休眠(?:中|会社)?|休業中?|取引(?:停止|中止|終了|休止)(?:中|先)?|要確認|確認(?:中|済み?)"
    "|廃業(?:済み?)?"
    "|倒産|解散(?:済み?)?|閉鎖(?:済み?)?|清算(?:中|済み?)|破産(?:手続中)?|重複|削除(?:予定|済み?)?"
    "|(?:登録|支払|送付|連絡|対応|処理|入力)?済み?|解約(?:済み?)?|移転(?:済み?)?"
    "|使用(?:不可|禁止|停止)|発注停止|出荷停止"
)
_NUMBER: Final = r"[0-9]{1,12}(?:[-.][0-9]{1,12}){0,4}"
_NO: Final = (
    "(?:no[.: ]? ?|# ?|(?:id|code|コード|番号"
    "|(?:顧客|取引先|会員|管理|整理|仕入先|得意先)(?:番号|コード|no)?)[.:]? ?[a-z]?-?)"
)
_LIST_NUMBER: Final = re.compile(
    rf"^(?:{_NO}?{_NUMBER} ?(?:[):;|_] ?|, ?(?![0-9])|[.] (?![0-9])|[.](?![ a-z0-9]))"
    r"|\([0-9]{1,5}\) ?)"
    rf"(?=[^ ]*[^ 0-9])|^# ?{_NUMBER} +(?=.)"
)
_BEFORE_FORM: Final = re.compile(
    rf"^(?:{_NO}?{_NUMBER}[ _:-]{{1,3}}|{_NO}{_NUMBER} ?"
    rf"|[a-z]{{1,4}}-?[0-9]{{2,}}(?:-[0-9]+){{0,4}}[ _:]{{1,3}}|(?:{_STATE}) )(?=.)"
)
_CODE_BEFORE: Final = re.compile(
    f"^(?:[0-9]{{2,}}-[0-9]{{2,}}|0[0-9]{{2,}}|[a-z]{{1,3}}-[0-9]{{3,}}|{_NO}[0-9]{{1,12}})"
    "[ _:]{1,3}(?=.)"
    "|^[0-9]{1,6}[ _]+(?=[^ -~])"
)
"""Codes that are dropped where the rest has a form."""
_LEADING_STATE: Final = re.compile(
    rf"^(?:\((?:{_STATE}|新規?|仮|休|止)\)|(?:{_STATE}|新規?|仮|未|休|止|ok|ng)[):]"
    rf"|※(?:{_STATE}) |[×✕✖]) ?(?=.)"
)
_AFTER_NAME: Final = re.compile("(?<=..) ?(?:※|[←⇐]).*$")
_RENAMED: Final = re.compile("(?<=..) ?(?:[→⇒➡]|改め) ?(?=..)")
_FORMER: Final = re.compile(
    r"(?<=..)[ ,;/(・-]{0,3}旧(?:(?:会社|社|商)?(?:名称|名|号)|称|社)? ?[:・=].*$"
    r"|(?<=..)[ ,;/(・-]{0,3}旧(?:会社名|社名|商号|名称).*$"
)
_TRAILING_STATE: Final = re.compile(rf"(?<=..)(?:[ /:-]{{1,3}}(?:{_STATE})| ?\((?:{_STATE})\)?)$")
_DEPARTMENT: Final = (
    "(?:総務|経理|営業|人事|財務|購買|調達|資材|管理|企画|業務|広報|法務|情報システム|経営企画|製造"
    "|技術|開発|会計|庶務|物流)(?:本部|部|課|室|係|グループ)?"
)
_ADDRESSED: Final = re.compile(
    f"(?<=..)(?:(?: ?{_DEPARTMENT}){{0,3}} ?御中|(?: (?:ご担当者?)?様)|(?<=会社)様|(?<=法人)様| 殿"
    "| ご担当者?[ :]?[^ ]{1,8} ?様| (?:[^ ]+(?:部|課|室|係) )?[^ ]{2,8} ?様)$"
)
_MIN_CHARS: Final = 2
_MAX_STEPS: Final = 5


def clean_lines(block: str, count: int) -> list[str]:
    r"""The N folded, spelled-out names of a block without the numbers and remarks beside them.

    >>> clean_lines("12)株式会社丸山\n3m株式会社\n株式会社丸山 ※休眠\n済)丸山", 4)
    ['株式会社丸山', '3m株式会社', '株式会社丸山', '丸山']
    """
    lines = mark_lost(split(block, count), block)
    for row in _blocks.flagged_lines(block, REMARK_FLAGS, FIRST_FLAGS):
        lines[row] = _clean(lines[row])
    return lines


def _clean(line: str) -> str:
    for _ in range(_MAX_STEPS):
        shorter = _without_one(line)
        if shorter == line:
            break
        line = shorter
    return line


def _without_one(line: str) -> str:
    """The line without one of its additions; itself where nothing would be left of it."""
    for shorter in (_without_leading(line), _without_trailing(line)):
        if shorter != line and len(shorter) >= _MIN_CHARS and shorter not in CODE:
            return shorter
    return line


def _without_leading(line: str) -> str:
    for pattern in (_LEADING_STATE, _LIST_NUMBER):
        if found := pattern.match(line):
            return _rest_with_letters(line, found.end())
    if (found := _BEFORE_FORM.match(line)) and begins_with_form(line[found.end() :]):
        return line[found.end() :]
    if (found := _CODE_BEFORE.match(line)) and cut(line[found.end() :]).form:
        return line[found.end() :]
    # Marks are dropped from the core in any case: here they only hide the form behind them.
    if (found := _LEADING_MARKS.match(line)) and begins_with_form(line[found.end() :]):
        return line[found.end() :]
    return line


def _rest_with_letters(line: str, start: int) -> str:
    rest = line[start:].lstrip()
    return rest if any(char.isalpha() for char in rest) else line


def _without_trailing(line: str) -> str:
    if found := _RENAMED.search(line):
        before, after = line[: found.start()], line[found.end() :]
        if len(after) >= _MIN_CHARS and (cut(after).form or not cut(before).form):
            return after
        return before
    for pattern in (_FORMER, _AFTER_NAME, _TRAILING_STATE, _ADDRESSED):
        if found := pattern.search(line):
            return line[: found.start()].rstrip()
    return line
