"""HTML as its readers see it: a line for each block, a segment for each heading, no script or style."""

import re
from collections.abc import Iterable, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from shared_code.documents.decoding import clean, decode
from shared_code.documents.document import Limits, Position, Segment

# Marks that survive the folding of white space; cleaned text holds no control characters of its own.
_LINE = "\x1d"
_PARAGRAPH = "\x1c"
_SECTION = "\x1e"
_UNREAD = "script, style, noscript, template, svg, iframe, head"
_HEADINGS = "h1, h2, h3, h4, h5, h6"
_PARAGRAPHS = (
    f"p, ul, ol, dl, table, blockquote, section, article, main, header, footer, nav, hr, {_HEADINGS}"
)
_LINES = "br, div, li, dt, dd, tr, caption, figcaption, summary, option, form, fieldset, address, aside"
_CELLS = "td + td, td + th, th + td, th + th"
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
_CHARSET_WITHIN = 2048


def read_html(data: bytes, _limits: Limits) -> Iterator[Segment]:
    """The title and then the page, cut where headings stand."""
    tree = LexborHTMLParser(_decoded(data))
    title = tree.css_first("title")
    if title is not None:
        yield Segment(_readable(title.text()), Position())
    if tree.body is not None:
        yield from _sections(_marked_text(tree.body))


def _decoded(data: bytes) -> str:
    """What the page says of its charset counts where its bytes do not contradict it."""
    declared = _CHARSET.search(data, 0, _CHARSET_WITHIN)
    try:
        return clean(data.decode(declared[1].decode("ascii"))) if declared else decode(data)
    except (LookupError, UnicodeDecodeError):
        return decode(data)


def _marked_text(body: LexborNode) -> str:
    for node in body.css(_UNREAD):
        node.decompose()
    for node in body.css("pre"):
        node.replace_with(_PARAGRAPH + node.text().replace("\n", _LINE) + _PARAGRAPH)
    for node in body.css(_CELLS):
        node.insert_before(" | ")
    for node in body.css(_HEADINGS):
        node.insert_before(_SECTION)
    for selector, mark in ((_LINES, _LINE), (_PARAGRAPHS, _PARAGRAPH)):
        for node in body.css(selector):
            node.insert_before(mark)
            node.insert_after(mark)
    return body.text()


def _sections(marked: str) -> Iterator[Segment]:
    before, *sections = marked.split(_SECTION)
    yield Segment(_readable(before), Position())
    for section in sections:
        text = _readable(section)
        yield Segment(text, Position(section=text.partition("\n")[0]))


def _readable(marked: str) -> str:
    return _joined("\n\n", (_lines(paragraph) for paragraph in marked.split(_PARAGRAPH)))


def _lines(marked: str) -> str:
    return _joined("\n", (" ".join(line.split()) for line in marked.split(_LINE)))


def _joined(separator: str, parts: Iterable[str]) -> str:
    return separator.join(part for part in parts if part)
