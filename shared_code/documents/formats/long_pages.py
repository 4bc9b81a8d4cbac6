"""Long web pages, which are parsed a part at a time: a tree takes thirty times its source.

Each part lies in the elements that are open where it begins, so that it is known what surrounds it.
"""

import re
from collections.abc import Iterator

_LONG_PAGE = 4_000_000
_AT_ONCE = 1_000_000
# Scripts, styles and comments may hold what looks like an element.
_UNSEEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_BLOCK = re.compile(
    r"<(/?)(div|section|article|main|aside|nav|header|footer|ul|ol|dl|table|pre|blockquote|details|body)\b[^<>]*+>"
    r"|<(?:p|li|dt|h[1-6])\b",
    re.IGNORECASE,
)
# What is read as a whole.
_UNDIVIDED = {"table", "pre"}
_DEEPEST = 100


def parts_of(html: str) -> Iterator[str]:
    """The source of a page, in parts if it is long."""
    if len(html) < _LONG_PAGE:
        yield html
        return
    html = _UNSEEN.sub("", html)
    last, around = 0, ""
    # The elements that are open: their names and tags.
    opened: list[tuple[str, str]] = []
    for found in _BLOCK.finditer(html):
        closes, name = found[1], (found[2] or "").lower()
        if not closes and found.start() - last > _AT_ONCE and _is_divisible(opened):
            yield around + html[last : found.start()]
            last, around = found.start(), "".join(tag for _, tag in opened)
        if closes:
            _close(opened, name)
        elif name:
            opened.append((name, found[0]))
    yield around + html[last:]


def _is_divisible(opened: list[tuple[str, str]]) -> bool:
    return len(opened) <= _DEEPEST and _UNDIVIDED.isdisjoint(name for name, _ in opened)


def _close(opened: list[tuple[str, str]], name: str) -> None:
    """Closes the last such element, and what was left open within it."""
    for place in range(len(opened) - 1, max(-1, len(opened) - _DEEPEST), -1):
        if opened[place][0] == name:
            del opened[place:]
            return
