"""docx: paragraphs, tables, text boxes, formulas and notes in reading order, a segment for each heading.

The XML is read as a stream, so that memory follows the largest block and not the document. Tags go by
their local names: text is in `t` whether it belongs to a run, a drawing or a formula.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import IO
from xml.etree.ElementTree import Element, fromstring, iterparse
from zipfile import ZipFile

from shared_code.documents.document import DocumentLimits, Note, Segment
from shared_code.documents.errors import BrokenDocument, DocumentError, DocumentTooLarge
from shared_code.documents.formats.headings import HeadingPath
from shared_code.documents.formats.merged_cells import from_above, unless_blank
from shared_code.documents.formats.office import (
    Relation,
    alternative_text,
    attribute,
    children,
    document_title,
    drawing_text,
    main_part,
    opened,
    relations,
    tag,
    value_of,
)
from shared_code.documents.formats.superscript import SUPERSCRIPT, with_superscripts
from shared_code.documents.formats.symbols import in_symbols, symbol
from shared_code.documents.formats.table import Cells
from shared_code.documents.formats.word_formula import formula
from shared_code.documents.formats.word_notes import NOTES, NoteMarks
from shared_code.documents.formats.word_numbering import NO_ITEM, ListItem, Numbering
from shared_code.documents.kinds import kind_of

_BLOCKS = {"p", "tbl", "altChunk"}
_ROOTS = {"document", "footnotes", "endnotes", "comments", "hdr", "ftr"}
# Deleted text, the old place of moved text, the copy of a text box for old programs, and aids to read signs.
_UNREAD = {"del", "moveFrom", "Fallback", "rt"}
_CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_BEFORE = ("header",)
_AFTER = ("footer", "footnotes", "endnotes", "comments")
_TITLE_LEVEL = 0
_BODY_LEVEL = 9
# A cell of more paragraphs than this is a part of a page, and its table a way to lay it out.
_LINES_OF_A_CELL = 4
_PART_NAME = re.compile(r"(styles|numbering|header|footer|footnotes|endnotes|comments)\d*\.xml")
# As many columns as a table of Word has.
_MOST_COLUMNS = 63
_OFF = {"0", "false", "off"}
_DROP_CAPS = {"drop", "margin"}
_CHECKED, _UNCHECKED = "☒", "☐"


@dataclass(frozen=True, slots=True)
class _Style:
    """What a paragraph takes from its style: the level of a heading, and the list it is an item of."""

    heading: int | None = None
    item: ListItem = NO_ITEM


def read_docx(data: bytes, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """Headers, then the body cut where headings stand, then footers, notes and comments."""
    with opened(data, limits, "docx document") as archive:
        yield from _Word(archive, limits).segments()


class _Word:
    """The parts of one document."""

    def __init__(self, archive: ZipFile, limits: DocumentLimits) -> None:
        self._archive = archive
        self._limits = limits
        self._main = main_part(archive)
        self._relations = relations(archive, self._main) or _by_their_names(archive, self._main)
        self._elements_of_styles = _elements_of_styles(self._single_part("styles"))
        self._styles = {"": _Style()}
        self._numbering = Numbering(self._single_part("numbering"))
        self._notes = NoteMarks()
        self._title = document_title(archive)
        # The text of a paragraph that goes on in the next one.
        self._begun = ""

    def segments(self) -> Iterator[Segment | Note]:
        yield from self._parts(_BEFORE)
        yield from self._part(self._main)
        yield from self._parts(_AFTER)

    def _single_part(self, role: str) -> Element | None:
        for relation in self._relations.values():
            if relation.role == role and relation.target in self._archive.NameToInfo:
                return fromstring(self._archive.read(relation.target))  # noqa: S314 - expat bounds entities
        return None

    def _parts(self, roles: Iterable[str]) -> Iterator[Segment | Note]:
        """The text of the parts around the body, where several are alike once."""
        seen = set[str]()
        for role in roles:
            for relation in self._relations.values():
                if relation.role != role or relation.target not in self._archive.NameToInfo:
                    continue
                for segment in self._part(relation.target):
                    if isinstance(segment, Segment) and segment.text not in seen:
                        seen.add(segment.text)
                        yield segment

    def _part(self, name: str) -> Iterator[Segment | Note]:
        # Relations of other parts than the body are their own.
        if name != self._main:
            self._relations, before = relations(self._archive, name), self._relations
        with self._archive.open(name) as stream:
            yield from self._sections(self._blocks(stream))
        if name != self._main:
            self._relations = before

    def _blocks(self, stream: IO[bytes]) -> Iterator[Element]:
        """Outermost paragraphs and tables, each forgotten once it has been read."""
        depth = open_blocks = 0
        unread = _Unread()
        for event, element in iterparse(stream, ("start", "end")):  # noqa: S314 - expat bounds entities
            step = 1 if event == "start" else -1
            if depth == 0 and tag(element) not in _ROOTS:
                raise BrokenDocument("The file is not a docx document, despite its name.")
            depth += step
            if depth > self._limits.nesting:
                raise DocumentTooLarge.nested_past(self._limits.nesting)
            if open_blocks == 0 and unread.holds(element, depth, event):
                continue
            if event == "start" and tag(element) in NOTES:
                self._notes.begin(element)
            if tag(element) in _BLOCKS:
                open_blocks += step
            if event == "end" and open_blocks == 0:
                if tag(element) in _BLOCKS:
                    yield element
                element.clear()

    def _sections(self, blocks: Iterable[Element]) -> Iterator[Segment | Note]:
        path = HeadingPath(self._title)
        texts: list[str] = []
        for block in self._laid_out(blocks):
            if tag(block) == "altChunk":
                yield path.segment("\n\n".join(texts))
                texts = []
                yield from self._embedded(block, path)
                continue
            if tag(block) == "tbl" and not _holds_table(block):
                yield path.segment("\n\n".join(texts))
                texts = []
                rows = list(_nearest(block, "tr"))
                yield from path.table(self._grid(rows), header_rows=_header_rows(rows))
                continue
            text = self._block_text(block)
            level = self._heading_level(block)
            if text and level is not None:
                yield path.segment("\n\n".join(texts))
                path.enter(level, text)
                texts = []
            if text:
                texts.append(text)
        texts.append(self._begun)
        self._begun = ""
        yield path.segment("\n\n".join(filter(None, texts)))

    def _laid_out(self, blocks: Iterable[Element]) -> Iterator[Element]:
        """The blocks, and in place of tables that only lay out a page what is in their cells."""
        for block in blocks:
            if tag(block) == "tbl" and self._is_layout(block):
                for row in _nearest(block, "tr"):
                    for cell in _nearest(row, "tc"):
                        yield from self._laid_out(_nearest_of(cell, _BLOCKS))
            else:
                yield block

    def _is_layout(self, table: Element) -> bool:
        rows = [list(_nearest(row, "tc")) for row in _nearest(table, "tr")]
        if all(len(cells) < 2 for cells in rows):  # noqa: PLR2004 - one column is not a table
            return True
        for cell in (cell for cells in rows for cell in cells):
            blocks = list(_nearest_of(cell, _BLOCKS))
            if len(blocks) > _LINES_OF_A_CELL or any(
                self._heading_level(block) is not None for block in blocks
            ):
                return True
        return False

    def _embedded(self, block: Element, path: HeadingPath) -> Iterator[Segment | Note]:
        """A file within the document: what it holds stands where it is."""
        relation = self._relations.get(attribute(block, "id"))
        if relation is None or relation.target not in self._archive.NameToInfo:
            return
        # A document may hold itself: each level of documents has half the nesting of the one around it.
        limits = replace(self._limits, nesting=self._limits.nesting // 2)
        data = self._archive.read(relation.target)
        try:
            for part in kind_of(relation.target, data).read(data, limits):
                yield part if isinstance(part, Note) else path.within(part)
        except DocumentTooLarge:
            raise
        except DocumentError as error:
            name = relation.target.rpartition("/")[2]
            yield Note("PartNotRead", f"The embedded file {name} is not read: {error}")

    def _heading_level(self, block: Element) -> int | None:
        if tag(block) != "p":
            return None
        properties = next(children(block, "pPr"), None)
        own = value_of(properties, "outlineLvl")
        if own is not None and own.isdecimal():
            return int(own) + 1 if int(own) < _BODY_LEVEL else None
        return self._style(properties).heading

    def _style(self, properties: Element | None) -> _Style:
        key = value_of(properties, "pStyle") or ""
        if key not in self._styles:  # a file has many more styles than its paragraphs use
            self._styles[key] = _resolved(key, self._elements_of_styles)
        return self._styles[key]

    def _block_text(self, block: Element) -> str:
        if tag(block) == "p":
            return self._paragraph_text(block)
        rows = (
            " | ".join(self._cell_text(cell) for cell in _nearest(row, "tc")) for row in _nearest(block, "tr")
        )
        return "\n".join(row for row in rows if row.strip(" |"))

    def _paragraph_text(self, paragraph: Element) -> str:
        text = self._begun + with_superscripts("".join(self._text(paragraph)))
        between = _between(paragraph)
        if between is not None:
            self._begun = text.rstrip() + between
            return ""
        self._begun = ""
        number, text = self._number(paragraph), text.strip()
        return f"{number} {text}" if number and text else text

    def _number(self, paragraph: Element) -> str:
        properties = next(children(paragraph, "pPr"), None)
        own = None if properties is None else next(children(properties, "numPr"), None)
        styled = self._style(properties).item
        item = _item(own)
        item = ListItem(
            styled.list_id if item.list_id is None else item.list_id,
            styled.level if item.level is None else item.level,
        )
        return self._numbering.next(item, value_of(properties, "pStyle") or "")

    def _grid(self, rows: Iterable[Element]) -> Iterator[Cells]:
        """The rows of a table with their cells in their columns."""
        above: dict[int, str] = {}
        for row in rows:
            yield unless_blank(list(self._cells(row, above)))

    def _cells(self, row: Element, above: dict[int, str]) -> Iterator[str | None]:
        """The cells of a row; `above` are the texts of those that are merged with the ones below them."""
        skipped = value_of(next(children(row, "trPr"), None), "gridBefore") or ""
        yield from [""] * _span(skipped)
        column = _span(skipped)
        for cell in _nearest(row, "tc"):
            properties = next(children(cell, "tcPr"), None)
            text = self._cell_text(cell)
            merged = value_of(properties, "vMerge")
            if merged in {None, "restart"}:
                above[column] = text if merged else ""
            columns = max(1, _span(value_of(properties, "gridSpan") or ""))
            yield text or from_above(above.get(column, ""), column)
            yield from [None] * (columns - 1)
            column += columns

    def _cell_text(self, cell: Element) -> str:
        lines = "\n".join(self._block_text(block) for block in _nearest_of(cell, {"p", "tbl"})).split("\n")
        return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)

    def _text(self, element: Element) -> Iterator[str]:
        for child in element:
            match tag(child):
                case "t":
                    yield child.text or ""
                case "r":
                    yield self._run(child)
                case "footnoteReference" | "endnoteReference":
                    yield self._notes.refer(child)
                case "footnoteRef" | "endnoteRef":
                    yield self._notes.own
                case name if name in _CHARACTERS:
                    yield _CHARACTERS[name]
                case name if name in _SHOWN:
                    yield _SHOWN[name](child)
                case "tbl" | "p":
                    yield f"\n{self._block_text(child)}\n"
                case "shape":
                    yield _apart(attribute(child, "alt").strip())
                    yield from self._text(child)
                case "chart" | "relIds":
                    yield self._drawing(child)
                case name if name not in _UNREAD:
                    yield from self._text(child)

    def _run(self, run: Element) -> str:
        """Text in one look: nothing where it is hidden, other characters in a font of symbols."""
        properties = next(children(run, "rPr"), None)
        text = "".join(self._text(run))
        if properties is None:
            return text
        if _is_on(properties, "vanish"):
            return ""
        for font in children(properties, "rFonts"):
            text = in_symbols(attribute(font, "ascii"), text)
        return SUPERSCRIPT + text if value_of(properties, "vertAlign") == "superscript" else text

    def _drawing(self, element: Element) -> str:
        key = attribute(element, "id") or attribute(element, "dm")
        relation = self._relations.get(key, Relation("", ""))
        return f"\n{drawing_text(self._archive, relation)}\n"


def _between(paragraph: Element) -> str | None:
    """What stands between a paragraph and the next one where both are one: else None.

    A large initial is a paragraph of its own in the file; the break of another one may have been deleted.
    """
    for properties in children(paragraph, "pPr"):
        if any(attribute(frame, "dropCap") in _DROP_CAPS for frame in children(properties, "framePr")):
            return ""
        if any(True for run in children(properties, "rPr") for _ in children(run, "del")):
            return " "
    return None


class _Unread:
    """A part of a stream of elements that is not read, while it comes."""

    def __init__(self) -> None:
        self._level: int | None = None

    def holds(self, element: Element, depth: int, event: str) -> bool:
        """Whether an element is in such a part; `depth` is that after the event."""
        if self._level is not None:
            if depth < self._level:
                self._level = None
            return True
        if event == "start" and tag(element) in _UNREAD:
            self._level = depth
        return self._level is not None


def _is_on(properties: Element, name: str) -> bool:
    told = value_of(properties, name)
    return told is not None and told not in _OFF


def _by_their_names(archive: ZipFile, main: str) -> dict[str, Relation]:
    """The parts of a document that names none: programs call them all the same."""
    folder = main.rpartition("/")[0]
    parts = {name: name.removeprefix(f"{folder}/") for name in archive.NameToInfo}
    return {
        name: Relation(found[1], name)
        for name, part in parts.items()
        if (found := _PART_NAME.fullmatch(part))
    }


def _elements_of_styles(root: Element | None) -> dict[str, Element]:
    """Each style by its id: ids follow the author's language, names do not."""
    return {} if root is None else {attribute(each, "styleId"): each for each in children(root, "style")}


def _resolved(key: str, elements: dict[str, Element]) -> _Style:
    """A style with what it takes from those that it is based on."""
    heading: int | None = None
    item = ListItem()
    seen = set[str]()
    while key in elements and key not in seen:
        seen.add(key)
        own = _own_style(elements[key])
        heading = own.heading if heading is None else heading
        item = ListItem(
            own.item.list_id if item.list_id is None else item.list_id,
            own.item.level if item.level is None else item.level,
        )
        key = value_of(elements[key], "basedOn") or ""
    return _Style(heading if heading != _BODY_LEVEL + 1 else None, item)


def _own_style(element: Element) -> _Style:
    properties = next(children(element, "pPr"), None)
    own_list = None if properties is None else next(children(properties, "numPr"), None)
    return _Style(_heading_level(element, properties), _item(own_list))


def _heading_level(style: Element, properties: Element | None) -> int | None:
    name = (value_of(style, "name") or "").lower()
    if name.startswith("heading"):
        number = name.removeprefix("heading").strip()
        return int(number) if number.isdecimal() and len(number) == 1 else 1
    if name.startswith("title"):
        return _TITLE_LEVEL
    outline = value_of(properties, "outlineLvl")
    return int(outline) + 1 if outline and outline.isdecimal() else None


def _item(properties: Element | None) -> ListItem:
    level = value_of(properties, "ilvl")
    return ListItem(value_of(properties, "numId"), int(level) if level and level.isdecimal() else None)


def _apart(text: str) -> str:
    return f" {text} " if text else ""


def _answer(field: Element) -> str:
    """What was chosen in a field of an old form."""
    for box in children(field, "checkBox"):
        told = value_of(box, "checked")
        told = value_of(box, "default") if told is None else told or "1"
        return _UNCHECKED if told is None or told in _OFF else _CHECKED
    for choice in children(field, "ddList"):
        entries = [attribute(entry, "val") for entry in children(choice, "listEntry")]
        chosen = value_of(choice, "result") or value_of(choice, "default") or "0"
        return entries[int(chosen)] if chosen.isdecimal() and int(chosen) < len(entries) else ""
    return ""


def _holds_table(table: Element) -> bool:
    return any(tag(each) == "tbl" for each in table.iter() if each is not table)


def _header_rows(rows: Iterable[Element]) -> int:
    """How many of the first rows are marked as those that each page repeats."""
    return sum(1 for _ in takewhile(_is_header, rows))


def _is_header(row: Element) -> bool:
    return any(_is_on(properties, "tblHeader") for properties in children(row, "trPr"))


def _span(columns: str) -> int:
    return min(int(columns), _MOST_COLUMNS) if columns.isdecimal() else 0


def _nearest(element: Element, name: str) -> Iterator[Element]:
    """Descendants of a tag that lie in no other of it."""
    return _nearest_of(element, {name})


def _nearest_of(element: Element, names: set[str]) -> Iterator[Element]:
    for child in element:
        if tag(child) in names:
            yield child
        elif tag(child) not in _UNREAD:
            yield from _nearest_of(child, names)


# What a single element shows; text that is typed into the field of an old form follows it.
_SHOWN: dict[str, Callable[[Element], str]] = {
    "docPr": lambda element: _apart(alternative_text(element)),
    "sym": lambda element: symbol(attribute(element, "font"), attribute(element, "char")),
    "ffData": _answer,
    "oMath": formula,
}
