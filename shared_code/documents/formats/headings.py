"""The path of headings above a piece of text, as a document is read from its beginning to its end."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

from shared_code.documents.document import Position, Segment
from shared_code.documents.formats.table import Cells, table_lines


class HeadingPath:
    """The headings that hold where the reader is, below the title of the document."""

    def __init__(self, title: str = "") -> None:
        self._title = title.strip()
        self._headings: list[tuple[int, str]] = []

    def enter(self, level: int, heading: str) -> None:
        """Comes to a heading: those of its level and below hold no more."""
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self._headings.append((level, " ".join(heading.split())))

    @property
    def section(self) -> str | None:
        """The closest heading."""
        return self._headings[-1][1] if self._headings else None

    @property
    def context(self) -> tuple[str, ...]:
        """The title and all headings; a title that is the first heading is said once."""
        headings = tuple(heading for _, heading in self._headings)
        return headings if self._title in {"", *headings[:1]} else (self._title, *headings)

    def segment(self, text: str, *, page: int | None = None, line: int | None = None) -> Segment:
        """A text that stands here."""
        return Segment(text, Position(page=page, line=line, section=self.section), self.context)

    def table(self, rows: Iterable[Cells], *, header_rows: int) -> Iterator[Segment]:
        """The rows of a table that stands here, blank ones left out.

        Args:
            rows: their cells, as `table_lines` takes them.
            header_rows: how many of the first rows are marked as names.
        """
        filled = ((number, row) for number, row in enumerate(rows, start=1) if any(row))
        first = list(islice(filled, header_rows + 1))
        told = sum(number <= header_rows for number, _ in first)
        marked = told if 0 < told < len(first) else None
        for line in table_lines(chain(first, filled), header_rows=marked):
            yield Segment(line.text, Position(section=self.section), self.context, line.header)

    def within(self, segment: Segment) -> Segment:
        """A text of an embedded file as one that stands here."""
        return replace(segment, context=self.context + segment.context)
