"""Workbooks, whatever program wrote them: the rows of all sheets with their cells as they are shown."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from zipfile import ZipFile

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
)

from shared_code.documents.document import DocumentLimits, Note, Position, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge, EncryptedDocument
from shared_code.documents.formats.annotation import Annotation
from shared_code.documents.formats.archive import is_compound_file, open_archive
from shared_code.documents.formats.csv_table import read_csv
from shared_code.documents.formats.encrypted_workbook import decrypted
from shared_code.documents.formats.merged_cells import with_merged_cells
from shared_code.documents.formats.number_format import GENERAL, shown, shown_in_general, text_shown
from shared_code.documents.formats.old_workbook_parts import OldWorkbookParts
from shared_code.documents.formats.opendocument_sheets import is_opendocument, opendocument_sheets
from shared_code.documents.formats.table import NamedRows, Row, bounded, table_lines
from shared_code.documents.formats.workbook_bands import BandedSheet, Range, Value
from shared_code.documents.formats.workbook_parts import CellFormats, WorkbookParts
from shared_code.documents.kinds import kind_of

_NO_FORMATS: CellFormats = {}
_SHEETS = (SheetTypeEnum.WorkSheet, SheetTypeEnum.ChartSheet)


def read_workbook(data: bytes, limits: DocumentLimits) -> Iterator[Segment]:
    """The rows of all worksheets of an xlsx, xlsm, xlsb, xls or ods file, as its content tells.

    Formulas have the values of when the file was saved. Comments and text boxes follow the row they are at.
    """
    if is_compound_file(data):
        data = decrypted(data)
    try:
        if is_compound_file(data):
            yield from _segments(data, None, limits)
        else:
            with open_archive(data, limits) as archive:
                read = _opendocument_segments if is_opendocument(archive) else _segments
                yield from read(data, archive, limits)
    except PasswordError as error:
        raise EncryptedDocument from error
    except CalamineError as error:
        raise BrokenDocument("The file cannot be read as a workbook.") from error


def read_xls(data: bytes, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """The rows of an xls file, or of what programs call so and Excel opens: pages and delimited values."""
    kind = kind_of("", data)
    if kind.is_binary:
        yield from read_workbook(data, limits)
    elif kind.name == "txt":
        yield from read_csv(data, limits)
    else:
        yield from kind.read(data, limits)


def _opendocument_segments(_data: bytes, archive: ZipFile, limits: DocumentLimits) -> Iterator[Segment]:
    for sheet in opendocument_sheets(archive, limits):
        yield from _sheet_segments(bounded(sheet.rows, limits), sheet.name, sheet.annotations)


def _segments(data: bytes, archive: ZipFile | None, limits: DocumentLimits) -> Iterator[Segment]:
    parts = WorkbookParts(archive) if archive else OldWorkbookParts(data)
    with CalamineWorkbook.from_filelike(io.BytesIO(parts.without_macro_sheets(data))) as workbook:
        kinds = {sheet.name: sheet.typ for sheet in workbook.sheets_metadata if sheet.typ in _SHEETS}
        if len(kinds) > limits.sheets:
            raise DocumentTooLarge.past("sheets", limits.sheets)
        for name, kind in kinds.items():
            if kind == SheetTypeEnum.ChartSheet:
                yield from _sheet_segments((), name, parts.annotations(name))
                continue
            grid = _Grid.of(parts.banded(name) or workbook.get_sheet_by_name(name))
            rows = bounded(_rows(grid, parts.formats(name)), limits)
            rows = with_merged_cells(rows, _cells_merged_with_those_below(grid))
            named = parts.rows_of_names(name, grid.first_column)
            yield from _sheet_segments(rows, name, parts.annotations(name), named)


@dataclass(frozen=True, slots=True)
class _Grid:
    """The cells of a sheet from a column on, which is counted from 0, in numbered rows."""

    rows: Iterator[tuple[int, list[Value]]]
    first_column: int
    merged: Sequence[Range]

    @classmethod
    def of(cls, sheet: BandedSheet | CalamineSheet) -> "_Grid":
        if isinstance(sheet, BandedSheet):
            return cls(sheet.rows(), 0, sheet.merged_cell_ranges())
        first_column = sheet.start[1] if sheet.start else 0
        return cls(enumerate(sheet.iter_rows(), start=1), first_column, sheet.merged_cell_ranges or ())


def _sheet_segments(
    rows: Iterable[Row], sheet: str, annotations: list[Annotation], named_rows: NamedRows | None = None
) -> Iterator[Segment]:
    for line in table_lines(rows, named_rows=named_rows):
        while annotations and annotations[0].row < line.row:
            yield _annotation_segment(annotations.pop(0), sheet)
        yield Segment(line.text, Position(sheet=sheet, row=line.row), (sheet,), line.header)
    for annotation in annotations:
        yield _annotation_segment(annotation, sheet)


def _annotation_segment(annotation: Annotation, sheet: str) -> Segment:
    return Segment(annotation.text, Position(sheet=sheet, row=annotation.row), (sheet,))


def _rows(grid: _Grid, formats: Iterator[tuple[int, CellFormats]]) -> Iterator[Row]:
    """The rows of a sheet, whose numbers are those that a spreadsheet shows."""
    first = grid.first_column
    continued = _continued_cells(grid)
    formatted = next(formats, None)
    last = 0
    for number, cells in grid.rows:
        if number > last + 1:
            yield last + 1, []
        last = number
        if cells.count("") == len(cells):
            yield number, []
            continue
        while formatted and formatted[0] < number:
            formatted = next(formats, None)
        codes = formatted[1] if formatted and formatted[0] == number else _NO_FORMATS
        row: list[str | None] = [
            _text(cell, codes.get(column)) if isinstance(cell, str) else _cell_text(cell, codes.get(column))
            for column, cell in enumerate(cells, first)
        ]
        for column in continued.get(number, ()):
            if first <= column < first + len(row) and not row[column - first]:
                row[column - first] = None
        yield number, row


def _continued_cells(grid: _Grid) -> dict[int, list[int]]:
    """The columns that merged cells go on in, by the numbers of the rows they begin in."""
    continued: dict[int, list[int]] = {}
    for (top, left), (_, right) in grid.merged:
        continued.setdefault(top + 1, []).extend(range(left + 1, right + 1))
    return continued


def _cells_merged_with_those_below(grid: _Grid) -> dict[int, dict[int, int]]:
    """The last row of each such cell, by the row and the column that it begins in."""
    first = grid.first_column
    merged: dict[int, dict[int, int]] = {}
    for (top, left), (bottom, right) in grid.merged:
        if bottom > top:
            # Cells before the first column that holds anything are not in the rows.
            columns = dict.fromkeys(range(max(left - first, 0), right - first + 1), bottom + 1)
            merged.setdefault(top + 1, {}).update(columns)
    return merged


def _text(cell: str, code: str | None) -> str:
    return cell if code is None or not cell else text_shown(cell, code)


def _cell_text(cell: float | date | time | timedelta, code: str | None) -> str:
    if isinstance(cell, bool):
        return str(cell).upper()
    if code is None and isinstance(cell, (float, int)):
        return shown_in_general(cell)
    return shown(cell, code or GENERAL)
