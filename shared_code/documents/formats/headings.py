"""The path of headings above a piece of text, as a document is read from its beginning to its end."""

from dataclasses import replace

from shared_code.documents.document import Position, Segment


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

    def within(self, segment: Segment) -> Segment:
        """A text of an embedded file as one that stands here."""
        return replace(segment, context=self.context + segment.context)
