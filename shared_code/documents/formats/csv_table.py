"""Files of delimited values: csv with whatever delimiter, tsv and tab."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from shared_code.documents.document import DocumentLimits, Position, Segment
from shared_code.documents.errors import BrokenDocument
from shared_code.documents.formats.decoding import blocks_of_lines
from shared_code.documents.formats.table import Row, bounded, table_lines

_DELIMITERS = ",;\t|"
# Excel's way to tell it in a line of its own.
_TOLD_DELIMITER = re.compile(r"""["']?sep=([^\w"'\n])["']?(?:\n|$)""", re.IGNORECASE)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_SAMPLE_ROWS = 20
_SAMPLE_CHARACTERS = 64 * 1024
# One stray quote joins many cells into one: that must not lose them.
csv.field_size_limit(2**31 - 1)


def read_csv(data: bytes, limits: DocumentLimits) -> Iterator[Segment]:
    """The rows of a delimited file; a row's number is that which a spreadsheet shows."""
    blocks = blocks_of_lines(data)
    del data
    first = next(blocks, "")
    told = _TOLD_DELIMITER.match(first)
    first = first[told.end() :] if told else first
    yield from _segments(first, blocks, told[1] if told else _likeliest_delimiter(first), limits)


def read_tsv(data: bytes, limits: DocumentLimits) -> Iterator[Segment]:
    """The rows of a file of values between tabs; one without any tab is read as csv."""
    blocks = blocks_of_lines(data)
    first = next(blocks, "")
    if "\t" not in first[:_SAMPLE_CHARACTERS]:
        yield from read_csv(data, limits)
        return
    del data
    yield from _segments(first, blocks, "\t", limits)


def _segments(first: str, others: Iterable[str], delimiter: str, limits: DocumentLimits) -> Iterator[Segment]:
    """The rows of a text in blocks of whole lines."""
    _, _, width = _evenness(first, delimiter)
    lines = chain.from_iterable(map(_lines, chain([first], others)))
    del first
    cells = csv.reader(lines, delimiter=delimiter)
    rows: Iterator[Row] = (
        (number, [delimiter.join(row)] if _is_comment(row, width) else row)
        for number, row in enumerate(cells, start=1)
    )
    try:
        for line in table_lines(bounded(rows, limits)):
            yield Segment(line.text, Position(row=line.row), (), line.header)
    except csv.Error as error:
        raise BrokenDocument(f"The file cannot be read as a table: {error}.") from error


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends; a StringIO would hold four bytes for each character."""
    return (found[0] for found in _LINE.finditer(text))


def _is_comment(row: Sequence[str], width: int) -> bool:
    """Comments are cut into cells by chance."""
    return bool(row) and row[0].startswith("#") and len(row) != width


def _likeliest_delimiter(text: str) -> str:
    return max(_DELIMITERS, key=lambda delimiter: _evenness(text, delimiter))


def _evenness(text: str, delimiter: str) -> tuple[float, bool, int]:
    """How many of the first rows have the same number of cells, and that number; the best is the greatest.

    Where all else is even, a comma stands within the cells: decimal ones do.
    """
    rows = csv.reader(_lines(text[:_SAMPLE_CHARACTERS]), delimiter=delimiter)
    widths = Counter(len(row) for row in islice(filter(None, rows), _SAMPLE_ROWS))
    count, width = max(((count, width) for width, count in widths.items() if width > 1), default=(0, 0))
    return count / max(1, widths.total()), delimiter != ",", width
