"""Tables of web pages: which of them hold data, and their cells in a grid."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from selectolax.lexbor import LexborNode

from shared_code.documents.formats.merged_cells import from_above, unless_blank
from shared_code.documents.formats.table import Cells

_HEADINGS = "h1, h2, h3, h4, h5, h6"
_BLOCKS = "p, div, li, pre, blockquote"
_LAYOUT_ROLES = {"presentation", "none"}
# A cell of more blocks than this is a part of a page, and its table a way to lay it out.
_BLOCKS_OF_A_CELL = 4
# As many columns and rows as browsers let a cell span.
_MOST_COLUMNS = 1_000
_MOST_ROWS = 65_534
# A table that lies deeper in another one is not made by people.
_DEEPEST = 256

_Spanned = dict[int, tuple[str | None, int]]
_Row = tuple[LexborNode, list[tuple[LexborNode, str]]]


@dataclass(frozen=True, slots=True)
class WebTable:
    """A table of data: its cells, and how many of its first rows are marked as names."""

    rows: Iterable[Cells]
    header_rows: int


def tables_of_data(body: LexborNode) -> list[LexborNode]:
    """The tables that are more than a way to lay out a page: no other table lies in them."""
    tables = body.css("table")
    around = {outer.mem_id for table in tables if (outer := _table_around(table)) is not None}
    return [table for table in tables if table.mem_id not in around and _holds_data(table)]


def _table_around(table: LexborNode) -> LexborNode | None:
    node = table.parent
    for _ in range(_DEEPEST):
        if node is None or node.tag == "table":
            return node
        node = node.parent
    return None


def _holds_data(table: LexborNode) -> bool:
    if table.attributes.get("role") in _LAYOUT_ROLES or table.css_first(_HEADINGS) is not None:
        return False
    width = 0
    for row in table.css("tr"):
        cells = _cells(row)
        width = max(width, len(cells))
        if any(len(cell.css(_BLOCKS)) > _BLOCKS_OF_A_CELL for cell in cells):
            return False
    return width > 1  # one column is not a table


def web_table(
    table: LexborNode, text_of: Callable[[LexborNode], str], others: Iterable[LexborNode] = ()
) -> WebTable:
    """The grid of a table that holds data; cells that span several columns stand in the first of them.

    Args:
        table: the table, or the beginning of a long one.
        text_of: the text of a cell.
        others: tables of what follows in a long one.
    """
    grid: list[Cells] = []
    header_rows = 0
    # Columns that a cell further up spans, what it holds there, and for how many rows yet.
    spanned: _Spanned = {}
    for row, cells in _rows(table, text_of, spanned):
        if header_rows == len(grid) and _is_of_names(row, cells):
            header_rows += 1
        grid.append(unless_blank(list(_spread(cells, spanned))))
    following = (
        unless_blank(list(_spread(cells, spanned)))
        for other in others
        for _, cells in _rows(other, text_of, spanned)
    )
    return WebTable(chain(grid, following), header_rows)


def _rows(table: LexborNode, text_of: Callable[[LexborNode], str], spanned: _Spanned) -> Iterator[_Row]:
    """The rows with their cells and the texts of these."""
    part: int | None = None
    for row in table.css("tr"):
        if row.parent is not None and row.parent.mem_id != part:
            if part is not None:
                spanned.clear()  # no cell reaches from the head of a table into its body
            part = row.parent.mem_id
        yield row, [(cell, text_of(cell)) for cell in _cells(row)]


def _cells(row: LexborNode) -> list[LexborNode]:
    return [cell for cell in row.iter() if cell.tag in {"td", "th"}]


def _is_of_names(row: LexborNode, cells: list[tuple[LexborNode, str]]) -> bool:
    """Whether a row is marked as names: by its part of the table, or cell for cell but for a blank corner."""
    if row.parent is not None and row.parent.tag == "thead":
        return True
    names = [text for cell, text in cells if cell.tag == "th"]
    others = [text for cell, text in cells if cell.tag != "th"]
    return bool(names) and not any(others) and (not others or sum(map(bool, names)) > 1)


def _spread(cells: list[tuple[LexborNode, str]], spanned: _Spanned) -> Iterator[str | None]:
    """A row's cells in their columns, and where a cell further up goes on what that holds."""
    column = 0
    for cell, text in cells:
        while column in spanned:
            yield _continued(spanned, column)
            column += 1
        columns = rows = 1
        if column < _MOST_COLUMNS:
            columns, rows = _span(cell, "colspan", _MOST_COLUMNS), _span(cell, "rowspan", _MOST_ROWS)
        for number in range(columns):
            held = None if number else text
            if rows > 1:
                spanned[column + number] = held, rows - 1
            yield held
        column += columns
    for after in range(column, max(spanned, default=-1) + 1):
        yield _continued(spanned, after) if after in spanned else ""


def _continued(spanned: _Spanned, column: int) -> str | None:
    text, rows = spanned.pop(column)
    if rows > 1:
        spanned[column] = text, rows - 1
    return from_above(text, column)


def _span(cell: LexborNode, name: str, most: int) -> int:
    told = (cell.attributes.get(name) or "").strip()
    return min(max(int(told), 1), most) if told.isdecimal() else 1
