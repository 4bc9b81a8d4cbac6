"""One file's bytes to its text: the reader goes by the file's kind, and the bounds hold for all of them.

This runs parsers on untrusted bytes in the caller's own process: the app calls `read_file`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from shared_code.documents.document import Document, DocumentLimits, Note, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge, EmptyDocument
from shared_code.documents.formats.decoding import clean
from shared_code.documents.formats.embedded_data import without_embedded_data
from shared_code.documents.kinds import kind_of

# What other files begin with, to tell a wrong name from a broken text.
_MARKS = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a zip container",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"\x1f\x8b": "a gzip file",
    b"\x7fELF": "a program",
}
_LINE_CHARACTERS = 200
# Of a context the widest and the closest parts, of a header as much as a chunk can begin with.
_WIDEST, _CLOSEST = 2, 6
_HEADER_CHARACTERS = 4_000
_LOOKED_AT_CHARACTERS = 20_000
_MOST_NOTES = 100
# A hyphen that shows only where a line ends: with that line end it is not part of the word.
_SOFT_HYPHEN = re.compile("\u00ad(?:[^\\S\n]*\n[^\\S\n]*(?=\\w))?")


def extract(name: str, data: bytes, limits: DocumentLimits) -> Document:
    """Reads the text of one file; this may take as long and as much memory as it likes.

    Raises:
        DocumentError: no text can be read; its class names the reason.
    """
    notes: list[Note] = []
    segments = tuple(read_segments(name, data, limits, notes))
    return Document(segments, tuple(notes))


def read_segments(name: str, data: bytes, limits: DocumentLimits, notes: list[Note]) -> Iterator[Segment]:
    """The text of one file as it is read; what is to be said of the file is added to the notes.

    Raises:
        DocumentError: no text can be read, or no more of it; its class names the reason.
    """
    kind = kind_of(name, data)
    if not data or data.isspace():
        raise EmptyDocument("The file is empty.")
    if len(data) > limits.file_bytes:
        raise DocumentTooLarge.past("bytes", limits.file_bytes)
    if not kind.is_binary:
        _check_mark(data)
    parts = kind.read(data, limits)
    del data  # a reader that has decoded it need not hold it any longer
    is_empty = True
    for segment in _within(_without_notes(parts, notes), limits):
        is_empty = False
        yield segment
    if is_empty:
        advice = "; if it is a scan, store it with recognised text" if kind.may_be_scan else ""
        raise EmptyDocument(f"The file holds no text{advice}.")


def _check_mark(data: bytes) -> None:
    for mark, what in _MARKS.items():
        if data.startswith(mark):
            raise BrokenDocument(f"The file is {what}, despite its name.")


def _without_notes(parts: Iterable[Segment | Note], notes: list[Note]) -> Iterator[Segment]:
    """The segments alone; notes are put aside."""
    for part in parts:
        if isinstance(part, Note):
            if len(notes) < _MOST_NOTES:
                notes.append(Note(part.code, _line(part.message)))
        else:
            yield part


def _within(segments: Iterable[Segment], limits: DocumentLimits) -> Iterator[Segment]:
    """The segments that hold text, clean, and no more of it than allowed."""
    characters = 0
    for segment in map(_cleaned, segments):
        characters += len(segment.text)
        if characters > limits.characters:
            raise DocumentTooLarge.past("characters of text", limits.characters)
        if segment.text and not segment.text.isspace():
            yield segment


def _cleaned(segment: Segment) -> Segment:
    section = segment.position.section
    return Segment(
        _clean(segment.text),
        segment.position if section is None else replace(segment.position, section=_line(section) or None),
        _bounded(segment.context),
        _header(segment.header),
    )


def _clean(text: str) -> str:
    text = clean(text)
    if "\u00ad" in text:
        text = _SOFT_HYPHEN.sub("", text)
    return without_embedded_data(text)


@lru_cache(maxsize=64)
def _bounded(context: tuple[str, ...]) -> tuple[str, ...]:
    titles = tuple(filter(None, map(_line, context)))
    if len(titles) <= _WIDEST + _CLOSEST:
        return titles
    return titles[:_WIDEST] + titles[-_CLOSEST:]


@lru_cache(maxsize=64)
def _header(text: str) -> str:
    # A blank first name stays, as in the line of names itself, which is known by being the same.
    return _clean(text[:_LOOKED_AT_CHARACTERS])[:_HEADER_CHARACTERS].rstrip()


def _line(text: str) -> str:
    """A title or sentence as one line that is not too long."""
    return " ".join(_clean(text[:_LOOKED_AT_CHARACTERS]).split())[:_LINE_CHARACTERS]
