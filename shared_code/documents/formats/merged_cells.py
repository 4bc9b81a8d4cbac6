"""Cells that are merged with the one above: what it shows belongs to each row, but is not a name there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from shared_code.documents.formats.cell_kind import CellKind, cell_kind, is_year

_Row = tuple[int, Sequence[str | None]]

# A longer text is a paragraph beside its rows: to repeat it would cost more than it tells.
_LONGEST = 60


class FromAbove(str):
    """The text of the cell above, which a cell is merged with."""

    __slots__ = ()


def from_above(text: str | None, column: int) -> str | None:
    """What a cell holds that is merged with one of this text; None goes on to the left in both.

    A number that several rows share is that of all together: in each of them it would count several times. In
    the first column it is what the rows are called.
    """
    if text is None:
        return None
    if column and cell_kind(text) is CellKind.NUMBER and not is_year(text):
        return ""
    return FromAbove(text) if text and len(text) <= _LONGEST and "\n" not in text else ""


def has_from_above(cells: Sequence[str | None]) -> bool:
    """Whether a cell of a row is merged with the one above."""
    return any(isinstance(cell, FromAbove) for cell in cells)


def own_cells(cells: Sequence[str | None]) -> Sequence[str | None]:
    """A row without what is from above."""
    return ["" if isinstance(cell, FromAbove) else cell for cell in cells]


def unless_blank(cells: Sequence[str | None]) -> Sequence[str | None]:
    """A row, or no cells where it holds nothing of its own."""
    return cells if any(own_cells(cells)) else ()


def with_merged_cells(rows: Iterable[_Row], merged: Mapping[int, Mapping[int, int]]) -> Iterator[_Row]:
    """The rows of a sheet with what is from above.

    Args:
        rows: the rows with their numbers.
        merged: the last row of each cell that is merged with those below it, by its row and column.
    """
    if not merged:
        yield from rows
        return
    above: dict[int, tuple[int, str | None]] = {}
    for number, cells in rows:
        row = list(cells)
        for column, (last, text) in list(above.items()):
            if number > last:
                del above[column]
            elif column < len(row) and not row[column]:
                row[column] = from_above(text, column)
        for column, last in merged.get(number, {}).items():
            own = row[column] if column < len(row) else ""
            if own or (own is None and column - 1 in above):
                above[column] = last, own
        yield number, unless_blank(row) if above else row
