"""Rows of cells as lines of text, each of which knows the line of names that stands over it.

Names are given once, in a line of their own, and are the context of the lines below. A wrong name is worse
than none: where it is not sure that a row holds names, the lines have no header.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# The number of a row and its cells: "" is a blank one, None the continuation of the one on its left.
Row = tuple[int, Sequence[str | None]]

SEPARATOR = " | "


@dataclass(frozen=True, slots=True)
class TableLine:
    """A row as text; `header` names its columns, and is None where no names are sure or the text has them."""

    text: str
    row: int
    header: str | None = None


def table_lines(rows: Iterable[Row], *, header_rows: int | None = None) -> Iterator[TableLine]:
    """The lines of a table, or of several that blank rows keep apart.

    A row of names is a line, too; the lines below have it as their header. Whoever makes segments of them
    puts the header into the context: a chunk that begins below the names still knows them.

    Args:
        rows: the rows with their numbers, blank ones included. None stands where a merged cell, or one with
            a colspan, goes on.
        header_rows: how many of the first rows hold names where the format tells; None where it does not,
            so that the names are looked for.
    """
    for number, cells in rows:
        yield TableLine(SEPARATOR.join(cell or "" for cell in cells), number)
