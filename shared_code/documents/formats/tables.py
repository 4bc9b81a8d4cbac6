"""Rows of csv and xlsx files as texts of their own: each cell stands beside the name of its column.

A row out of its table still says what its numbers are, so any chunk of rows can be understood alone.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, zip_longest

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
)

from shared_code.documents.document import Limits, Position, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge, EncryptedDocument
from shared_code.documents.formats.archive import open_archive
from shared_code.documents.formats.decoding import decode

Row = tuple[int, Sequence[str]]

_DELIMITERS = ",;\t|"
# Excel's way to tell it in a line of its own.
_TOLD_DELIMITER = re.compile(r"""["']?sep=([^\w"'\n])["']?(?:\n|$)""", re.IGNORECASE)
_SAMPLE_ROWS = 20
_SAMPLE_CHARACTERS = 64 * 1024
_NUMBER = re.compile(r"[-+]?[\d.,]+%?")
# One stray quote joins many cells into one: that is no reason to lose them.
_CELL_CHARACTERS = 2**31 - 1


def read_csv(data: bytes, limits: Limits) -> Iterator[Segment]:
    """The rows of a delimited file; a row's number is that which a spreadsheet shows."""
    text = decode(data)
    csv.field_size_limit(_CELL_CHARACTERS)
    told = _TOLD_DELIMITER.match(text)
    text = text[told.end() :] if told else text
    delimiter = told[1] if told else max(_DELIMITERS, key=lambda delimiter: _evenness(text, delimiter))
    _, _, width = _evenness(text, delimiter)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        yield from _segments(enumerate(rows, start=1), None, limits, width)
    except csv.Error as error:
        raise BrokenDocument(f"The file cannot be read as a table: {error}.") from error


def _evenness(text: str, delimiter: str) -> tuple[float, bool, int]:
    """How many of the first rows have the same number of cells, and that number; the best is the greatest.

    Where all else is even, a comma stands within the cells: decimal ones do.
    """
    rows = csv.reader(io.StringIO(text[:_SAMPLE_CHARACTERS]), delimiter=delimiter)
    widths = Counter(len(row) for row in islice(filter(None, rows), _SAMPLE_ROWS))
    count, width = max(((count, width) for width, count in widths.items() if width > 1), default=(0, 0))
    return count / max(1, widths.total()), delimiter != ",", width


def read_xlsx(data: bytes, limits: Limits) -> Iterator[Segment]:
    """The rows of all worksheets, with the values that formulas had when the file was saved."""
    open_archive(data, limits).close()
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as workbook:
            yield from _worksheets(workbook, limits)
    except PasswordError as error:
        raise EncryptedDocument from error
    except CalamineError as error:
        raise BrokenDocument("The file cannot be read as an xlsx workbook.") from error


def _worksheets(workbook: CalamineWorkbook, limits: Limits) -> Iterator[Segment]:
    names = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    if len(names) > limits.sheets:
        raise DocumentTooLarge.past("sheets", limits.sheets)
    for name in names:
        yield from _segments(_rows(workbook.get_sheet_by_name(name)), name, limits)


def _rows(sheet: CalamineSheet) -> Iterator[Row]:
    for number, row in enumerate(sheet.iter_rows(), start=1):
        yield number, [_cell_text(cell) for cell in row]


def _cell_text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _segments(
    rows: Iterable[Row], sheet: str | None, limits: Limits, width: int | None = None
) -> Iterator[Segment]:
    """A text for each row; names are what the first row that is as wide as a table says, or none."""
    names: Sequence[str] | None = None
    for number, row in _filled(rows, limits):
        yield Segment(_row_text(row, names or ()), Position(sheet=sheet, row=number))
        if names is None and not _is_above_table(row, width):
            names = row if _is_header(row) else ()


def _is_above_table(row: Sequence[str], width: int | None) -> bool:
    """Titles stand in one cell; comments are cut into cells by chance."""
    return sum(map(bool, row)) == 1 or (row[0].startswith("#") and len(row) != (width or len(row)))


def _filled(rows: Iterable[Row], limits: Limits) -> Iterator[Row]:
    """The rows that hold anything."""
    for number, row in rows:
        if number > limits.rows:
            raise DocumentTooLarge.past("rows", limits.rows)
        cells = [cell.strip() for cell in row]
        if len(cells) > limits.columns:
            raise DocumentTooLarge.past("columns", limits.columns)
        if any(cells):
            yield number, cells


def _is_header(row: Sequence[str]) -> bool:
    """Names differ from each other and are no numbers."""
    names = [cell for cell in row if cell]
    return len(set(names)) == len(names) > 1 and not any(map(_NUMBER.fullmatch, names))


def _row_text(row: Sequence[str], names: Sequence[str]) -> str:
    return "; ".join(
        f"{name}: {cell}" if name else cell for name, cell in zip_longest(names, row, fillvalue="") if cell
    )
