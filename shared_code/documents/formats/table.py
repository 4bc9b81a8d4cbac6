"""Rows of cells as lines of text, each of which knows the line of names that stands over it.

Names are given once, in a line of their own, and are the context of the lines below; where that would lose
which value belongs to which name, they stand beside each value instead. Where no row is sure to hold names,
lines keep the places of blank cells.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, zip_longest

from shared_code.documents.document import DocumentLimits
from shared_code.documents.errors import DocumentTooLarge
from shared_code.documents.formats.cell_kind import VALUES, CellKind, cell_kind
from shared_code.documents.formats.merged_cells import has_from_above, own_cells
from shared_code.documents.formats.table_header import (
    Cells,
    Header,
    are_usual,
    find_header,
    goes_on,
    is_title,
    marked_header,
    unique,
)

# The number of a row and its cells: "" is a blank one, None the continuation of the one on its left.
Row = tuple[int, Cells]
# The numbers of rows that hold names, and of which columns.
NamedRows = Mapping[int, range]

__all__ = ["Cells", "NamedRows", "Row", "TableLine", "bounded", "table_lines"]

SEPARATOR = " | "
# Rows that are looked at before it is said what the names are, and cells where rows are long.
_SAMPLE_ROWS = 60
_SAMPLE_CELLS = 20_000
# Names of more tokens together, by a rough count, would fill the chunks: they are shortened, or else stand
# beside the values. Rows of this many columns are so long that this costs no more.
_MOST_HEADER_TOKENS = 200
_TOKEN = re.compile(r"[A-Za-z]{1,6}|\d{1,3}|[^\sA-Za-z\d]")
_LONGEST_NAME = 150
_SHORT_NAME = 60
_LONGEST_LABEL = 100
# Of fewer columns a row may well have the first one only.
_FEWEST_NAMED_COLUMNS = 3
# A row of as many columns, of which less than half hold anything, is hard to follow by places.
_FEWEST_SPARSE_COLUMNS = 4
_FEWEST_SPACED_ROWS = 4
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class TableLine:
    """A row as text; `header` names its columns; none where no names are sure or the text has them."""

    text: str
    row: int
    header: str = ""


def table_lines(
    rows: Iterable[Row], *, header_rows: int | None = None, named_rows: NamedRows | None = None
) -> Iterator[TableLine]:
    """The lines of a table, or of several that blank rows keep apart.

    A row of names is a line, too; the lines below have it as their header. Whoever makes segments of them
    puts the header into the context: a chunk that begins below the names still knows them.

    Args:
        rows: the rows with their numbers, blank ones included, and cells without white space around them.
            None stands where a merged cell, or one with a colspan, goes on.
        header_rows: how many of the first rows hold names where the format tells; None where it does not,
            so that the names are looked for.
        named_rows: the rows with which a table of its own begins, as the format tells.
    """
    ahead = _Ahead(rows, named_rows or {})
    block: _Block | None = None
    while sample := ahead.block():
        block = _Block(sample, block, 1 if ahead.begins_table(sample[0]) else header_rows)
        header_rows = None
        yield from block.head()
        yield from map(block.line, ahead.rows(after=block.head_size))


def bounded(rows: Iterable[Row], limits: DocumentLimits) -> Iterator[Row]:
    """Rows without white space around their cells, blank ones included, as many as allowed.

    Raises:
        DocumentTooLarge: a row that holds anything is past a limit.
    """
    for number, row in rows:
        cells = [cell.strip() if cell else cell for cell in row] if row else row
        if any(cells):
            _check(number, len(cells), limits)
        yield number, cells


def _check(rows: int, columns: int, limits: DocumentLimits) -> None:
    if rows > limits.rows:
        raise DocumentTooLarge.past("rows", limits.rows)
    if columns > limits.columns:
        raise DocumentTooLarge.past("columns", limits.columns)


class _Ahead:
    """Rows, looked at before they are read; blank ones end a block, unless they only space the rows."""

    def __init__(self, rows: Iterable[Row], named_rows: NamedRows) -> None:
        self._rows = iter(rows)
        self._named_rows = named_rows
        self._read: deque[Row] = deque()
        self._fill(_SAMPLE_ROWS)
        if _are_spaced(self._read):
            self._rows = (row for row in self._rows if not _is_blank(row[1]))
            self._read = deque(row for row in self._read if not _is_blank(row[1]))

    def block(self) -> list[Row]:
        """The first rows of the next block, which stay to be read; none at the end."""
        while self._read and _is_blank(self._read[0][1]):
            self._read.popleft()
        if not self._read:
            self._read.extend(islice((row for row in self._rows if any(row[1])), 1))
        if not self._read:
            return []
        self._fill(max(2, min(_SAMPLE_ROWS, _SAMPLE_CELLS // len(self._read[0][1]))))
        sample: list[Row] = []
        for row in islice(self._read, _SAMPLE_ROWS):
            if self._ends_block(row, sample[-1][1]) if sample else _is_blank(row[1]):
                break
            sample.append(row)
        return sample

    def rows(self, *, after: int) -> Iterator[Row]:
        """The rows of the block after the first ones."""
        above: Cells = ()
        for _ in range(after):
            above = self._read.popleft()[1]
        while self._fill(1) and not self._ends_block(self._read[0], above):
            row = self._read.popleft()
            above = row[1]
            yield row

    def begins_table(self, row: Row) -> bool:
        """Whether the format tells so, and nothing stands beside the names."""
        number, cells = row
        columns = self._named_rows.get(number)
        return columns is not None and all(c in columns for c, cell in enumerate(cells) if cell)

    def _ends_block(self, row: Row, above: Cells) -> bool:
        if self.begins_table(row) and (None not in above or is_title(above)):
            return True  # other rows of merged cells group the names below them
        return _ends_block(row[1], above)

    def _fill(self, size: int) -> bool:
        if size > len(self._read):
            self._read.extend(islice(self._rows, size - len(self._read)))
        return bool(self._read)


class _Block:
    """Rows under one header, or without any: places in a table, or pairs of labels and values."""

    def __init__(self, sample: Sequence[Row], before: "_Block | None", header_rows: int | None) -> None:
        cells = [own_cells(row[1]) for row in sample]
        own = _sure_header(sample, cells) if header_rows is None else marked_header(cells, header_rows)
        self.head_size = own.end if own else 0
        self._head_rows = sample[: self.head_size]
        self._own = own
        self._header = own or (before.header_below_blank(cells) if before else None)
        self._lone_row = cells[-1] if all(map(is_title, cells[:-1])) else None
        width = max(len(self._header.names) if self._header else 0, *map(len, cells))
        self._names: Sequence[str] = _padded(self._header.names if self._header else (), width)
        self._columns = [
            c for c in range(width) if self._names[c] or any(c < len(row) and row[c] for row in cells)
        ]
        self._line = self._header_line() if self._header else None
        self._is_of_pairs = self._header is None and _are_pairs(cells)

    def head(self) -> Iterator[TableLine]:
        """The lines above the block's first row: the names, and what stands above them."""
        if self._own is None:
            return
        for number, cells in self._head_rows[: self._own.start]:
            yield TableLine(_pair(cells) or self._by_places(cells), number)
        if self._own.end > self._own.start:
            names = SEPARATOR.join(self._own.names[column] for column in self._columns)
            yield TableLine(names, self._head_rows[self._own.start][0])

    def line(self, row: Row) -> TableLine:
        """A row of the block as a line."""
        number, cells = row
        if self._header is None:
            return TableLine((self._is_of_pairs and _pair(cells)) or self._by_places(cells), number)
        text = None if self._line is None else self._with_places(cells)
        if text is None or "\n" in text or text.count("|") >= len(self._columns):
            text = self._note(cells) or _beside_names(self._names, cells)
        return TableLine(text, number, self._line or "")

    def _note(self, cells: Cells) -> str:
        """Words that stand alone in the first column, whose name is not that of a note or of a group."""
        is_alone = len(self._columns) >= _FEWEST_NAMED_COLUMNS and not any(cells[1:])
        return (cells[0] or "") if is_alone and cell_kind(cells[0]) is CellKind.TEXT else ""

    def _with_places(self, cells: Cells) -> str | None:
        """A row whose cells stand in the places of the names; None where that is hard to follow."""
        if len(cells) == len(self._columns) == self._columns[-1] + 1 and all(cells):
            return SEPARATOR.join(map(str, cells))  # as most rows are
        return None if self._is_sparse(cells) else self._by_places(cells)

    def header_below_blank(self, cells: Sequence[Cells]) -> Header | None:
        """The header of rows that go on below a blank one; None where it is not sure that they do."""
        if self._lone_row is None:
            return self._header if self._header and goes_on(self._header, cells) else None
        header = find_header([self._lone_row, *cells])
        return header if header and header.end == 1 else None

    def _header_line(self) -> str | None:
        """The names in a line, shortened to fit; None where they do not."""
        for most in (_LONGEST_NAME, _SHORT_NAME):
            self._names = unique([_shortened(name, most) for name in self._names])
            line = SEPARATOR.join(self._names[column] for column in self._columns)
            if len(_TOKEN.findall(line)) <= _MOST_HEADER_TOKENS:
                return line
        return None

    def _by_places(self, cells: Cells) -> str:
        places = self._places(cells)
        if _filled(places) < _filled(cells):
            places = cells
        return SEPARATOR.join(_without_last_blanks([cell or "" for cell in places]))

    def _places(self, cells: Cells) -> Cells:
        """The cells in the columns that hold anything."""
        if len(self._columns) == self._columns[-1] + 1:
            return cells[: len(self._columns)]
        return [_at(cells, column) for column in self._columns]

    def _is_sparse(self, cells: Cells) -> bool:
        """Whether blanks make the places hard to follow, or a cell stands where the names end."""
        filled = _filled(cells)
        if len(self._columns) >= _FEWEST_SPARSE_COLUMNS and 1 < filled < len(self._columns) / 2:
            return True
        return filled > _filled(self._places(cells))


def _sure_header(sample: Sequence[Row], own: Sequence[Cells]) -> Header | None:
    """The header that is found in the cells of rows; none where a name goes on in what it names."""
    header = find_header(own)
    below = sample[header.end : header.end + 1] if header else ()
    return None if any(has_from_above(cells) for _, cells in below) else header


def _are_spaced(rows: Iterable[Row]) -> bool:
    """Whether every other row is blank, so that blank ones tell nothing."""
    runs = [(blank, len(list(run))) for blank, run in groupby(rows, lambda row: _is_blank(row[1]))]
    filled = [length for blank, length in runs if not blank]
    return len(filled) >= _FEWEST_SPACED_ROWS and max(filled) == 1


def _ends_block(row: Cells, above: Cells) -> bool:
    """Whether a row is blank, or names what follows: words that columns are called, below values."""
    if _is_blank(row):
        return True
    return _has_digit(above) and not _has_digit(row) and are_usual(row) and not _has_values(row)


def _has_digit(row: Cells) -> bool:
    return _DIGIT.search("".join([cell or "" for cell in row])) is not None


def _has_values(row: Cells) -> bool:
    return any(cell_kind(cell) in VALUES for cell in row)


def _are_pairs(rows: Sequence[Cells]) -> bool:
    """Whether each row is a label, which no other row has, and its value."""
    pairs = [list(filter(None, row)) for row in rows]
    labels = [pair[0] for pair in pairs if len(pair) == 2]  # noqa: PLR2004 - a pair
    if not labels or max(map(len, pairs)) > 2:  # noqa: PLR2004
        return False
    if len({row.index(pair[0]) for row, pair in zip(rows, pairs, strict=True)}) > 1:
        return False
    if len(labels) == 1 and cell_kind(pairs[-1][-1]) not in VALUES:
        return False
    return len(set(labels)) == len(labels) and all(cell_kind(label) is CellKind.TEXT for label in labels)


def _pair(cells: Cells) -> str:
    """The label and the value of a row that is a pair; else nothing."""
    pair = list(filter(None, cells))
    if len(pair) != 2 or len(pair[0]) > _LONGEST_LABEL:  # noqa: PLR2004 - a pair
        return ""
    return f"{pair[0].rstrip(':')}: {pair[1]}"


def _beside_names(names: Sequence[str], cells: Cells) -> str:
    return "; ".join(
        f"{name}: {cell}" if name else cell for name, cell in zip_longest(names, cells, fillvalue="") if cell
    )


def _shortened(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"


def _padded(names: Sequence[str], width: int) -> list[str]:
    return [*names, *[""] * (width - len(names))]


def _at(cells: Cells, column: int) -> str:
    return (cells[column] or "") if column < len(cells) else ""


def _without_last_blanks(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _filled(cells: Cells) -> int:
    return len(cells) - cells.count("") - cells.count(None)


def _is_blank(cells: Cells) -> bool:
    return not any(cells)
