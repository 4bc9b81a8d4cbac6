"""Text and Markdown files: their text is what they are."""

from collections.abc import Iterator

from shared_code.documents.document import DocumentLimits, Position, Segment
from shared_code.documents.formats.decoding import decode


def read_text(data: bytes, _limits: DocumentLimits) -> Iterator[Segment]:
    """The whole file as one segment, whose lines count from 1."""
    yield Segment(decode(data), Position(line=1))
