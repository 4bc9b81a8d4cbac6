"""Sheets of an xlsx that are too large to be read at once, in bands of rows.

The parser makes a grid of a sheet, of which each place takes memory, blank ones too. The bands stand as
sheets in a workbook of their own, so that the parser holds one grid at a time.
"""

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time, timedelta
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from python_calamine import CalamineWorkbook

from shared_code.documents.errors import BrokenDocument, DocumentTooLarge

Value = float | str | date | time | timedelta
# The row and the column of a first and of a last cell, counted from 0.
Range = tuple[tuple[int, int], tuple[int, int]]

_LARGE_BYTES = 20_000_000
_LARGE_GRID = 2_000_000
_READ_BYTES = 1_000_000
_BAND_BYTES = 4_000_000
_MOST_BANDS = 20_000
_NAME = "band{}"
_PART = "xl/band{}.xml"
_COMPRESSION = 1
_DIMENSION = re.compile(
    rb'<(?:\w+:)?dimension\b[^>]*?ref="[A-Z]+\d+:([A-Z]+)(\d+)"[^>]*>(?:\s*</(?:\w+:)?dimension>)?'
)
_SHEET_DATA = re.compile(rb"<((?:\w+:)?)sheetData\b[^>]*>")
# What looks like a row in a comment or in the text of a cell is none; one that has not ended goes on later.
_ROW = re.compile(
    rb'<(?:!--.*?(?:-->|\Z)|!\[CDATA\[.*?(?:\]\]>|\Z)|((?:\w+:)?row\b)(?:[^>]*?\sr="(\d{1,7})")?)',
    re.DOTALL,
)
_CELL = re.compile(rb'\sr="([A-Z]{1,3})\d')
_END_OF_DATA = re.compile(rb"</(?:\w+:)?sheetData>")
_FROM_1904 = re.compile(rb'date1904="(?:1|true)"')
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def width_if_large(archive: ZipFile, part: str) -> int:
    """How many columns a sheet has, if its grid may take more memory than there is; else 0."""
    if part not in archive.NameToInfo:
        return 0
    rows, width = _size(archive, part)
    is_large = archive.NameToInfo[part].file_size > _LARGE_BYTES or rows * width > _LARGE_GRID
    return width if is_large else 0


def _size(archive: ZipFile, part: str) -> tuple[int, int]:
    """Rows and columns of a sheet, as it says of itself or else by its cells."""
    with archive.open(part) as stream:
        text = stream.read(_READ_BYTES)
        if found := _DIMENSION.search(text):
            return int(found[2]), _column(found[1])
        columns, rows = {b"A"}, 0
        while text:
            columns.update(_CELL.findall(text))
            rows = max(rows, *(int(number or 0) for _, number in _ROW.findall(text)[-2:]), 0)
            text = stream.read(_READ_BYTES)
    return rows, max(map(_column, columns))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


class BandedSheet:
    """A sheet in bands of rows."""

    def __init__(self, archive: ZipFile, main: str, part: str, width: int, others: Mapping[str, str]) -> None:
        """Cuts the sheet.

        Args:
            archive: the workbook.
            main: its main part.
            part: that of the sheet.
            width: how many columns it has.
            others: the parts that its cells refer to, by their roles: styles and sharedStrings.

        Raises:
            DocumentTooLarge: its rows lie too far apart.
        """
        self._file = io.BytesIO()
        with ZipFile(self._file, "w", ZIP_DEFLATED, compresslevel=_COMPRESSION) as written:
            with archive.open(part) as stream:
                self._count = _write_bands(stream, written, max(1, _LARGE_GRID // width))
            for role, name in others.items():
                written.writestr(f"xl/{role}.xml", archive.read(name))
            is_from_1904 = _FROM_1904.search(archive.read(main)) is not None
            _write_workbook(written, self._count, others, is_from_1904=is_from_1904)

    def rows(self) -> Iterator[tuple[int, list[Value]]]:
        """The rows with the numbers that a spreadsheet shows, and their cells from column A on."""
        with self._opened() as workbook:
            for number in range(self._count):
                band = workbook.get_sheet_by_name(_NAME.format(number))
                row, column = band.start or (0, 0)
                for place, cells in enumerate(band.to_python(), start=row + 1):
                    yield place, [*[""] * column, *cells]

    def merged_cell_ranges(self) -> list[Range]:
        """The merged cells, which the last band lists, below the rows."""
        with self._opened() as workbook:
            return workbook.get_sheet_by_name(_NAME.format(self._count - 1)).merged_cell_ranges or []

    def _opened(self) -> CalamineWorkbook:
        self._file.seek(0)
        return CalamineWorkbook.from_filelike(self._file)


def _write_bands(stream: IO[bytes], written: ZipFile, most_rows: int) -> int:
    """Writes the bands of a sheet, the last one without rows, and tells how many there are."""
    text = b""
    while not (found := _SHEET_DATA.search(text)) and (read := stream.read(_READ_BYTES)):
        text += read
    if not found:
        raise BrokenDocument("A sheet of the workbook cannot be read.")
    head = _DIMENSION.sub(b"", text[: found.end()])
    end = b"</%bsheetData></%bworksheet>" % (found[1], found[1])
    count = 0
    for band in _bands(text[found.end() :], stream, most_rows):
        is_last = _END_OF_DATA.match(band)
        written.writestr(_PART.format(count), head + band + (b"" if is_last else end))
        count += 1
        if count > _MOST_BANDS:
            raise DocumentTooLarge.past("rows far apart in a sheet", _MOST_BANDS)
    return count


def _bands(text: bytes, stream: IO[bytes], most_rows: int) -> Iterator[bytes]:
    """Rows in bands, and then what stands below them."""
    before = 0
    while True:
        end = _END_OF_DATA.search(text)
        cut = 0
        for place, row in _cuts(text, end.start() if end else len(text), most_rows, before):
            yield _numbered(text[cut:place], before + 1)
            cut, before = place, row - 1
        text = text[cut:]
        if end or not (read := stream.read(_BAND_BYTES)):
            break
        text += read
    end = _END_OF_DATA.search(text)
    rows = end.start() if end else len(text)
    yield _numbered(text[:rows], before + 1)
    yield (text[rows:] or b"</sheetData>") + stream.read()


def _cuts(text: bytes, end: int, most_rows: int, row: int) -> Iterator[tuple[int, int]]:
    """The places and numbers of rows before which a band ends, since it would be long or high."""
    last, first_row = 0, None
    for found in _ROW.finditer(text, 0, end):
        if not found[1]:
            continue
        row = int(found[2] or row + 1)
        first_row = row if first_row is None else first_row
        if found.start() - last > _BAND_BYTES or row - first_row >= most_rows:
            last, first_row = found.start(), row
            yield last, row


def _numbered(rows: bytes, number: int) -> bytes:
    """Rows of which the first tells its number, as it need not in a whole sheet."""
    first = next((found for found in _ROW.finditer(rows) if found[1]), None)
    if first is None or first[2]:
        return rows
    return b'%b r="%d"%b' % (rows[: first.end(1)], number, rows[first.end(1) :])


def _write_workbook(written: ZipFile, count: int, roles: Iterable[str], *, is_from_1904: bool) -> None:
    names = [_NAME.format(number) for number in range(count)]
    sheets = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="{n}"/>' for i, n in enumerate(names, start=1))
    dates = '<workbookPr date1904="1"/>' if is_from_1904 else ""
    parts = [(name, "worksheet", f"{name}.xml") for name in names] + [(r, r, f"{r}.xml") for r in roles]
    links = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{role}" Target="{target}"/>' for key, role, target in parts
    )
    main = f'<Relationship Id="main" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    for name, content in {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{main}</Relationships>',
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{dates}<sheets>{sheets}</sheets></workbook>'
        ),
    }.items():
        written.writestr(name, content)
