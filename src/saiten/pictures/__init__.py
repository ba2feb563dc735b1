"""Pictures that a test attaches: what a student's function made, beside what was expected where the author allows that.

In: an answer of any kind, from a test cell. Out: pictures below the cell, in a notebook; where Saiten marks, `Picture`s
for the feedback. An answer that is no picture becomes a sentence that says so, never an error.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from numpy.typing import ArrayLike

from saiten.pictures.draw import boxes_of, pictures_of
from saiten.results import Picture

__all__ = ["attach_pictures", "sent_to"]

LONGEST_NAME = 100
"""Characters."""


class attach_pictures:
    """Show pictures of an answer if the test in this block fails.

        result = max_pool_2x2(photo)
        with attach_pictures("max_pool_2x2", result, expected, show_expected=True):
            assert_close(result, expected, "max_pool_2x2")

    In a notebook (the student's own, nbgrader, Otter) they appear below the cell. Where Saiten marks, they go into the
    feedback, and only those of a test's public part do. Whatever the answer is, nothing is raised here.

    Args:
        name: what it is, for the student, as in the test's messages.
        result: what the student's function returned: (h, w), (h, w, 3), or channels first; array, list or tensor.
        expected: the right one.
        show_expected: show it as well, and the difference, from which it could be worked out. Without this, nothing
            of `expected` is used.
        value_range: values drawn black and white; else (0, 255) for uint8, (0, 1) for floats inside it, and
            for all others smallest and largest value of what is shown.
        boxes_on: a picture. `result` and `expected` are then boxes (n, 4), each (x, y, width, height) in pixels of
            this picture, drawn on it; there is no difference.
        always: also if the test holds.
    """

    def __init__(
        self,
        name: str,
        result: object,
        expected: ArrayLike | None = None,
        *,
        show_expected: bool = False,
        value_range: tuple[float, float] | None = None,
        boxes_on: ArrayLike | None = None,
        always: bool = False,
    ) -> None:
        self._name = name[:LONGEST_NAME]
        self._result = result
        self._expected = expected if show_expected else None
        self._range = value_range
        self._boxes_on = boxes_on
        self._always = always

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not (self._always or (kind is not None and issubclass(kind, Exception))):
            return
        if _receiver is not None:
            for picture in self._pictures():
                _receiver(picture)
        elif _notebook():
            _show(self._pictures())

    def _pictures(self) -> list[Picture]:
        if self._boxes_on is not None:
            return boxes_of(self._name, self._result, self._expected, self._boxes_on)
        return pictures_of(self._name, self._result, self._expected, self._range)


_receiver: Callable[[Picture], None] | None = None


@contextmanager
def sent_to(receiver: Callable[[Picture], None]) -> Iterator[None]:
    """Give pictures to a function, rather than show them in the notebook."""
    global _receiver
    before, _receiver = _receiver, receiver
    try:
        yield
    finally:
        _receiver = before


def _notebook() -> bool:
    """Whether this runs in IPython, which can show something."""
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


def _show(pictures: Sequence[Picture]) -> None:
    """Display pictures side by side below the cell, with their words in both languages."""
    from IPython.display import HTML, display

    figures = []
    for each in pictures:
        title, said = _both(each.title), _both(each.said)
        image = f'<img alt="{said}" src="data:image/png;base64,{each.png}" style="{_IMAGE_STYLE}">' if each.png else ""
        caption = f"<figcaption><b>{title}</b><br>{said}</figcaption>"
        figures.append(f'<figure style="{_FIGURE_STYLE}">{image}{caption}</figure>')
    display(HTML(f"<p><b>{html.escape(pictures[0].name)}</b></p><div>{''.join(figures)}</div>"))


def _both(words: Mapping[str, str]) -> str:
    return html.escape(" / ".join(words[code] for code in ("ja", "en")))


_FIGURE_STYLE = "display: inline-block; vertical-align: top; width: 200px; margin: 0 16px 8px 0; font-size: 80%"
_IMAGE_STYLE = "width: 200px; image-rendering: pixelated; border: 1px solid #888"
