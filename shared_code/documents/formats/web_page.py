"""HTML as its readers see it: a line for each block, a segment for each heading, no script or style.

ADR 41 has the reasons.
"""

import codecs
import re
from collections.abc import Iterable, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from shared_code.documents.document import DocumentLimits, Position, Segment
from shared_code.documents.errors import DocumentTooLarge
from shared_code.documents.formats.decoding import decode
from shared_code.documents.formats.headings import HeadingPath
from shared_code.documents.formats.long_pages import parts_of
from shared_code.documents.formats.long_tables import LongTables
from shared_code.documents.formats.page_content import keep_content
from shared_code.documents.formats.superscript import SUPERSCRIPT, with_superscripts
from shared_code.documents.formats.web_table import WebTable, tables_of_data, web_table
from shared_code.documents.formats.white_space import folded

# Marks that survive the folding of white space; cleaned text holds no control characters of its own.
_LINE = "\x1d"
_PARAGRAPH = "\x1c"
_SECTION = "\x1e"
_TABLE = "\x1f"
_HEADINGS = "h1, h2, h3, h4, h5, h6"
_PARAGRAPHS = (
    f"p, ul, ol, dl, table, blockquote, section, article, main, header, footer, nav, hr, {_HEADINGS}"
)
_LINES = "br, div, li, dt, dd, tr, caption, figcaption, summary, option, form, fieldset, address, aside"
_CELLS = "td + td, td + th, th + td, th + th"
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
_CHARSET_WITHIN = 2048
_XML_DECLARATION = re.compile(
    rb"""(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([\w-]{1,40})["']""", re.IGNORECASE
)
# Elements that XML may close at once, and that HTML takes for open until they are closed.
_XHTML = re.compile(r"\s*<\?xml|\s*<!DOCTYPE[^>]+XHTML|\s*<html[^>]+xmlns", re.IGNORECASE)
_CLOSED_AT_ONCE = re.compile(
    r"<(title|script|style|textarea|iframe|noscript|a|b|i|p|td|div|span)\b([^<>]*)/>", re.IGNORECASE
)
_MOST_NESTED = 15_000
_NESTING_TAG = re.compile(
    r"<(/?)(?:(table)|(t[dh])|div|section|article|aside|main|nav|header|footer|blockquote|center|details|dialog"
    r"|fieldset|figure|form|ul|ol|dl|dir|menu|sup)\b",
    re.IGNORECASE,
)
# No caption is longer, but what stands around a picture may be a whole page.
_LONGEST_CAPTION = 5_000
_INLINE = {"a", "span", "b", "i", "em", "strong", "li", "small"}
_INLINE_DEPTH = 3
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


def read_html(data: bytes, _limits: DocumentLimits) -> Iterator[Segment]:
    """The title and then the content of the page, cut where headings stand."""
    yield from page_segments(html_text(data))


def html_text(data: bytes, declared: str | None = None) -> str:
    """The source of a page, in the encoding that is declared for it or that it declares."""
    return decode(data, declared or _declared_encoding(data))


def page_segments(html: str, *, is_all_content: bool = False) -> Iterator[Segment]:
    """The title and then the content of a page; of a book's or a mail's all is content."""
    if _XHTML.match(html):
        html = _CLOSED_AT_ONCE.sub(r"<\1\2></\1>", html)
    _check_nesting(html)
    long_tables = LongTables()
    parts = parts_of(long_tables.taken_from(html))
    del html  # a long one need not be held twice
    try:
        yield from _segments_of(parts, long_tables, is_all_content=is_all_content)
    except SelectolaxError as error:
        raise MemoryError from error  # any page can be parsed, where there is memory


def _segments_of(parts: Iterable[str], long_tables: LongTables, *, is_all_content: bool) -> Iterator[Segment]:
    """The segments of a page that is parsed in parts, below headings that go on from part to part."""
    path: HeadingPath | None = None
    for part in parts:
        tree = LexborHTMLParser(part)
        if path is None:
            title = "" if is_all_content else _title(tree)
            path = HeadingPath(title)
            if title:
                yield Segment(title, Position())
        if tree.body is not None:
            keep_content(tree.body, is_all_content=is_all_content)
            tables: list[WebTable] = []
            marked = _marked_text(tree.body, tables, long_tables)
            del tree  # the next one takes as much
            yield from _sections(marked, path, tables)


def _title(tree: LexborHTMLParser) -> str:
    title = tree.css_first("head title")  # drawings have titles of their own
    return "" if title is None else _readable(title.text())


def _check_nesting(html: str) -> None:
    """Refuses at once what is nested so deep that reading it would take minutes.

    Raises:
        DocumentTooLarge: no page of people is nested so deep.
    """
    if html.count("<") < _MOST_NESTED:
        return
    depth, tables = 0, [0]
    for tag in _NESTING_TAG.finditer(html):
        closes, is_table, is_cell = tag.groups()
        if is_cell and len(tables) > 1:
            depth = tables[-1]  # what the cell before left open ends with it
        elif is_table and closes and len(tables) > 1:
            depth = tables.pop() - 1
        elif not is_cell:
            depth = max(tables[-1], depth + (-1 if closes else 1))
            if is_table and not closes:
                tables.append(depth)
        if depth > _MOST_NESTED:
            raise DocumentTooLarge.nested_past(_MOST_NESTED)


def _declared_encoding(data: bytes) -> str | None:
    declared = _CHARSET.search(data, 0, _CHARSET_WITHIN) or _XML_DECLARATION.match(data)
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


def _marked_text(body: LexborNode, tables: list[WebTable], long_tables: LongTables) -> str:
    """The text of a page with marks, one of them for each table of data, which is added to the others."""
    _mark(body)
    for node in tables_of_data(body):
        caption = node.css_first("caption")
        following = map(_marked, long_tables.following(node))
        tables.append(web_table(node, _cell_text, following))
        node.replace_with(f"{'' if caption is None else caption.text()}{_PARAGRAPH}{_TABLE}{_PARAGRAPH}")
    for node in body.css("table"):
        node.insert_after("".join(map(_text, map(_marked, long_tables.following(node)))))
    return _text(body)


def _text(body: LexborNode) -> str:
    for node in body.css(_CELLS):
        node.insert_before(" | ")
    return str(body.text())


def _marked(rows: LexborNode) -> LexborNode:
    keep_content(rows, is_all_content=True)
    _mark(rows)
    return rows


def _mark(body: LexborNode) -> None:
    """Puts marks where lines, paragraphs and sections begin and end."""
    _add_alternative_texts(body)
    for node in body.css("a"):
        _part_from_neighbour(node)
    for node in body.css("rt, rp"):  # aids to read signs would tear words
        node.decompose()
    for node in body.css("sup"):
        _mark_higher(node)
    for node in body.css("pre"):
        node.replace_with(_PARAGRAPH + node.text().replace("\n", _LINE) + _PARAGRAPH)
    for node in body.css(_HEADINGS):
        node.insert_before(_SECTION + (node.tag or "")[1:])
    for selector, mark in ((_LINES, _LINE), (_PARAGRAPHS, _PARAGRAPH)):
        for node in body.css(selector):
            node.insert_before(mark)
            node.insert_after(mark)


def _cell_text(cell: LexborNode) -> str:
    return _joined("\n", _readable(cell.text()).split("\n"))


def _mark_higher(node: LexborNode) -> None:
    """Tells what is written higher from what it follows: the number of a note in brackets, as in print."""
    is_link = (node.parent is not None and node.parent.tag == "a") or node.css_first("a[href]") is not None
    if is_link and node.text(strip=True).isdecimal():
        node.insert_before("[")
        node.insert_after("]")
    else:
        node.insert_before(SUPERSCRIPT)


def _add_alternative_texts(body: LexborNode) -> None:
    """Puts before each picture what stands for it, unless its caption or the picture beside it says that."""
    captions: dict[int, str] = {}
    said = set[tuple[int, str]]()
    for node in body.css("img[alt], area[alt], [role=img][aria-label]"):
        text = folded(node.attributes.get("alt") or node.attributes.get("aria-label") or "")
        around = node.parent
        if around is None:
            continue
        if around.mem_id not in captions:
            captions[around.mem_id] = around.text()[:_LONGEST_CAPTION]
        if text not in captions[around.mem_id] and (around.mem_id, text) not in said:
            said.add((around.mem_id, text))
            node.insert_before(f" {text} ")


def _part_from_neighbour(link: LexborNode) -> None:
    """Makes a space between two links that only their looks keep apart."""
    node = link
    for _ in range(_INLINE_DEPTH):
        before = node.prev
        if before is not None:
            if before.tag == "a" or (before.tag in _INLINE and before.css_first("a") is not None):
                node.insert_before(" ")
            return
        if node.parent is None or node.parent.tag not in _INLINE:
            return
        node = node.parent


def _sections(marked: str, path: HeadingPath, tables: Iterable[WebTable]) -> Iterator[Segment]:
    coming = iter(tables)
    before, *sections = marked.split(_SECTION)
    yield from _section(before, path, coming)
    for section in sections:
        heading, _, _ = _readable(section[1:].partition(_TABLE)[0]).partition("\n")
        path.enter(int(section[0]), heading)
        yield from _section(section[1:], path, coming)


def _section(marked: str, path: HeadingPath, tables: Iterator[WebTable]) -> Iterator[Segment]:
    before, *others = marked.split(_TABLE)
    yield path.segment(_readable(before))
    for text in others:
        table = next(tables)
        yield from path.table(table.rows, header_rows=table.header_rows)
        yield path.segment(_readable(text))


def _readable(marked: str) -> str:
    paragraphs = with_superscripts(marked).split(_PARAGRAPH)
    return _joined("\n\n", map(_lines, paragraphs))


def _lines(marked: str) -> str:
    return _joined("\n", map(folded, marked.split(_LINE)))


def _joined(separator: str, parts: Iterable[str]) -> str:
    return separator.join(part for part in parts if part)
