"""Sheets of an ods file: each cell has the text that is shown beside its value."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO
from xml.etree.ElementTree import Element, ParseError, iterparse
from zipfile import BadZipFile, ZipFile

from shared_code.documents.document import DocumentLimits
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge, EncryptedDocument
from shared_code.documents.formats.annotation import Annotation
from shared_code.documents.formats.office import attribute, count_of, tag
from shared_code.documents.formats.open_document_objects import EmbeddedObjects
from shared_code.documents.formats.table import Row

_CONTENT = "content.xml"
_MANIFEST = "META-INF/manifest.xml"
_CELLS = {"table-cell", "covered-table-cell"}
_ANNOTATIONS = {"annotation", "frame", "custom-shape"}
_NOT_SHOWN = _ANNOTATIONS | {"table"}
_OF_A_CHART = {"table", "label-separator"}


@dataclass(slots=True)
class OpenDocumentSheet:
    """A sheet; annotations are known as far as its rows have been read."""

    name: str
    rows: Iterator[Row]
    annotations: list[Annotation] = field(default_factory=list)


def is_opendocument(archive: ZipFile) -> bool:
    """Whether a zip container is one of OpenDocument."""
    return _CONTENT in archive.NameToInfo and _MANIFEST in archive.NameToInfo


def opendocument_sheets(archive: ZipFile, limits: DocumentLimits) -> Iterator[OpenDocumentSheet]:
    """The sheets one after the other; the rows of each are to be read before the next is asked for.

    Raises:
        EncryptedDocument: the file is protected by a password.
        BrokenDocument: its XML cannot be read.
        DocumentTooLarge: it has too many sheets, or is nested too deep.
    """
    if b":encryption-data" in archive.read(_MANIFEST):
        raise EncryptedDocument
    try:
        with archive.open(_CONTENT) as stream:
            yield from _sheets(stream, limits, EmbeddedObjects(archive))
    except RecursionError as error:
        raise DocumentTooLarge.nested_past(limits.nesting) from error
    except (ParseError, BadZipFile, EOFError, zlib.error, NotImplementedError) as error:
        raise BrokenDocument("The file cannot be read as an ods workbook.") from error


def _sheets(
    stream: IO[bytes], limits: DocumentLimits, objects: EmbeddedObjects
) -> Iterator[OpenDocumentSheet]:
    events = _events(stream, limits)
    count = 0
    for event, element in events:
        if event != "start" or tag(element) != "table":
            continue
        count += 1
        if count > limits.sheets:
            raise DocumentTooLarge.past("sheets", limits.sheets)
        sheet = OpenDocumentSheet(attribute(element, "name"), iter(()))
        sheet.rows = _rows(events, element, sheet.annotations, objects)
        yield sheet


def _events(stream: IO[bytes], limits: DocumentLimits) -> Iterator[tuple[str, Element]]:
    depth = 0
    for event, element in iterparse(stream, ("start", "end")):  # noqa: S314 - expat bounds entities
        depth += 1 if event == "start" else -1
        if depth > limits.nesting:
            raise DocumentTooLarge.nested_past(limits.nesting)
        yield event, element


def _rows(
    events: Iterator[tuple[str, Element]],
    table: Element,
    annotations: list[Annotation],
    objects: EmbeddedObjects,
) -> Iterator[Row]:
    """The rows up to the end of their sheet; tables within cells or shapes are not sheets."""
    number, depth = 1, 1
    for event, element in events:
        name = tag(element)
        if name == "table":
            depth += 1 if event == "start" else -1
            if not depth:
                return
        if event == "start" or depth > 1:
            continue
        if name == "table-row":
            cells = _cells(element)
            annotations.extend(_annotations(element, number, objects))
            repeated = _repeated(element, "rows")
            for repetition in range(repeated if cells else min(repeated, 1)):
                yield number + repetition, cells
            number += repeated
            table.clear()  # what has been read is forgotten
        elif name == "shapes":
            objects.put_into(element)
            annotations.extend(Annotation(number, text) for text in _paragraphs(element))


def _cells(row: Element) -> list[str | None]:
    """The texts of cells up to the last that holds any; covered ones go on from their left neighbour."""
    cells: list[str | None] = []
    blanks: list[str | None] = []
    spanned = 0
    for cell in row:
        if tag(cell) not in _CELLS:
            continue
        text = "\n".join(_shown(cell))
        is_continued = tag(cell) == "covered-table-cell" and spanned > 0
        repeated = _repeated(cell, "columns")
        spanned = spanned - repeated if is_continued else count_of(cell, "number-columns-spanned") - 1
        blanks.extend([None if is_continued else ""] * (0 if text else repeated))
        if text:
            cells += [*blanks, *[text] * repeated]
            blanks = []
    return [*cells, *(blanks if None in blanks else ())]


def _shown(cell: Element) -> Iterator[str]:
    return (_text(child) for child in cell if tag(child) == "p")


def _text(element: Element) -> str:
    parts = [element.text or ""]
    for child in element:
        match tag(child):
            case "s":
                parts.append(" " * count_of(child, "c"))
            case "tab":
                parts.append("\t")
            case "line-break":
                parts.append("\n")
            case name if name not in _NOT_SHOWN:
                parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _annotations(row: Element, number: int, objects: EmbeddedObjects) -> Iterator[Annotation]:
    """The comments of a row's cells, and the texts of shapes that are anchored to them."""
    for element in [each for each in row.iter() if tag(each) in _ANNOTATIONS]:
        if tag(element) == "annotation":
            yield Annotation(number, "Comment: " + "\n".join(_paragraphs(element)))
        else:
            objects.put_into(element)
            yield from (Annotation(number, text) for text in _paragraphs(element))


def _paragraphs(element: Element) -> Iterator[str]:
    """The texts of a shape; of a chart its titles, as its values are those of cells."""
    for child in element:
        if tag(child) == "p" and (text := _text(child).strip()):
            yield text
        elif tag(child) not in _OF_A_CHART:
            yield from _paragraphs(child)


def _repeated(element: Element, what: str) -> int:
    return count_of(element, f"number-{what}-repeated")
