"""The pages about similar work: an index of the pairs, and one page for each, side by side.

In: a `Comparison`. Out: text of documents. Names and work come from students: everything is escaped, controls and
directions can be seen, and the pages' policy runs no script but ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from saiten.bundle import Bundle
from saiten.pages import Tongue, tables_script, write_page
from saiten.sanitise.text import for_page
from saiten.similar.compare import LEAST_PART, LEAST_WHOLE, Comparison, Pair, released_grams
from saiten.similar.passages import side_by_side
from saiten.similar.words import WORDS
from saiten.similar.work import Kind, LeftOut


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands on every page."""

    assignment: str
    titles: Mapping[str, str]
    """language code to title of the assignment"""
    languages: tuple[str, ...]


def file_name(rank: int) -> str:
    """Name of the page of a pair; nothing of a student's is in it."""
    return f"pair-{rank:03}.html"


def render_index(frame: Frame, found: Comparison, left_out: Sequence[LeftOut]) -> str:
    """Write the page of all pairs.

    Args:
        frame: of all pages.
        found: the comparison.
        left_out: what was not compared, or not whole.

    Returns:
        a whole HTML document; the same values give the same text.
    """
    earlier = sum(bool(work.year) for work in found.works)
    facts = [("compared", len(found.works)), ("possible", sum(found.bins)), ("reported", found.reported)]
    facts += [("earlier", earlier)] if earlier else []
    facts += [("left_out_count", len(left_out))] if left_out else []
    most = math.log1p(max(found.bins, default=0)) or 1.0
    return _page(
        frame,
        script=tables_script(),
        pair=None,
        found=found,
        facts=facts,
        left_out=left_out,
        least_whole=round(100 * LEAST_WHOLE),
        least_part=round(100 * LEAST_PART),
        bar=lambda count: round(100 * math.log1p(count) / most),
    )


def render_pairs(frame: Frame, found: Comparison, bundle: Bundle) -> dict[str, str]:
    """Write the page of every ranked pair.

    Returns:
        file name to a whole HTML document.
    """
    traits = {each.part.name: each for each in found.traits}
    released = {kind: released_grams(bundle, kind) for kind in Kind}
    pages = {}
    for rank, pair in enumerate(found.pairs, 1):
        sides = [
            (share, *side_by_side(pair, traits[share.part.name], released[share.part.kind])) for share in pair.shares
        ]
        pages[file_name(rank)] = _page(
            frame, pair=pair, rank=rank, last=len(found.pairs), sides=sides, rest=_rest(pair, traits)
        )
    return pages


def _rest(pair: Pair, parts: Mapping[str, object]) -> list[str]:
    """Name the questions that both answered and that have nothing in common that counts."""
    shown = {share.part.name for share in pair.shares}
    both = pair.first.texts.keys() & pair.second.texts.keys()
    return [for_page(name) for name in parts if name in both and name not in shown]


def _page(frame: Frame, script: str = "", **values: object) -> str:
    tongue = Tongue(WORDS, frame.languages)
    return write_page(
        "saiten.similar",
        tongue,
        script=script,
        assignment=frame.assignment,
        titles=frame.titles,
        languages=frame.languages,
        text=for_page,
        percent=lambda share: f"{100 * share:.0f} %",
        file_name=file_name,
        **values,
    )
