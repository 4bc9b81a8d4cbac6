"""What extraction gives: the text of a file in segments that each know where they stand, and its bounds.

Plain values without I/O; the readers of the single formats make them.

ADR 40 has the reasons.
"""

from dataclasses import dataclass

# Part of every chunk's fingerprint: to be raised with any change of the text that comes out.
EXTRACTOR_VERSION = "6"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader finds a text again; what does not apply to a kind of file is None. All count from 1."""

    page: int | None = None
    sheet: str | None = None
    row: int | None = None
    line: int | None = None
    section: str | None = None

    def facts(self) -> dict[str, int | str]:
        """What applies, by its name."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text, and what a reader of the file knows where it stands.

    Attributes:
        text: the piece itself, such as the text below a heading or a row of a table.
        position: where its first character is.
        context: what it stands under, from the widest to the closest: document title, headings, sheet.
        header: the line without which the text cannot be understood, such as the names of a table's columns
            or the name of a list of records. It stands before the first text below it, and chunks that begin
            further down begin with it.
    """

    text: str
    position: Position
    context: tuple[str, ...] = ()
    header: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be said of a file whose text was read, but not all of it: a stable code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one file, in reading order, and what is to be said of it; no segment is blank."""

    segments: tuple[Segment, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLimits:
    """How much one file may ask for; past any of these it ends in a DocumentError."""

    file_bytes: int = 100_000_000
    pages: int = 5_000
    sheets: int = 250
    # As many as a sheet of Excel has.
    rows: int = 1_048_576
    columns: int = 16_384
    nesting: int = 100
    characters: int = 100_000_000
    expanded_bytes: int = 500_000_000
    expansion_ratio: int = 100
    seconds: float = 60.0
    # Of a small file, which must not hold a reader for as long as a large one may.
    least_seconds: float = 10.0
    seconds_per_megabyte: float = 10.0
    # How many times that long it may take by the clock, on a machine that is busy with other work.
    slowdown: float = 5.0
    # Of what a reader process holds for itself; its program takes some 20 MB beside that.
    memory_bytes: int = 270_000_000

    def seconds_for(self, size: int) -> float:
        """How much of a processor's time a file of this many bytes may take."""
        return min(self.seconds, self.least_seconds + self.seconds_per_megabyte * size / 1_000_000)

    def clock_seconds_for(self, size: int) -> float:
        """After how many seconds a file of this many bytes is given up, whatever it took of the processor."""
        return self.slowdown * self.seconds_for(size)
