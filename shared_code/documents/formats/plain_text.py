"""Text and Markdown files: their text is what they are."""

from collections.abc import Iterator

from shared_code.documents.document import DocumentLimits, Position, Segment
from shared_code.documents.formats.decoding import blocks_of_lines


def read_text(data: bytes, _limits: DocumentLimits) -> Iterator[Segment]:
    """The file as it is, a large one in several segments; lines count from 1."""
    blocks = blocks_of_lines(data)
    del data
    line, block = 1, next(blocks)
    for following in blocks:
        yield Segment(block.removesuffix("\n"), Position(line=line))
        line += block.count("\n")
        block = following
    yield Segment(block, Position(line=line))
