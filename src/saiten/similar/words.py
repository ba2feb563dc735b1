"""The words of the pages about similar work, in each language they can be shown in.

In: nothing. Out: language code to key to text. They say what was counted, and never that somebody has copied.
"""

from __future__ import annotations

from saiten.pages import Words

WORDS: Words = {
    "en": {
        "language": "Language",
        "similar": "Similar work, for staff",
        "caution_title": "This is no proof",
        "caution": "The pages show where two submissions are more alike than the class and the released notebook "
        "explain. They do not say why, nor who had it first. Students who learn together, ask the same person or "
        "follow the same page of a book write alike, too. Read both sides yourself before you do anything.",
        "talk": "If it still looks odd, talk with each student alone: ask how the answer came about, why this way, "
        "what would happen if a line were changed. Listen first, accuse nobody, and do not show one student's work to "
        "another. What follows is for a person to decide, by the rules of your school, never for a number.",
        "overview": "Overview",
        "compared": "Compared",
        "earlier": "Of earlier years",
        "possible": "Pairs",
        "reported": "To look at",
        "left_out_count": "Not compared, or in part",
        "pairs": "Pairs, the most alike first",
        "pairs_said": "Whole work: of the smaller submission's text that is its own, the part that the other has, too; "
        "less where more students have it. Reported from {whole} % of the whole work, or {part} % of one question. "
        "Names, comments, white space and order do not count.",
        "only_top": "The first {shown} of {all} pairs are shown; saiten similar --top {all} shows all of them.",
        "rank": "No.",
        "students": "Students",
        "whole": "Whole work",
        "question": "Most alike",
        "alike": "of it",
        "csv": "as CSV",
        "filter": "Show only rows with",
        "nobody": "No pair is more alike than the class explains.",
        "groups": "Groups",
        "groups_said": "Students who are connected by such pairs, directly or by way of others.",
        "group": "{n} students",
        "distribution": "Distribution",
        "distribution_said": "All compared pairs by how alike their whole work is. The bars grow with the logarithm.",
        "pairs_in": "pairs: {n}",
        "left_out": "Not compared, or not whole",
        "own_cells": "The student's own code cells",
        "back": "All pairs",
        "previous": "Previous pair",
        "next": "Next pair",
        "pair_said": "Common passages are marked and carry the same number on both sides, wherever they stand. Lines "
        "of the released notebook are not marked.",
        "rest": "Nothing that counts in common in the other questions: {names}.",
        "year": "earlier year {year}",
        "passage": "Common passage {numbers}:",
        "made": "Made by Saiten",
    },
    "ja": {
        "language": "表示する言語",
        "similar": "似た提出物 (教員用)",
        "caution_title": "これは証拠ではありません",
        "caution": "二つの提出物が、クラス全体や配布ノートブックからは説明できないほど似ている所を示しています。"
        "似ている理由も、どちらが先に書いたかも分かりません。いっしょに勉強した、同じ人に尋ねた、同じ本の同じページを見た、"
        "という場合も似ます。何かをする前に、両方を自分の目で読んでください。",
        "talk": "それでも気になるときは、学生一人ずつと話してください。どう考えて書いたか、なぜこの書き方か、"
        "この行を変えるとどうなるかを尋ね、まず話を聞きます。決めつけず、ほかの学生の答案は見せないでください。"
        "判断するのは数字ではなく人で、学校の決まりに従って行います。",
        "overview": "概要",
        "compared": "比べた提出物",
        "earlier": "うち以前の年度",
        "possible": "組の数",
        "reported": "確かめる組",
        "left_out_count": "比べられず (一部も)",
        "pairs": "似ている組 (似ている順)",
        "pairs_said": "「全体」は、小さいほうの提出物にある自分で書いた部分のうち、もう一方にもある割合です。"
        "多くの学生に共通な部分ほど軽く数えます。全体の {whole} % 以上、または一つの問題の {part} % 以上の組を"
        "載せています。変数名、コメント、空白、順序は数えません。",
        "only_top": "{all} 組のうち {shown} 組を載せています。全部を見るには saiten similar --top {all} とします。",
        "rank": "番号",
        "students": "学生",
        "whole": "全体",
        "question": "いちばん似た問題",
        "alike": "その割合",
        "csv": "CSV",
        "filter": "次を含む行だけ",
        "nobody": "クラスから説明できないほど似た組はありません。",
        "groups": "まとまり",
        "groups_said": "上の組で、直接に、またはほかの人を通してつながる学生です。",
        "group": "{n} 人",
        "distribution": "分布",
        "distribution_said": "比べたすべての組を、全体の割合で数えたものです。棒の長さは対数です。",
        "pairs_in": "{n} 組",
        "left_out": "比べられなかったもの (一部を含む)",
        "own_cells": "学生が足したコードセル",
        "back": "組の一覧",
        "previous": "前の組",
        "next": "次の組",
        "pair_said": "共通な所に印を付けました。離れた場所にあっても、左右で同じ番号です。"
        "配布ノートブックにある行には印を付けません。",
        "rest": "ほかの問題には、数えるべき共通な所がありません: {names}。",
        "year": "以前の年度 {year}",
        "passage": "共通な所 {numbers}:",
        "made": "Saiten (採点) で作りました",
    },
}
