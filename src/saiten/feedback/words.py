"""The words of a feedback page, in each language it can be shown in.

In: a key and what stands in its gaps. Out: text. A language that is missing here shows the page's words in English.
"""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "feedback": "Feedback",
        "student": "Student",
        "language": "Language",
        "points_of": "{score} of {max} points",
        "so_far": "{score} of {max} points so far",
        "total": "Total",
        "by_tests": "by tests",
        "by_hand": "by hand",
        "extra": "extra credit",
        "penalty": "handed in late",
        "late_by": "Handed in {late} after the deadline: {points} points.",
        "late_free": "Handed in {late} after the deadline; it costs no points.",
        "waiting": "{count} of {all} questions still wait for a person.",
        "part_public": "Only the tests that you have as well were run for this page. There are others: the final mark "
        "may be different.",
        "part_questions": "Points of each question, hidden tests included; what those ask is not shown.",
        "part_total": "Your points for the whole assignment. Details come when your teachers release them.",
        "questions": "Questions",
        "passed": "full marks",
        "partial": "part of the points",
        "failed": "no points yet",
        "unanswered": "not answered",
        "needs_manual": "waits for a person",
        "marked": "marked by a person",
        "test": "Test {number}",
        "test_passed": "holds",
        "test_partial": "holds in part",
        "test_failed": "does not hold",
        "attached": "In pictures:",
        "next": "What to try next",
        "your_code": "Your code",
        "your_answer": "Your answer",
        "line_here": "it happened here",
        "comment": "Comment",
        "output": "What your notebook showed",
        "printed": "Printed output",
        "figure": "Figure {number} of {question}",
        "error_in_cell": "A cell of yours stopped with an error",
        "own_cells": "Your other cells",
        "rejected": "This could not be marked",
        "missing": "This notebook was not handed in.",
        "how_marked": "Your code ran in a sandbox of its own; the tests ran elsewhere and called it. Some of them are "
        "hidden: what they ask is not shown, only what they found.",
        "print": "Made by Saiten",
        "day": "{n} d",
        "hour": "{n} h",
        "minute": "{n} min",
        "cut": "… (cut)",
        "to_top": "Back to the questions",
    },
    "ja": {
        "feedback": "フィードバック",
        "student": "学生",
        "language": "表示する言語",
        "points_of": "{max} 点中 {score} 点",
        "so_far": "ここまで {max} 点中 {score} 点",
        "total": "合計",
        "by_tests": "自動採点",
        "by_hand": "人による採点",
        "extra": "加点",
        "penalty": "遅れによる減点",
        "late_by": "締め切りから {late} 遅れて提出されました: {points} 点",
        "late_free": "締め切りから {late} 遅れて提出されました。減点はありません。",
        "waiting": "{all} 問のうち {count} 問は、人が採点するのを待っています。",
        "part_public": "このページは、配布されたノートブックにあるテストだけの結果です。"
        "ほかにもテストがあるため、最終的な点数は変わることがあります。",
        "part_questions": "問題ごとの点数です。非公開テストの結果を含みますが、その内容は表示されません。",
        "part_total": "課題全体の点数です。詳しい結果は、教員が公開したときに表示されます。",
        "questions": "問題",
        "passed": "満点",
        "partial": "部分点",
        "failed": "まだ点がありません",
        "unanswered": "未解答",
        "needs_manual": "採点待ち",
        "marked": "人が採点しました",
        "test": "テスト {number}",
        "test_passed": "成功",
        "test_partial": "一部成功",
        "test_failed": "失敗",
        "attached": "画像で見ると:",
        "next": "次に試すこと",
        "your_code": "あなたのコード",
        "your_answer": "あなたの解答",
        "line_here": "ここで起こりました",
        "comment": "コメント",
        "output": "ノートブックの出力",
        "printed": "表示された文字",
        "figure": "{question} の図 {number}",
        "error_in_cell": "エラーで止まったセルがあります",
        "own_cells": "そのほかに書いたセル",
        "rejected": "採点できませんでした",
        "missing": "このノートブックは提出されていません。",
        "how_marked": "あなたのコードは専用のサンドボックスで動かし、テストは別の場所からそれを呼び出しました。"
        "テストの一部は非公開です。何を調べたかは見せず、分かったことだけを伝えます。",
        "print": "Saiten (採点) で作りました",
        "day": "{n} 日",
        "hour": "{n} 時間",
        "minute": "{n} 分",
        "cut": "… (以下略)",
        "to_top": "問題の一覧に戻る",
    },
}


def duration(language: str, seconds: float) -> str:
    """Say how long something took, to the minute, in at most two units."""
    minutes = max(1, round(seconds / 60))
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    words = WORDS.get(language, WORDS["en"])
    parts = [words[key].format(n=n) for key, n in (("day", days), ("hour", hours), ("minute", minutes)) if n]
    return " ".join(parts[:2])
