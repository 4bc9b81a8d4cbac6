"""Which rows of a table hold the names of its columns: those that differ in kind from what stands below them.

Where columns hold values, the names are the words above them. Years, percentages and dates are names where
they go on evenly and what stands below them does not. Where all is words, signs are weighed, and where they
say too little, there are no names: a wrong name is worse than none.

ADR 39 has the reasons.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from shared_code.documents.formats.cell_kind import VALUES, CellKind, cell_kind, is_year
from shared_code.documents.formats.usual_names import USUAL_NAMES

Cells = Sequence[str | None]

_NAMES_OR_VALUES = frozenset({CellKind.QUANTITY, CellKind.FLAG})
_MOST_HEADER_ROWS = 3
# A column holds values if this many of its cells do.
_MOSTLY = 0.8
_NAMED_COLUMNS = 0.6
_LONGEST_NAME = 300
_ENOUGH_SIGNS = 3.0
_ENOUGH_SIGNS_OF_PAIR = 2.0
# A column of two is a column of values, not the values of a form, where it goes on like this.
_LONG_LIST = 8
_FEWEST_FOR_PATTERNS = 3
_FEWEST_FOR_REPEATS = 4
_REPEATED = 0.6
_LONG_TEXT = 30
_GROUP = " / "

_WORDS = re.compile(r"[^\W\d_]+")
_NOT_IN_NAMES = re.compile(r"""[{}\[\]"=!<>]|[.:] """)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_IDENTIFIER = re.compile(r"[A-Za-z]+(?:[_.][A-Za-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+")
_UNIT = re.compile(
    r"[(\[].*[)\]]|(?:in )?[%‰]|in \w{1,10}|[A-Z]{3}|[$€£¥]|[a-zA-Zµ]{1,3}[²³23]?(?:/[a-z]{1,3})?"
)
_DECIMALS = re.compile(r"[.,](\d+)\D*$")
_LABEL_END = ":"


@dataclass(frozen=True, slots=True)
class Header:
    """The rows of names from `start` to before `end`, and a name for each column; "" where there is none.

    `values` are the columns that hold values below, as far as the names were found by them.
    """

    start: int
    end: int
    names: tuple[str, ...]
    values: tuple[int, ...] = ()


def marked_header(rows: Sequence[Cells], count: int) -> Header:
    """The header that the first rows are, as the format tells; titles above the names are not part of it."""
    count = min(count, len(rows))
    start = next((i for i, row in enumerate(rows[:count]) if not is_title(row)), 0)
    kinds = [[cell_kind(cell) for cell in row] for row in rows]
    width = _width(rows)
    values = _Sample(rows, kinds, start, width).value_columns(count)
    return Header(start, count, unique(_joined(rows[start:count], width)), tuple(values))


def find_header(rows: Sequence[Cells]) -> Header | None:
    """The header of a table by its first rows, none of which is blank; None where it is not sure."""
    kinds = [[cell_kind(cell) for cell in row] for row in rows]
    width = _width(rows)
    start = next((i for i, row in enumerate(rows) if not is_title(row)), len(rows))
    if width == 1:
        return _header_of_one_column(rows, kinds)
    if len(rows) - start < 2:  # noqa: PLR2004 - names and what they name
        return None
    sample = _Sample(rows, kinds, start, width)
    last = sample.last_header_row()
    if last is None or sample.has_label(last):
        return None
    first = sample.first_header_row(last)
    names = unique(_joined(rows[first : last + 1], width))
    return Header(first, last + 1, names, tuple(sample.value_columns(last + 1)))


def _header_of_one_column(rows: Sequence[Cells], kinds: Sequence[Sequence[CellKind]]) -> Header | None:
    """The first row, where it is the only one that holds no value."""
    values = [kind[0] for kind in kinds[1:] if kind[0] is not CellKind.BLANK]
    if (
        kinds[0][0] is not CellKind.TEXT
        or len(values) < _FEWEST_FOR_PATTERNS
        or not VALUES.issuperset(values)
    ):
        return None
    return Header(0, 1, tuple(_joined(rows[:1], 1)), (0,))


def goes_on(header: Header, rows: Sequence[Cells]) -> bool:
    """Whether rows hold values where those under a header do, and only there: so they go on under it."""
    kinds = [[cell_kind(cell) for cell in row] for row in rows]
    width = max(_width(rows), len(header.names))
    values = _Sample(rows, kinds, 0, width).value_columns(0)
    if not values or not _width([row for row in rows if any(row)]) <= len(header.names):
        return False
    words = {c for c in range(width) if any(c < len(row) and row[c] is CellKind.TEXT for row in kinds)}
    return set(values) <= set(header.values) and words.isdisjoint(header.values)


def are_usual(row: Cells) -> bool:
    """Whether most cells of a row, and different ones, are what columns are usually called."""
    names = list(filter(None, row))
    return len(set(names)) == len(names) and sum(map(_is_usual, names)) >= max(2, len(names) / 2)


def is_title(row: Cells) -> bool:
    """Whether a row holds one cell only: the title of what follows, or a note."""
    return sum(1 for cell in row if cell) <= 1


class _Sample:
    """The first rows of a table; what stands above `start` are titles."""

    def __init__(
        self, rows: Sequence[Cells], kinds: Sequence[Sequence[CellKind]], start: int, width: int
    ) -> None:
        self._rows = rows
        self._kinds = kinds
        self._start = start
        self._width = width
        self._value_columns: dict[int, list[int]] = {}

    def last_header_row(self) -> int | None:
        """The row of names next to what they name."""
        if not self.value_columns((self._start + 1 + len(self._rows)) // 2):
            return self._start if self._is_named_by_signs() else None
        body = self._first_row_of_values()
        if body is None:
            return None
        if self._is_series(body):
            return body
        above = range(body - 1, max(self._start, body - _MOST_HEADER_ROWS) - 1, -1)
        return next((row for row in above if self._is_above_values(row, body)), None)

    def has_label(self, row: int) -> bool:
        """Whether cells left of all values end as labels do: each tells what stands right of it."""
        columns = range(min(self.value_columns(row + 1), default=self._width))
        labels = [self._column(c, row) for c in columns if self._cell(row, c).endswith(_LABEL_END)]
        return any(len(found) > 1 and all(cell.endswith(_LABEL_END) for cell in found) for found in labels)

    def first_header_row(self, last: int) -> int:
        """The uppermost of the rows that belong to the names, which begin in `last` from below."""
        first = last
        while first > self._start and last - first < _MOST_HEADER_ROWS - 1 and self._belongs(first):
            first -= 1
        return first

    def value_columns(self, first: int) -> list[int]:
        """The columns most of whose cells are values, from a row on."""
        if first not in self._value_columns:
            columns = range(self._width)
            self._value_columns[first] = [column for column in columns if self._holds_values(column, first)]
        return self._value_columns[first]

    def _holds_values(self, column: int, first: int) -> bool:
        kinds = [kind for kind in self._column_kinds(column, first) if kind is not CellKind.BLANK]
        return bool(kinds) and sum(kind in VALUES for kind in kinds) >= _MOSTLY * len(kinds)

    def _column_kinds(self, column: int, first: int) -> list[CellKind]:
        return [kinds[column] for kinds in self._kinds[first:] if column < len(kinds)]

    def _column(self, column: int, first: int) -> list[str]:
        return [cell for row in self._rows[first:] if column < len(row) and (cell := row[column])]

    def _cell(self, row: int, column: int) -> str:
        return (self._rows[row][column] or "") if column < len(self._rows[row]) else ""

    def _kind(self, row: int, column: int) -> CellKind:
        return self._kinds[row][column] if column < len(self._kinds[row]) else CellKind.BLANK

    def _first_row_of_values(self) -> int | None:
        """The first row in which columns of values hold values, mostly, and not words in the row below."""
        columns = self.value_columns((self._start + 1 + len(self._rows)) // 2)
        for row in range(self._start, len(self._rows)):
            words = sum(self._is_word(row, column) for column in columns)
            filled = sum(self._kind(row, column) is not CellKind.BLANK for column in columns)
            is_last = row + 1 == len(self._rows)
            words_below = 0 if is_last else sum(self._is_word(row + 1, column) for column in columns)
            if filled - words and 2 * words <= filled and 2 * words_below <= len(columns):
                return row
        return None

    def _is_above_values(self, row: int, body: int) -> bool:
        """Whether a row of words names what stands below it."""
        if is_title(self._rows[row]):
            return False
        columns = self.value_columns(body)
        if any(self._is_value(row, column) for column in columns) or self._is_row_of_values(row):
            return False
        lines = range(self.first_header_row(row), row + 1)
        named = [column for column in columns if any(self._is_word(line, column) for line in lines)]
        if not named or len(named) < _NAMED_COLUMNS * len(columns):
            return False
        if max(map(len, filter(None, self._rows[row]))) > _LONGEST_NAME:
            return False
        if self._filled_columns() == 2 and self._first_column() not in columns:  # noqa: PLR2004 - a form's
            return self._is_list_of_two(row, columns[-1], body)
        return True

    def _is_word(self, row: int, column: int) -> bool:
        """A quantity, and yes or no, are names, too, where they stand above none."""
        kind, below = self._kind(row, column), self._column_kinds(column, row + 1)
        return kind is CellKind.TEXT or (kind in _NAMES_OR_VALUES and bool(below) and kind not in below)

    def _is_value(self, row: int, column: int) -> bool:
        """Years are names as often as they are values."""
        is_value = self._kind(row, column) in VALUES and not self._is_word(row, column)
        return is_value and not is_year(self._cell(row, column))

    def _is_row_of_values(self, row: int) -> bool:
        """Whether a row holds numbers that do not count its columns: with few values it has no names."""
        numbers = [
            self._cell(row, c)
            for c in range(self._width)
            if self._kind(row, c) is CellKind.NUMBER and not is_year(self._cell(row, c))
        ]
        return bool(numbers) and not _goes_on(numbers)

    def _filled_columns(self) -> int:
        return sum(any(self._column(column, self._start)) for column in range(self._width))

    def _first_column(self) -> int:
        return next(column for column in range(self._width) if self._column(column, self._start))

    def _is_list_of_two(self, row: int, column: int, body: int) -> bool:
        """Whether two columns are a list with names, and not labels with their values."""
        values = self._column(column, body)
        labels = self._column(self._first_column(), row)
        if any(label.endswith(":") for label in labels):
            return False
        if len(values) >= _LONG_LIST and len(set(self._column_kinds(column, body))) == 1:
            return True
        signs = 2.0 * _is_usual(self._cell(row, column)) + _is_usual(labels[0])
        signs += len(values) >= _FEWEST_FOR_PATTERNS and len({_form(value) for value in values}) == 1
        signs -= sum(map(_is_usual, labels[1:])) >= len(labels) / 2
        return signs >= _ENOUGH_SIGNS_OF_PAIR

    def _is_series(self, row: int) -> bool:
        """Whether the values of a row are names: years, percentages or dates that go on evenly."""
        columns = [column for column in range(self._width) if self._kind(row, column) in VALUES]
        if row + 1 >= len(self._rows) or self._has_gap_above_values(row):
            return False
        names = [self._cell(row, column) for column in columns]
        if not _goes_on(names) or self._goes_on_below(row, columns):
            return False
        if row > self._start and _form(names[0]) == "integer":
            return False
        others = [self._cell(row, column) for column in range(self._width) if column not in columns]
        if len(columns) == 1:
            return self._is_year_above_others(row, columns[0])
        return any(others) or all(map(is_year, names)) or not self._cell(row, 0)

    def _has_gap_above_values(self, row: int) -> bool:
        columns = self.value_columns(row + 1)
        return sum(bool(self._cell(row, column)) for column in columns) < _NAMED_COLUMNS * len(columns)

    def _goes_on_below(self, row: int, columns: Sequence[int]) -> bool:
        """Whether what stands below is of the kind of the names, so that these may be values."""
        names = [self._cell(row, column) for column in columns]
        below = [cell for column in columns for cell in self._column(column, row + 1)]
        if all(map(is_year, names)):
            return sum(map(is_year, below)) > len(below) / 2
        form = _form(names[0])
        if form in {"percent", "date"} and not any(_form(cell) == form for cell in below):
            return False
        following = [[self._cell(r, column) for column in columns] for r in range(row + 1, len(self._rows))]
        return len(columns) < _FEWEST_FOR_PATTERNS or any(_goes_on(list(filter(None, c))) for c in following)

    def _is_year_above_others(self, row: int, column: int) -> bool:
        """One year alone may be a value: the words beside it have to be names."""
        if not is_year(self._cell(row, column)):
            return False
        words = [c for c in range(self._width) if self._kind(row, c) is CellKind.TEXT]
        return sum(self._signs(row, word) for word in words) >= _ENOUGH_SIGNS_OF_PAIR / 2

    def _is_named_by_signs(self) -> bool:
        row = self._start
        columns = [column for column in range(self._width) if self._column(column, row + 1)]
        if any(self._kind(row, column) in VALUES for column in columns):
            return False
        if sum(bool(self._cell(row, column)) for column in columns) < _MOSTLY * len(columns):
            return False
        return sum(self._signs(row, column) for column in columns) >= _ENOUGH_SIGNS

    def _signs(self, row: int, column: int) -> float:
        """How much a cell looks like the name of the words below it; negative if it is one of them."""
        name, values = self._cell(row, column), self._column(column, row + 1)
        if not name or not values:
            return 0.0
        if name in values or len(name) > _LONGEST_NAME:
            return -2.0
        signs = 1.5 * _is_usual(name) + _pattern_sign(name, values)
        if _IDENTIFIER.fullmatch(name) and not any(map(_IDENTIFIER.fullmatch, values)):
            signs += 2
        if len(values) >= _FEWEST_FOR_REPEATS and len(set(values)) <= _REPEATED * len(values):
            signs += 1
        mean = sum(map(len, values)) / len(values)
        return signs + (mean > _LONG_TEXT and mean > 2 * len(name)) - name.endswith((".", "!"))

    def _belongs(self, row: int) -> bool:
        """Whether the names in a row go on from, or are grouped by, the row above it."""
        above = self._rows[row - 1]
        if is_title(above) and None not in above:
            return False
        if any(
            self._kind(row - 1, c) in VALUES and not is_year(cell) for c, cell in enumerate(above) if cell
        ):
            return False
        return self._is_merged_above(row) or self._goes_on_from_above(row) or self._is_grouped_above(row)

    def _is_merged_above(self, row: int) -> bool:
        above = self._rows[row - 1]
        merged = [c for c, cell in enumerate(above) if cell is None]
        return any(self._cell(row, column) and self._cell(row, column - 1) for column in merged if column)

    def _goes_on_from_above(self, row: int) -> bool:
        """The lower line has units, or is blank where a name was short; the upper one is nearly full."""
        filled = [column for column in range(self._width) if self._cell(row, column)]
        above = [column for column in range(self._width) if self._cell(row - 1, column)]
        if not set(filled) <= set(above):
            return len(above) >= max(_FEWEST_FOR_PATTERNS, self._width / 2) and not set(above) <= set(filled)
        return not set(above) <= set(filled) or all(
            _UNIT.fullmatch(self._cell(row, column)) for column in filled
        )

    def _is_grouped_above(self, row: int) -> bool:
        """Groups of as many columns each, or with the same names in each."""
        return bool(_even_groups(self._rows[row - 1], self._rows[row], self._width))


def _even_groups(above: Cells, below: Cells, width: int) -> list[int]:
    """The columns at which groups begin, if each has as many columns or the same names; none if not."""
    # What stands above a blank cell is a name of its own.
    starts = [column for column, cell in enumerate(above) if cell and column < len(below) and below[column]]
    last = max((column + 1 for column, cell in enumerate(below) if cell), default=width)
    bounds = [*starts, last]
    sizes = [end - start for start, end in pairwise(bounds)]
    if len(starts) < 2 or starts[0] == 0 or min(sizes) < 1 or max(sizes) < 2:  # noqa: PLR2004 - several
        return []
    names = [tuple((cell or "").lower().rstrip(".") for cell in below[s:e]) for s, e in pairwise(bounds)]
    return starts if len(set(sizes)) == 1 or len(set(names)) == 1 else []


def _joined(rows: Sequence[Cells], width: int) -> list[str]:
    """The names of all rows, the upper ones spread over the columns that they stand above."""
    lines = [_spread(row, rows[index + 1 :], width) for index, row in enumerate(rows)]
    return [_GROUP.join(_distinct(" ".join(line[c].split()) for line in lines)) for c in range(width)]


def _spread(row: Cells, below: Sequence[Cells], width: int) -> list[str]:
    cells = [*row, *[""] * (width - len(row))]
    starts = _even_groups(row, below[-1], width) if below and None not in row else []
    spread: list[str] = []
    for column, cell in enumerate(cells):
        goes_on = cell is None or (not cell and starts and column > starts[0])
        has_name = below and column < len(below[-1]) and below[-1][column]
        spread.append(spread[-1] if goes_on and has_name and spread else cell or "")
    return spread


def _distinct(parts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, parts)))


def unique(names: Sequence[str]) -> tuple[str, ...]:
    """The names, a repeated one with its number."""
    counts: dict[str, int] = {}
    unique = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        unique.append(f"{name} ({counts[name]})" if name and counts[name] > 1 else name)
    return tuple(unique)


def _width(rows: Sequence[Cells]) -> int:
    return max(map(len, rows), default=0)


def _is_usual(name: str) -> bool:
    if _NOT_IN_NAMES.search(name):
        return False
    words = [word.lower() for word in _WORDS.findall(_CAMEL.sub(" ", name))]
    return 0 < len(words) <= 4 and any(word in USUAL_NAMES for word in words)  # noqa: PLR2004 - a name is short


def _form(value: str) -> str:
    """What numbers that belong together have in common."""
    if cell_kind(value) is CellKind.DATE:
        return "date"
    if "%" in value:
        return "percent"
    if is_year(value):
        return "year"
    decimals = _DECIMALS.search(value)
    return f"decimals {len(decimals[1])}" if decimals else "integer"


def _pattern_sign(name: str, values: Sequence[str]) -> float:
    """What values have in common, and their name has not."""
    most = _MOSTLY * len(values)
    for sign in ("@", "://"):
        if sign not in name and sum(sign in value for value in values) >= most:
            return 2.0
    if len(values) < 2:  # noqa: PLR2004 - one value has nothing in common with others
        return 0.0
    if not _has_digit(name) and sum(map(_has_digit, values)) >= most:
        return 2.0
    lengths = {len(value) for value in values}
    if len(values) >= _FEWEST_FOR_PATTERNS and len(lengths) == 1 and abs(len(name) - lengths.pop()) > 1:
        return 1.5
    return 1.0 if not name.isupper() and sum(value.isupper() for value in values) >= most else 0.0


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _goes_on(names: Sequence[str]) -> bool:
    """Whether numbers or dates rise or fall steadily, once or in equal rounds; years count for themselves."""
    if not names or len({_form(name) for name in names}) > 1:
        return False
    if _form(names[0]) == "date":
        return len(set(names)) == len(names)
    try:
        numbers = [float(name.rstrip("% ")) for name in names]
    except ValueError:
        return False
    rounds = numbers[: numbers.index(numbers[0], 1)] if numbers[0] in numbers[1:] else numbers
    if rounds * (len(numbers) // len(rounds)) != numbers:
        return False
    steps = [after - before for before, after in pairwise(rounds)]
    if _form(names[0]) in {"year", "percent"}:
        return all(step > 0 for step in steps) or all(step < 0 for step in steps)
    return len(rounds) >= _FEWEST_FOR_PATTERNS and set(steps) == {1.0}
