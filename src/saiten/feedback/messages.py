"""What the judge says of itself, in the reader's language; a test's own words are left as their author wrote them.

In: a message of a result, in English. Out: the same in another language, or unchanged where it is not the judge's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Table = tuple[tuple[re.Pattern[str], str], ...]
Tables = Mapping[str, Table]

_JAPANESE: tuple[tuple[str, str], ...] = (
    (r"your code raised an exception", "あなたのコードで例外が発生しました"),
    (r"your code raised (\w+)", r"あなたのコードで \1 が発生しました"),
    (r"in your code: cell ([\w.-]+), line (\d+)", r"場所: セル \1 の \2 行目"),
    (r"a hidden test did not hold", "非公開のテストが成り立ちませんでした"),
    (r"the test did not hold", "テストが成り立ちませんでした"),
    (r"time is up: the test did not finish", "時間切れ: テストが終わりませんでした"),
    (r"time is up: the cell did not finish within ([\d.]+) seconds", r"時間切れ: セルが \1 秒以内に終わりませんでした"),
    (r"the call did not finish within ([\d.]+) seconds", r"呼び出しが \1 秒以内に終わりませんでした"),
    (r"the student's process died", "プロセスが途中で止まりました"),
    (r"(\w+) is not defined: cell ([\w.-]+) ended early", r"\1 が定義されていません: セル \2 が途中で終わりました"),
    (r"^(\w+) is not defined$", r"\1 が定義されていません"),
    (r"partial credit: ([\d.]+) of ([\d.]+) points", r"部分点: \2 点中 \1 点"),
    (
        r"the answer is an object, where a number, text, array or another plain value is needed",
        "答えがオブジェクトになっています。数、文字列、配列などの値にしてください",
    ),
    (r"^the notebook was not handed in$", "ノートブックが提出されていません"),
    (r"^no answer$", "解答がありません"),
)


def table(patterns: Iterable[tuple[str, str]], flags: int = 0) -> Table:
    """Make a table of regular expressions, and what each becomes."""
    return tuple((re.compile(pattern, flags), words) for pattern, words in patterns)


_TABLES: Tables = {"ja": table(_JAPANESE)}


def in_language(message: str, language: str, tables: Tables = _TABLES) -> str:
    """Say a message in a language.

    Args:
        message: in English; by default of a `CellResult`, by the judge.
        language: code; for one without a table the message stays English.
        tables: language code to table.
    """
    for pattern, words in tables.get(language, ()):
        message = pattern.sub(words, message)
    return message
