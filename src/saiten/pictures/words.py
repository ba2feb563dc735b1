"""What is said beside a picture, in each language.

In: a sentence with gaps, and what fills them. Out: language code to text.
"""

from __future__ import annotations

from collections.abc import Mapping

Sentence = Mapping[str, str]
"""language code to text"""

TITLES = {
    "result": {"en": "your result", "ja": "あなたの結果"},
    "expected": {"en": "expected", "ja": "期待される結果"},
    "difference": {"en": "difference", "ja": "差"},
}
LEGEND = {
    "en": "white: equal; red: yours is larger, blue: smaller; the strongest colour is a difference of {most}",
    "ja": "白: 等しい、赤: あなたの値が大きい、青: 小さい。一番濃い色が差 {most} です",
}
NUMBERS = {
    "en": "shape {shape}, {dtype}, values from {low} to {high}",
    "ja": "形 {shape}、{dtype}、値は {low} から {high}",
}
GREYS = {"en": "black is {black}, white is {white}", "ja": "黒が {black}、白が {white}"}
BOXES = {"en": "boxes: {count}", "ja": "枠 {count} 個"}
NO_ARRAY = {"en": "not an array of numbers", "ja": "数の配列ではありません"}
NO_NUMBERS = {"en": "no numbers in it (shape {shape})", "ja": "数が入っていません (形 {shape})"}
NO_PICTURE = {
    "en": "no picture: the shape is {shape}, a picture's is (h, w) or (h, w, 3)",
    "ja": "画像にできません: 形が {shape} です。画像の形は (h, w) か (h, w, 3) です",
}
NO_BOXES = {
    "en": "no boxes: the shape is {shape}, that of boxes is (n, 4)",
    "ja": "枠にできません: 形が {shape} です。枠の形は (n, 4) です",
}
NOT_FINITE = {
    "en": "{count} of {all} values are NaN or infinite (shape {shape})",
    "ja": "{all} 個の値のうち {count} 個が NaN か無限大です (形 {shape})",
}
TOO_LARGE = {"en": "too large to be shown (shape {shape})", "ja": "大きすぎて表示できません (形 {shape})"}
OTHER_SHAPE = {
    "en": "yours has the shape {shape}, expected is {expected}",
    "ja": "あなたの結果の形は {shape}、期待される形は {expected} です",
}


def filled(words: Sentence, **gaps: object) -> dict[str, str]:
    """Fill the gaps, the same in every language; of a float four digits."""
    texts = {name: f"{gap:.4g}" if isinstance(gap, float) else str(gap) for name, gap in gaps.items()}
    return {language: sentence.format(**texts) for language, sentence in words.items()}


def joined(first: Sentence, second: Sentence) -> dict[str, str]:
    """Put one sentence behind another."""
    return {language: f"{first[language]}{'。' if language == 'ja' else '; '}{second[language]}" for language in first}
