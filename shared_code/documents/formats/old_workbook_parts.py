"""What an xls holds beside the values of its cells: their number formats, comments and text boxes.

The stream of records is described in [MS-XLS]; Excel 5 and 95 write texts in one code page.
"""

import codecs
import io
import struct
from collections.abc import Iterator
from itertools import groupby

from olefile import OleFileIO

from shared_code.documents.errors import EncryptedDocument
from shared_code.documents.formats.annotation import Annotation
from shared_code.documents.formats.number_format import built_in_format, is_general
from shared_code.documents.formats.old_workbook_notes import CONTINUED, annotations_of
from shared_code.documents.formats.workbook_parts import CellFormats

_FORMULA, _EOF, _SHEET, _SEVERAL_NUMBERS, _STYLE = 0x06, 0x0A, 0x85, 0xBD, 0xE0
_NUMBER, _SHORT_NUMBER, _FORMAT = 0x203, 0x27E, 0x41E
_PASSWORD, _CODE_PAGE, _BEGINNING = 0x2F, 0x42, 0x809
_CELLS = {_FORMULA, _NUMBER, _SHORT_NUMBER, _SEVERAL_NUMBERS}
# As many as the fields of any of these have: what is cut off reads as zeros. Texts that go on have no fields.
_LEAST_BYTES = 12
_STREAMS = ("Workbook", "Book")
_EXCEL_97 = 0x600
_LATIN = "cp1252"

Record = tuple[int, bytes]


class OldWorkbookParts:
    """The formats of the cells of all sheets; a broken stream has none."""

    def __init__(self, data: bytes) -> None:
        self._stream = _workbook_stream(data)
        self._formats: list[str] = []
        self._sheets: dict[str, int] = {}
        # Of Excel 5 and 95; later ones write texts in Unicode.
        self._code_page = ""
        codes: dict[int, str] = {}
        for kind, record in _records(self._stream, 0):
            if kind == _BEGINNING and struct.unpack_from("<H", record)[0] < _EXCEL_97:
                self._code_page = _LATIN
            elif kind == _PASSWORD:
                raise EncryptedDocument  # none is left in a file that was decrypted
            elif kind == _CODE_PAGE and self._code_page:
                self._code_page = _code_page(struct.unpack_from("<H", record)[0])
            elif kind == _FORMAT:
                codes[struct.unpack_from("<H", record)[0]] = self._string(record[2:], "<H")
            elif kind == _STYLE:
                number = struct.unpack_from("<H", record, 2)[0]
                self._formats.append(codes.get(number) or built_in_format(number))
            elif kind == _SHEET:
                self._sheets[self._string(record[6:], "<B")] = struct.unpack_from("<I", record)[0]

    def formats(self, sheet: str) -> Iterator[tuple[int, CellFormats]]:
        """Rows of a sheet, counted from 1, with the formats of cells that do not show what is stored."""
        if sheet not in self._sheets:
            return
        for row, cells in groupby(_styled_cells(self._stream, self._sheets[sheet]), key=lambda cell: cell[0]):
            yield row + 1, {column: code for _, column, style in cells if (code := self._format(style))}

    def without_macro_sheets(self, data: bytes) -> bytes:
        """The workbook as it is: its parser passes over sheets of macros."""
        return data

    def banded(self, _sheet: str) -> None:
        """Nothing: no sheet of such files is so large."""

    def rows_of_names(self, _sheet: str, _first_column: int) -> dict[int, range]:
        """Nothing: such files tell of no tables."""
        return {}

    def annotations(self, sheet: str) -> list[Annotation]:
        """The comments of a sheet and the texts of its drawings, by rows; none of Excel 5 and 95."""
        if sheet not in self._sheets or self._code_page:
            return []
        return annotations_of(_records(self._stream, self._sheets[sheet]))

    def _string(self, record: bytes, length: str) -> str:
        if self._code_page:
            return record[1 : 1 + record[0]].decode(self._code_page, "replace")
        return _string(record, length)

    def _format(self, style: int) -> str:
        code = self._formats[style] if style < len(self._formats) else ""
        return "" if is_general(code) else code


def _code_page(number: int) -> str:
    try:
        return codecs.lookup(f"cp{number}").name
    except LookupError:
        return _LATIN


def _workbook_stream(data: bytes) -> bytes:
    try:
        with OleFileIO(io.BytesIO(data)) as container:
            name = next(name for name in _STREAMS if container.exists(name))
            return bytes(container.openstream(name).read())
    except (OSError, ValueError, struct.error, IndexError, StopIteration):
        return b""


def _records(stream: bytes, start: int) -> Iterator[Record]:
    """The records from a place on, to the end of what begins there, without those of charts within it."""
    depth = 0
    while start + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, start)
        depth += (kind == _BEGINNING) - (kind == _EOF)
        if depth <= 0 and kind == _EOF:
            return
        if depth <= 1:
            record = stream[start + 4 : start + 4 + size]
            yield kind, record if kind == CONTINUED else record.ljust(_LEAST_BYTES, b"\0")
        start += 4 + size


def _styled_cells(stream: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Row, column and style of the cells that hold numbers."""
    for kind, record in _records(stream, start):
        if kind not in _CELLS:
            continue
        row, column, style = struct.unpack_from("<HHH", record)
        if kind != _SEVERAL_NUMBERS:
            yield row, column, style
            continue
        for index, place in enumerate(range(4, len(record) - 7, 6)):
            yield row, column + index, struct.unpack_from("<H", record, place)[0]


def _string(record: bytes, length: str) -> str:
    """A text after its length and a byte that tells whether letters have one byte or two."""
    start = struct.calcsize(length) + 1
    count, is_wide = struct.unpack_from(length, record)[0], record[start - 1] & 1
    if is_wide:
        return record[start : start + 2 * count].decode("utf-16-le", "replace")
    return record[start : start + count].decode("latin-1")
