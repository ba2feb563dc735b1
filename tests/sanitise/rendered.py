"""What nbconvert makes of markdown, looked through: every tag, attribute and address has to be known."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from nbconvert.filters.markdown_mistune import markdown2html_mistune

_TAGS = {
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "em", "strong", "code", "pre", "blockquote", "hr"),
    *("br", "a", "img", "table", "thead", "tbody", "tr", "td", "th", "del", "s", "input", "div", "span", "dl", "dt"),
    *("dd", "b", "i", "u", "ins", "sub", "sup", "kbd", "mark", "small"),
}
_ATTRIBUTES = {
    *(("a", "href"), ("a", "title"), ("a", "class"), ("img", "src"), ("img", "alt"), ("img", "title")),
    *(("input", "type"), ("input", "disabled"), ("input", "checked"), ("input", "class"), ("ol", "start")),
    *(("code", "class"), ("div", "class"), ("span", "class"), ("li", "class"), ("th", "style"), ("td", "style")),
    *((f"h{level}", "id") for level in range(1, 7)),
}
_LINK = re.compile(r"(https?://|mailto:|#|attachment:|data:image/(png|jpeg|gif);base64,)|[\w./-]+$", re.IGNORECASE)
_PICTURE = re.compile(
    r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=]+$|(\./)?\w[\w./-]*\.(png|jpe?g|gif)$", re.IGNORECASE
)
_STYLE = re.compile(r"text-align: ?(left|right|center)$")


class Page(HTMLParser):
    """The tags of a page, and what is wrong with them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at a tag."""
        self.tags.append(tag)
        if tag not in _TAGS:
            self.faults.append(f"<{tag}>")
        for name, raw in attrs:
            value = raw or ""
            if (tag, name) not in _ATTRIBUTES:
                self.faults.append(f"<{tag} {name}>")
            if name == "href" and not _LINK.match(value):
                self.faults.append(f"a link to {value!r}")
            if name == "src" and not _PICTURE.match(value):
                self.faults.append(f"a picture from {value!r}")
            if name == "style" and not _STYLE.match(value):
                self.faults.append(f"a style {value!r}")
            if name == "id":
                self.ids.append(value)

    def handle_data(self, data: str) -> None:
        """Gather the text."""
        self.text += data

    def handle_comment(self, data: str) -> None:
        """Nobody writes comments into a cleaned page."""
        self.faults.append(f"a comment {data!r}")

    def handle_decl(self, decl: str) -> None:
        """Nor declarations."""
        self.faults.append(f"a declaration {decl!r}")

    def handle_pi(self, data: str) -> None:
        """Nor processing instructions."""
        self.faults.append(f"an instruction {data!r}")

    def unknown_decl(self, data: str) -> None:
        """Nor CDATA."""
        self.faults.append(f"a section {data!r}")


def page_of(markdown: str) -> Page:
    """Render markdown as formgrader and the feedback do."""
    return page(markdown2html_mistune(markdown))


def page(html: str) -> Page:
    """Look at HTML."""
    seen = Page()
    seen.feed(html)
    seen.close()
    return seen
