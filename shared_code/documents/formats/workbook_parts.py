"""What an xlsx or xlsm holds beside the values of its cells: formats, comments, and text in drawings."""

import io
import posixpath
import re
import zlib
from collections.abc import Iterator
from itertools import chain, product
from typing import IO
from xml.etree.ElementTree import Element, ParseError, fromstring
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from shared_code.documents.formats.annotation import Annotation
from shared_code.documents.formats.number_format import GENERAL, built_in_format, is_general
from shared_code.documents.formats.workbook_bands import BandedSheet, width_if_large

# The formats of a row's cells by their columns, counted from 0.
CellFormats = dict[int, str]

_MACRO_SHEETS = {"xlMacrosheet", "xlIntlMacrosheet"}
_SHEET = rb'<(?:\w+:)?sheet\b[^<>]*\s\w+:id="(?:%b)"[^<>]*>(?:</(?:\w+:)?sheet>)?'
_COMPRESSION = 1
# What is drawn by a part of its own.
_DRAWN = {"chart", "relIds"}
_READ_BYTES = 256 * 1024
# With the styles that matter in its place. Every writer that is known puts the cell's name before its style.
_STYLED_CELL = rb'<(?:\w+:)?c\s(?:[^<>]*?\s)??r="([A-Z]{1,3})(\d{1,7})"\s(?:[^<>]*?\s)??s="(%b)"'
_CELL_NAME = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_RANGE = re.compile(r"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})\d{1,7}")
_LETTERS = [bytes([letter]) for letter in range(ord("A"), ord("Z") + 1)]
# The numbers of columns from 0, by their letters.
_COLUMNS = {
    letters: index
    for index, letters in enumerate(
        map(b"".join, chain(*(product(_LETTERS, repeat=length) for length in (1, 2, 3))))
    )
}
# What stands in place of a thread for programs that do not know threads.
_STAND_IN = "[Threaded comment]"
_BROKEN_PART = (ParseError, BadZipFile, KeyError, EOFError, zlib.error, NotImplementedError)


class WorkbookParts:
    """The parts of a workbook; one that is missing or broken costs what it would have said, and no more."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        main = next(iter(self._targets("", "officeDocument")), "xl/workbook.xml")
        self._main = main
        self._sheets = self._sheet_parts(main)
        styles = next(iter(self._targets(main, "styles")), "")
        self._formats = _cell_formats(self._root(styles))

    def without_macro_sheets(self, data: bytes) -> bytes:
        """The workbook without its sheets of old macros, for which its parser refuses all of it."""
        kinds = {key: kind for key, (kind, _) in self._targets_by_id(self._main).items()}
        keys = [re.escape(key.encode()) for key, kind in kinds.items() if kind in _MACRO_SHEETS]
        if not keys or not self._main.endswith(".xml"):
            return data
        sheet = re.compile(_SHEET % b"|".join(keys))
        changed = io.BytesIO()
        with ZipFile(changed, "w", ZIP_DEFLATED, compresslevel=_COMPRESSION) as written:
            for name in self._archive.namelist():
                part = self._archive.read(name)
                written.writestr(name, sheet.sub(b"", part) if name == self._main else part)
        return changed.getvalue()

    def formats(self, sheet: str) -> Iterator[tuple[int, CellFormats]]:
        """Rows of a sheet, counted from 1, with the formats of cells that do not show what is stored."""
        styles = {
            str(index).encode(): code for index, code in enumerate(self._formats) if not is_general(code)
        }
        part = self._sheets.get(sheet, "")
        if not styles or part not in self._archive.NameToInfo:
            return
        with self._archive.open(part) as stream:
            yield from _formatted_cells(stream, styles)

    def banded(self, sheet: str) -> BandedSheet | None:
        """A sheet in bands of rows, if it is too large to be read at once."""
        part = self._sheets.get(sheet, "")
        width = width_if_large(self._archive, part)
        if not width:
            return None
        others = {
            role: target
            for role in ("styles", "sharedStrings")
            for target in self._targets(self._main, role)
            if target in self._archive.NameToInfo
        }
        return BandedSheet(self._archive, self._main, part, width, others)

    def rows_of_names(self, sheet: str, first_column: int) -> dict[int, range]:
        """The rows with the names of what people have made tables of, and their columns from the first on."""
        rows = {}
        for target in self._targets(self._sheets.get(sheet, ""), "table"):
            root = self._root(target)
            found = None if root is None else _RANGE.fullmatch(root.get("ref", ""))
            if root is not None and found and root.get("headerRowCount", "1") != "0":
                left, right = (_COLUMNS[letters.encode()] - first_column for letters in found.group(1, 3))
                rows[int(found[2])] = range(left, right + 1)
        return rows

    def annotations(self, sheet: str) -> list[Annotation]:
        """The comments of a sheet and the texts of its drawings, by rows."""
        part = self._sheets.get(sheet, "")
        threads = [
            annotation
            for target in self._targets(part, "threadedComment")
            for annotation in self._threads(target)
        ]
        comments = [
            annotation for target in self._targets(part, "comments") for annotation in self._comments(target)
        ]
        drawn = [
            annotation for target in self._targets(part, "drawing") for annotation in self._drawn(target)
        ]
        return sorted([*threads, *comments, *drawn], key=lambda annotation: annotation.row)

    def _sheet_parts(self, main: str) -> dict[str, str]:
        targets = self._targets_by_id(main)
        root = self._root(main)
        return {
            sheet.get("name", ""): targets.get(_attribute(sheet, "id"), ("", ""))[1]
            for sheet in ([] if root is None else root.iter())
            if _tag(sheet) == "sheet"
        }

    def _threads(self, part: str) -> Iterator[Annotation]:
        for thread in self._elements(part, "threadedComment"):
            yield from _annotation(thread.get("ref", ""), "".join(_texts(thread, "text")))

    def _comments(self, part: str) -> Iterator[Annotation]:
        for comment in self._elements(part, "comment"):
            text = "".join(_texts(comment, "t"))
            if not text.startswith(_STAND_IN):
                yield from _annotation(comment.get("ref", ""), text)

    def _drawn(self, part: str) -> Iterator[Annotation]:
        """Text boxes and shapes where they begin, titles of charts, SmartArt, and alternative texts."""
        parts = self._targets_by_id(part)
        root = self._root(part)
        for anchor in [] if root is None else root:
            row = next((int(row.text or 0) + 1 for row in anchor.iter() if _tag(row) == "row"), 1)
            texts = [*_paragraphs(anchor), *_alternative_texts(anchor)]
            for key in (
                _attribute(e, "id") or _attribute(e, "dm") for e in anchor.iter() if _tag(e) in _DRAWN
            ):
                drawn = self._root(parts.get(key, ("", ""))[1])
                texts += [] if drawn is None else _paragraphs(drawn)
            if texts:
                yield Annotation(row, "\n".join(texts))

    def _elements(self, part: str, tag: str) -> Iterator[Element]:
        root = self._root(part)
        return iter(()) if root is None else (element for element in root.iter() if _tag(element) == tag)

    def _targets(self, part: str, kind: str) -> list[str]:
        return [target for key, target in self._targets_by_id(part).values() if key == kind]

    def _targets_by_id(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: kind and name of other parts."""
        folder, name = posixpath.split(part)
        root = self._root(f"{folder}/_rels/{name}.rels".lstrip("/"))
        return {
            relation.get("Id", ""): (
                relation.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip("/"),
            )
            for relation in ([] if root is None else root)
        }

    def _root(self, part: str) -> Element | None:
        try:
            return fromstring(self._archive.read(part))  # noqa: S314 - expat bounds entities
        except _BROKEN_PART:
            return None


def _formatted_cells(stream: IO[bytes], styles: dict[bytes, str]) -> Iterator[tuple[int, CellFormats]]:
    styled_cell = re.compile(_STYLED_CELL % b"|".join(styles))
    row, formats, rest = b"0", CellFormats(), b""
    while read := stream.read(_READ_BYTES):
        # No tag has another within, so a tag is whole where the next one has begun.
        text, mark, rest = (rest + read).rpartition(b"<")
        rest = mark + rest
        for column, number, style in styled_cell.findall(text):
            if number != row:
                if formats:
                    yield int(row), formats
                row, formats = number, {}
            formats[_COLUMNS[column]] = styles[style]
    if formats:
        yield int(row), formats


def _cell_formats(root: Element | None) -> list[str]:
    """The number formats of the styles that cells refer to, in their order."""
    if root is None:
        return []
    codes = {
        element.get("numFmtId", ""): element.get("formatCode", GENERAL)
        for element in root.iter()
        if _tag(element) == "numFmt"
    }
    styles = next((element for element in root if _tag(element) == "cellXfs"), ())
    ids = [style.get("numFmtId", "0") for style in styles]
    return [codes.get(key) or built_in_format(int(key) if key.isdecimal() else 0) for key in ids]


def _annotation(cell: str, text: str) -> Iterator[Annotation]:
    found = _CELL_NAME.match(cell)
    if found and text.strip():
        yield Annotation.comment(int(found[2]), cell, text.strip())


def _paragraphs(element: Element) -> list[str]:
    """The text of each paragraph, without the copies for old programs."""
    if _tag(element) == "Fallback":
        return []
    if _tag(element) == "p":
        text = "".join(_texts(element, "t")).strip()
        return [text] if text else []
    return [text for child in element for text in _paragraphs(child)]


def _alternative_texts(element: Element) -> Iterator[str]:
    return (text for e in element.iter() if _tag(e) == "cNvPr" and (text := e.get("descr", "").strip()))


def _texts(element: Element, tag: str) -> Iterator[str]:
    return (child.text or "" for child in element.iter() if _tag(child) == tag)


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _attribute(element: Element, name: str) -> str:
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")
