"""HTML as its readers see it: a line for each block, a segment for each heading, no script or style."""

import codecs
import re
from collections.abc import Iterable, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from shared_code.documents.document import Limits, Position, Segment
from shared_code.documents.formats.decoding import decode

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
# What labels mean in the Encoding Standard (https://encoding.spec.whatwg.org/#names-and-labels), and so to
# browsers, where Python means less by the same label or does not know it.
_AS_BROWSERS_READ = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "windows-949": "cp949",
}


def read_html(data: bytes, _limits: Limits) -> Iterator[Segment]:
    """The title and then the page, cut where headings stand."""
    tree = LexborHTMLParser(decode(data, _declared_encoding(data)))
    title = tree.css_first("head title")  # drawings have titles of their own
    if title is not None:
        yield Segment(_readable(title.text()), Position())
    if tree.body is not None:
        yield from _sections(_marked_text(tree.body))


def _declared_encoding(data: bytes) -> str | None:
    declared = _CHARSET.search(data, 0, _CHARSET_WITHIN)
    if declared is None:
        return None
    label = declared[1].decode("ascii").lower()
    try:
        name = codecs.lookup(label).name
    except LookupError:
        name = label
    encoding = _AS_BROWSERS_READ.get(name, name)
    return encoding if _holds_ascii(encoding) else None


def _holds_ascii(encoding: str) -> bool:
    """Whether a page can declare it: in UTF-16 the declaration could not have been read."""
    try:
        return b"charset".decode(encoding) == "charset"
    except (LookupError, UnicodeError):
        return False


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
