"""What became of a piece of work, in the reader's language; names, and what a command printed, are left as they are.

In: the message of a `Job`, in English. Out: the same in another language.
"""

from __future__ import annotations

import re

from saiten.feedback.messages import Tables, in_language, table

_TABLES: Tables = {
    "ja": table(
        (
            (r"^Students can fetch it now\.$", "学生が取得できるようになりました。"),
            (r"^(\d+) marked$", r"採点した提出: \1 件"),
            (r"^(\d+) cannot be read$", r"読めない提出: \1 件"),
            (r"^(\d+) could not be marked: see the log$", r"採点できなかった提出: \1 件(記録を見てください)"),
            (r"^(\d+) replaced by newer ones meanwhile$", r"その間に新しい提出に替わったもの: \1 件"),
            (r"^(\d+) of (\d+) were marked; they stay\.$", r"\2 件中 \1 件を採点しました。結果は残ります。"),
            (
                r"^(\d+) students can fetch and read their feedback\.$",
                r"\1 人がフィードバックを取得し、読めるようになりました。",
            ),
            (r"^(\d+) are not marked as they are now: (.*)\.$", r"今の提出がまだ採点されていない学生: \1 人(\2)"),
            (r"^Mark again what changed\.$", "「変わった分を採点する」を実行してください。"),
            (
                r"^A fault of Saiten's \((.*)\); the service's log has the details\.$",
                r"Saiten の不具合です(\1)。詳しくはサービスのログを見てください。",
            ),
        ),
        re.MULTILINE,
    )
}


def outcome_in(message: str, language: str) -> str:
    """Say a job's outcome in a language; what is not the service's own words stays.

    Args:
        message: of a `Job`; several lines.
        language: code; for one without a table the message stays English.
    """
    return in_language(message, language, _TABLES)
