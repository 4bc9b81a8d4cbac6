"""XML as indented lines of names and values, a segment for each child of the outermost element.

Where text and elements are mixed, as in a document, a paragraph is read as it stands.
"""

import io
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, iterparse

from shared_code.documents.document import DocumentLimits, Note, Position, Segment
from shared_code.documents.errors import DocumentTooLarge
from shared_code.documents.formats.office import tag
from shared_code.documents.formats.web_page import html_text, page_segments, read_html
from shared_code.documents.formats.white_space import folded

_OF_NAMESPACES = "{http://www.w3.org/"


def read_xml(data: bytes, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """The children of the root, which may be records; a web page is read as such."""
    try:
        segments = list(_records(data, limits))
    except (ParseError, LookupError, ValueError):
        yield from page_segments(html_text(data), is_all_content=True)
        return
    yield from segments or read_html(data, limits)


def _records(data: bytes, limits: DocumentLimits) -> Iterator[Segment]:
    """A segment for each child of the root; none for a web page."""
    depth = row = 0
    root: Element | None = None
    for event, element in iterparse(io.BytesIO(data), ("start", "end")):  # noqa: S314 - expat bounds entities
        depth += 1 if event == "start" else -1
        if depth > limits.nesting:
            raise DocumentTooLarge.nested_past(limits.nesting)
        if root is None:
            root = element
            if tag(root) == "html":
                return
        if event == "end" and depth == 1:
            row += 1
            if row > limits.rows:
                raise DocumentTooLarge.past("rows", limits.rows)
            yield Segment("\n".join(_lines(element, 0)), Position(row=row), (tag(root),))
            root.clear()
    if root is not None and not row:
        yield Segment("\n".join(_lines(root, 0)), Position())


def _lines(element: Element, depth: int) -> Iterator[str]:
    indent, name = "  " * depth, tag(element)
    attributes = [
        f"{key.rpartition('}')[2]}: {value}"
        for key, value in element.items()
        if value.strip() and not key.startswith(_OF_NAMESPACES)
    ]
    if _is_text(element):
        text = folded("".join(element.itertext()))
        told = "; ".join(attributes)
        if text or told:
            yield f"{indent}{name}: {' | '.join(filter(None, (text, told)))}"
        return
    yield indent + name
    for attribute in attributes:
        yield f"{indent}  {attribute}"
    for child in element:
        yield from _lines(child, depth + 1)


def _is_text(element: Element) -> bool:
    """Whether an element holds nothing but text, or text with elements in it."""
    is_mixed = bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)
    return is_mixed or len(element) == 0
