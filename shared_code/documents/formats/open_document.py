"""odt and odp: text, lists, tables, objects, notes, alternative texts; a segment for a heading or slide."""

from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element, fromstring, iterparse
from zipfile import ZipFile

from shared_code.documents.document import DocumentLimits, Position, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge, EncryptedDocument
from shared_code.documents.formats.headings import HeadingPath
from shared_code.documents.formats.merged_cells import from_above, unless_blank
from shared_code.documents.formats.office import attribute, children, count_of, opened, tag
from shared_code.documents.formats.open_document_lists import ListNumbers
from shared_code.documents.formats.open_document_objects import EmbeddedObjects, formula
from shared_code.documents.formats.table import Cells

_CONTENT = "content.xml"
_MANIFEST = "META-INF/manifest.xml"
_ENCRYPTED = b":encryption-data"
_CHARACTERS = {"tab": "\t", "line-break": "\n", "s": " "}
_BLOCKS = {"p", "h"}
_NUMBERING = {"list-style", "outline-style"}
# As many columns as Writer lets a table have, and more than a person needs.
_MOST_COLUMNS = 1_024
# What was deleted, what programs keep of a drawing, and parts that are read elsewhere.
_UNREAD = {
    "tracked-changes", "binary-data", "creator", "date", "sequence-decls", "forms", "note-citation",
    "label-separator",
}  # fmt: skip
_AROUND = {"header", "header-first", "header-left", "footer", "footer-first", "footer-left"}


def read_open_document(data: bytes, limits: DocumentLimits) -> Iterator[Segment]:
    """Headers and footers once, and then the text or the slides."""
    with opened(data, limits, "OpenDocument file") as archive:
        if _CONTENT not in archive.NameToInfo:
            raise BrokenDocument("The file is not an OpenDocument file, despite its name.")
        if _MANIFEST in archive.NameToInfo and _ENCRYPTED in archive.read(_MANIFEST):
            raise EncryptedDocument
        title = _title(archive)
        lists = ListNumbers()
        headers, footers = _around(archive, lists)
        yield Segment("\n".join(headers), Position(), (title,))
        yield from _body(archive, HeadingPath(title), lists, limits)
        yield Segment("\n".join(footers), Position(), (title,))


def _title(archive: ZipFile) -> str:
    if "meta.xml" not in archive.NameToInfo:
        return ""
    root = fromstring(archive.read("meta.xml"))  # noqa: S314 - expat bounds entities
    return next((each.text or "" for each in root.iter() if tag(each) == "title"), "")


def _around(archive: ZipFile, lists: ListNumbers) -> tuple[dict[str, None], dict[str, None]]:
    """The texts of headers and of footers, each once; the styles beside them number lists and headings."""
    texts: tuple[dict[str, None], dict[str, None]] = {}, {}
    if "styles.xml" in archive.NameToInfo:
        root = fromstring(archive.read("styles.xml"))  # noqa: S314 - expat bounds entities
        for each in root.iter():
            if tag(each) in _NUMBERING:
                lists.add(each)
            if tag(each) in _AROUND and (text := "\n".join(_lines(each))):
                texts[tag(each).startswith("footer")][text] = None
    return texts


def _body(
    archive: ZipFile, path: HeadingPath, lists: ListNumbers, limits: DocumentLimits
) -> Iterator[Segment]:
    slide = 0
    texts: list[str] = []
    objects = EmbeddedObjects(archive)
    for element in _blocks(archive, limits):
        objects.put_into(element)
        name = tag(element)
        if name in _NUMBERING:
            lists.add(element)
            continue
        lists.mark(element)
        if name == "page":
            slide += 1
            lines = list(_lines(element))
            heading = lines[0].split("\n")[0] if lines else f"Slide {slide}"
            yield Segment("\n".join(lines), Position(page=slide, section=heading), (*path.context, heading))
            continue
        if name == "table":
            yield path.segment("\n\n".join(texts))
            texts = []
            rows = list(_nearest(element, "table-row"))
            yield from path.table(_grid(rows), header_rows=_header_rows(element))
            continue
        for part in _headings_apart(element):
            text = "\n".join(_lines(part))
            if tag(part) == "h" and text:
                yield path.segment("\n\n".join(texts))
                level = attribute(part, "outline-level")
                path.enter(int(level) if level.isdecimal() else 1, text)
                texts = []
            if text:
                texts.append(text)
    yield path.segment("\n\n".join(texts))


def _headings_apart(block: Element) -> Iterable[Element]:
    """A block as it is; a list that numbers headings, as those of Word files do, as what stands in it."""
    numbers_headings = tag(block) == "list" and any(tag(each) == "h" for each in block.iter())
    return _paragraphs(block) if numbers_headings else (block,)


def _paragraphs(element: Element) -> Iterator[Element]:
    for child in element:
        if tag(child) in _BLOCKS:
            yield child
        else:
            yield from _paragraphs(child)


def _blocks(archive: ZipFile, limits: DocumentLimits) -> Iterator[Element]:
    """Styles of lists; outermost paragraphs, headings, tables, lists, slides, each forgotten once read."""
    depth = open_blocks = 0
    outermost = _BLOCKS | _NUMBERING | {"table", "list", "page"}
    with archive.open(_CONTENT) as stream:
        for event, element in iterparse(stream, ("start", "end")):  # noqa: S314 - expat bounds entities
            step = 1 if event == "start" else -1
            depth += step
            if depth > limits.nesting:
                raise DocumentTooLarge.nested_past(limits.nesting)
            if tag(element) in outermost | _UNREAD:
                open_blocks += step
            if event == "end" and open_blocks == 0:
                if tag(element) in outermost:
                    yield element
                element.clear()


def _header_rows(table: Element) -> int:
    return sum(1 for header in children(table, "table-header-rows") for _ in _nearest(header, "table-row"))


def _grid(rows: Iterable[Element]) -> Iterator[Cells]:
    """The rows with their cells in their columns; what merged cells hold is in each of their rows."""
    above: dict[int, str | None] = {}
    for row in rows:
        yield unless_blank(list(_cells(row, above)))


def _cells(row: Element, above: dict[int, str | None]) -> Iterator[str | None]:
    """The cells of a row; `above` are the texts of those that are merged with the ones below them."""
    column = spanned = 0
    for cell in row:
        if tag(cell) not in {"table-cell", "covered-table-cell"}:
            continue
        text = "\n".join(_lines(cell))
        for _ in range(min(count_of(cell, "number-columns-repeated"), _MOST_COLUMNS)):
            if tag(cell) == "table-cell":
                above[column] = text if count_of(cell, "number-rows-spanned") > 1 else ""
                spanned = count_of(cell, "number-columns-spanned") - 1
                yield text
            elif spanned > 0:
                above[column], spanned = None, spanned - 1
                yield None
            else:
                yield from_above(above.get(column, ""), column)
            column += 1


def _nearest(element: Element, name: str) -> Iterator[Element]:
    """Descendants of a tag, but for those in tables further in."""
    for child in element:
        if tag(child) == name:
            yield child
        elif tag(child) != "table-cell":
            yield from _nearest(child, name)


def _lines(element: Element) -> Iterator[str]:
    """A line for each paragraph, and for each row of a table."""
    name = tag(element)
    if name in _UNREAD:
        return
    if name in _BLOCKS:
        text = "".join(_text(element)).strip()
        if text:
            yield text
    elif name == "table-row":
        cells = [" ".join("\n".join(_lines(cell)).split()) for cell in children(element, "table-cell")]
        if any(cells):
            yield " | ".join(cells)
    elif name in {"desc", "title"} and not len(element):
        if text := (element.text or "").strip():
            yield text
    elif name == "math":
        yield formula(element)
    else:
        for child in element:
            yield from _lines(child)


def _text(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        name = tag(child)
        if name in _CHARACTERS:
            yield _CHARACTERS[name]
        elif name in {"frame", "note", "annotation", "custom-shape"}:
            if inner := "\n".join(_lines(child)):
                yield f"\n{inner}\n"
        elif name not in _UNREAD:
            yield from _text(child)
        yield child.tail or ""
