"""An HTML page read to its end: its tags with their attributes, every tag closed."""

from __future__ import annotations

from html.parser import HTMLParser

ALONE = {"meta", "br", "link", "img", "input", "path", "col"}


class Reader(HTMLParser):
    """Collects tags and attributes, and minds that every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in ALONE:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag):
        if tag not in ALONE or tag in self.open:
            assert self.open.pop() == tag


def read(page: str) -> Reader:
    """Parse a page to its end."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader
