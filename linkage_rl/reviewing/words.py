"""The words of the page in English and Japanese, and which of the two a browser asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from linkage_rl.reviewing.phrases import in_japanese

ENGLISH: Final[Mapping[str, str]] = {
    "title": "Review of linked clients",
    "queues": "Queues",
    "decisions": "Decisions",
    "list": "Finished list",
    "other_language": "日本語",
    "keys_off": "Keys off",
    "keys_on": "Keys on",
    "log_in": "Log in",
    "log_out": "Log out",
    "token": "Token",
    "your_name": "Your name",
    "name_hint": "It is kept with your answers.",
    "wrong_token": "That is not the token. It is printed when the page is started.",
    "wrong_name": "A name needs 1 to 100 characters that can be seen.",
    "client": "Client",
    "others": "Other columns of the client",
    "candidates": "Best candidates",
    "no_candidates": "No candidate was found.",
    "decided_link": "Linked with {number}",
    "decided_other": "Linked with {company}",
    "decided_no_match": "No company (no match)",
    "decided_review": "Left to a person",
    "confidence": "Confidence",
    "thresholds": "linked from {link} on, left to a person from {review} on",
    "threshold": "linked from {link} on",
    "share": "Share",
    "no_match": "No match",
    "why": "Why",
    "missing": "Missing fields",
    "has": "has it",
    "lacks": "lacks it",
    "accept": "Right",
    "accept_first": "It is 1",
    "reject": "Wrong, right one unknown",
    "none": "No company",
    "unsure": "Unsure",
    "undo": "Undo",
    "pick": "This one",
    "search": "Search another company",
    "search_hint": "Name, phone, corporate number or company id",
    "search_button": "Search",
    "search_none": "No company was found.",
    "search_off": "Searching needs database=, the company table.",
    "closed": "closed {date}",
    "gone": "no longer in the table",
    "company_unknown": "Fields need database=, the company table.",
    "hashes_only": "This log keeps hashes only; look the client up by its hash.",
    "progress": "{answered} of {questions} answered",
    "progress_goal": "{answered} of about {total} clicks to certify {goal}",
    "progress_gate": "{answered} of about {total} answers to decide on the new bundle",
    "certified": "Certified: at least {goal} of the links are right",
    "refuted": "Refuted: fewer than {goal} of the links are right",
    "promoted": "The new bundle is better: promoted",
    "kept": "The new bundle is not better: the old one is kept",
    "bound": "at least {bound} right so far",
    "done": "Nothing is left to answer here",
    "done_hint": "Other reviewers may still hold a few clients.",
    "no_queue": "There is no queue yet.",
    "back": "Back",
    "open": "Open",
    "new_queue": "New queue",
    "kind": "Kind",
    "kind_stratified": "Stratified sample",
    "kind_review": "All clients left to a person",
    "kind_disagreement": "Two bundles disagree",
    "kind_audit": "Audit of the links",
    "customer": "Customer",
    "list_id": "List",
    "size": "Clients",
    "goal": "Precision to certify",
    "create": "Create",
    "taken": "That client was answered already; here is the next one.",
    "undone": "Your last answer is taken back.",
    "nothing_to_undo": "There is no answer of yours to take back.",
    "saved": "Saved: {answer}",
    "failed": "That did not work",
    "read_only": "Read-only",
    "next": "Next",
    "filter": "Filter",
    "client_id": "Client id",
    "action": "Decision",
    "any": "Any",
    "action_link": "Link",
    "action_no_match": "No match",
    "action_review": "Review",
    "time": "Time",
    "company": "Company",
    "verdicts": "Verdicts",
    "no_decisions": "No decision was found.",
    "more_characters": "{count} more characters",
    "answer_accept": "right",
    "answer_reject": "wrong",
    "answer_company": "company {company}",
    "answer_none": "no company",
    "answer_unsure": "unsure",
    "answer_withdrawn": "taken back",
    "weight": "Weight",
    "weight_hint": "Above 0 speaks for candidate 1, below 0 against it.",
    "field_name": "Name",
    "field_legal_form": "Legal form",
    "field_name_kana": "Reading",
    "field_name_en": "Latin name",
    "field_address": "Address",
    "field_postal_code": "Postal code",
    "field_phone": "Phone",
    "field_url": "Web",
    "field_corporate_number": "Corporate number",
    "field_former_names": "Former names",
    "field_trade_names": "Trade names",
    "space": "space",
}

JAPANESE: Final[Mapping[str, str]] = {
    "title": "名寄せ結果の確認",
    "queues": "確認リスト",
    "decisions": "判定一覧",
    "list": "名寄せ済みリスト",
    "other_language": "English",
    "keys_off": "キー操作を無効にする",
    "keys_on": "キー操作を有効にする",
    "log_in": "ログイン",
    "log_out": "ログアウト",
    "token": "トークン",
    "your_name": "お名前",
    "name_hint": "回答とともに記録されます。",
    "wrong_token": "トークンが違います。起動時に表示されたものを入力してください。",
    "wrong_name": "名前は 1~100 文字の見える文字で入力してください。",
    "client": "顧客データ",
    "others": "顧客データのその他の列",
    "candidates": "候補企業",
    "no_candidates": "候補は見つかりませんでした。",
    "decided_link": "候補 {number} に紐付け",
    "decided_other": "{company} に紐付け",
    "decided_no_match": "該当企業なし",
    "decided_review": "人による確認待ち",
    "confidence": "信頼度",
    "thresholds": "{link} 以上で紐付け、{review} 以上で人による確認",
    "threshold": "{link} 以上で紐付け",
    "share": "割合",
    "no_match": "該当なし",
    "why": "判定の理由",
    "missing": "欠けている項目",
    "has": "あり",
    "lacks": "なし",
    "accept": "正しい",
    "accept_first": "候補 1 が正しい",
    "reject": "誤り(正解は不明)",
    "none": "該当企業なし",
    "unsure": "わからない",
    "undo": "元に戻す",
    "pick": "この企業",
    "search": "ほかの企業を検索",
    "search_hint": "企業名・電話番号・法人番号・企業 ID",
    "search_button": "検索",
    "search_none": "企業が見つかりません。",
    "search_off": "検索には企業テーブル(database=)が必要です。",
    "closed": "{date} 閉鎖",
    "gone": "テーブルにありません",
    "company_unknown": "項目の表示には企業テーブル(database=)が必要です。",
    "hashes_only": "このログはハッシュのみを保存しています。ハッシュで顧客を照会してください。",
    "progress": "{questions} 件中 {answered} 件回答済み",
    "progress_goal": "{goal} の認定まで約 {total} 件中 {answered} 件",
    "progress_gate": "新しいモデルの採否まで約 {total} 件中 {answered} 件",
    "certified": "認定:紐付けの {goal} 以上が正しい",
    "refuted": "否認:正しい紐付けは {goal} 未満",
    "promoted": "新しいモデルのほうが良いため採用しました",
    "kept": "新しいモデルは良くないため、従来のものを使います",
    "bound": "これまでのところ {bound} 以上が正しい",
    "done": "ここに残っている質問はありません",
    "done_hint": "ほかの担当者が確認中のものがあるかもしれません。",
    "no_queue": "確認リストはまだありません。",
    "back": "戻る",
    "open": "開く",
    "new_queue": "新しい確認リスト",
    "kind": "種類",
    "kind_stratified": "層別抽出",
    "kind_review": "人による確認待ちすべて",
    "kind_disagreement": "二つのモデルの不一致",
    "kind_audit": "紐付けの監査",
    "customer": "取引先",
    "list_id": "リスト",
    "size": "件数",
    "goal": "認定する適合率",
    "create": "作成",
    "taken": "その顧客にはすでに回答があります。次の質問です。",
    "undone": "直前の回答を取り消しました。",
    "nothing_to_undo": "取り消せる回答がありません。",
    "saved": "保存しました:{answer}",
    "failed": "処理できませんでした",
    "read_only": "閲覧のみ",
    "next": "次へ",
    "filter": "絞り込み",
    "client_id": "顧客 ID",
    "action": "判定",
    "any": "すべて",
    "action_link": "紐付け",
    "action_no_match": "該当なし",
    "action_review": "確認待ち",
    "time": "日時",
    "company": "企業",
    "verdicts": "回答",
    "no_decisions": "判定が見つかりません。",
    "more_characters": "ほか {count} 文字",
    "answer_accept": "正しい",
    "answer_reject": "誤り",
    "answer_company": "企業 {company}",
    "answer_none": "該当企業なし",
    "answer_unsure": "わからない",
    "answer_withdrawn": "取り消し",
    "weight": "重み",
    "weight_hint": "正の値は候補 1 を支持し、負の値は反対します。",
    "field_name": "名称",
    "field_legal_form": "法人格",
    "field_name_kana": "フリガナ",
    "field_name_en": "英語名",
    "field_address": "所在地",
    "field_postal_code": "郵便番号",
    "field_phone": "電話番号",
    "field_url": "ウェブ",
    "field_corporate_number": "法人番号",
    "field_former_names": "旧称",
    "field_trade_names": "屋号",
    "space": "スペース",
}

_LANGUAGES: Final = {"en": ENGLISH, "ja": JAPANESE}


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    language: str
    """'en' or 'ja'."""

    def __call__(self, key: str, **values: object) -> str:
        """A text of the page, with its blanks filled in."""
        return _LANGUAGES[self.language][key].format(**values)

    @property
    def other(self) -> str:
        """The other language."""
        return "en" if self.language == "ja" else "ja"

    def reason(self, text: str) -> str:
        """A reason or an agreement of the library, which writes them in English."""
        return in_japanese(text) if self.language == "ja" else text


def language_of(chosen: str, accepted: str) -> str:
    """The language of a page: the one chosen, else the first that the browser accepts.

    Args:
        chosen: 'en', 'ja', or anything else where none was chosen.
        accepted: Header Accept-Language.

    >>> language_of("", "fr;q=0.9, ja-JP;q=0.8, en;q=0.5")
    'ja'
    """
    if chosen in _LANGUAGES:
        return chosen
    weighted = []
    for place, part in enumerate(accepted.split(",")[:50]):
        name, _, options = part.strip().partition(";")
        weight = options.strip().removeprefix("q=")
        language = name.strip().lower().partition("-")[0]
        if language in _LANGUAGES:
            weighted.append((-_number(weight), place, language))
    return min(weighted)[2] if weighted else "en"


def _number(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
