"""One file's bytes to its text: the reader goes by the name's ending, and the bounds hold for all of them.

This runs parsers on untrusted bytes in the caller's own process: the app calls `read_chunks`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath

from shared_code.documents.document import Document, Limits, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge, EmptyDocument, UnsupportedKind
from shared_code.documents.formats.decoding import clean
from shared_code.documents.formats.json_text import read_json, read_json_lines
from shared_code.documents.formats.pdf import read_pdf
from shared_code.documents.formats.plain_text import read_text
from shared_code.documents.formats.tables import read_csv, read_xlsx
from shared_code.documents.formats.web_page import read_html
from shared_code.documents.formats.word import read_docx

READERS: dict[str, Callable[[bytes, Limits], Iterator[Segment]]] = {
    "csv": read_csv,
    "docx": read_docx,
    "html": read_html,
    "htm": read_html,
    "json": read_json,
    "jsonl": read_json_lines,
    "md": read_text,
    "pdf": read_pdf,
    "txt": read_text,
    "xlsx": read_xlsx,
}
_CONTAINERS = {"docx", "pdf", "xlsx"}
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
_SECTION_CHARACTERS = 200
# Of a context the widest and the closest parts, of a header as much as a chunk can begin with.
_WIDEST, _CLOSEST = 2, 6
_HEADER_CHARACTERS = 4_000


def extract(name: str, data: bytes, limits: Limits) -> Document:
    """Reads the text of one file; this may take as long and as much memory as it likes.

    Raises:
        DocumentError: there is no text to be had, for the reason that its class names.
    """
    kind = _kind(name)
    if not data.strip():
        raise EmptyDocument("The file is empty.")
    if len(data) > limits.file_bytes:
        raise DocumentTooLarge.past("bytes", limits.file_bytes)
    if kind not in _CONTAINERS:
        _check_mark(data)
    segments = tuple(_within(READERS[kind](data, limits), limits))
    if not segments:
        raise EmptyDocument("The file holds no text; if it is a scan, store it with recognised text.")
    return Document(segments)


def _kind(name: str) -> str:
    kind = PurePosixPath(name).suffix.lower().removeprefix(".")
    if kind not in READERS:
        raise UnsupportedKind(f"Files of kind {kind[:20]!r} are not read: use one of {', '.join(READERS)}.")
    return kind


def _check_mark(data: bytes) -> None:
    for mark, what in _MARKS.items():
        if data.startswith(mark):
            raise BrokenDocument(f"The file is {what}, in spite of its name.")


def _within(segments: Iterable[Segment], limits: Limits) -> Iterator[Segment]:
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
        clean(segment.text),
        segment.position if section is None else replace(segment.position, section=_title(section) or None),
        _bounded(segment.context),
        _header(segment.header),
    )


@lru_cache(maxsize=64)
def _bounded(context: tuple[str, ...]) -> tuple[str, ...]:
    titles = tuple(filter(None, map(_title, context)))
    if len(titles) <= _WIDEST + _CLOSEST:
        return titles
    return titles[:_WIDEST] + titles[-_CLOSEST:]


@lru_cache(maxsize=64)
def _header(text: str) -> str:
    return clean(text)[:_HEADER_CHARACTERS].strip()


def _title(text: str) -> str:
    """As one line that is not too long."""
    return " ".join(clean(text).split())[:_SECTION_CHARACTERS]
