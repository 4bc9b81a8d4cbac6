"""Rich Text Format, as older word processors exchange it."""

from collections.abc import Iterator

from striprtf.striprtf import rtf_to_text

from shared_code.documents.document import DocumentLimits, Position, Segment
from shared_code.documents.errors import BrokenDocument

_BEGINNING = "{\\rtf"


def read_rtf(data: bytes, _limits: DocumentLimits) -> Iterator[Segment]:
    """The text as one segment.

    Raises:
        BrokenDocument: the file is not RTF.
    """
    # Each byte is a character to the format, which says itself in which encoding its text is.
    source = data.decode("latin-1").lstrip("\ufeff\xef\xbb\xbf \r\n\t")
    if not source.startswith(_BEGINNING):
        raise BrokenDocument("The file does not begin as RTF does.")
    try:
        text = rtf_to_text(source, errors="replace")  # type: ignore[no-untyped-call]
    except (ValueError, IndexError, LookupError) as error:
        raise BrokenDocument("The file cannot be read as RTF.") from error
    yield Segment(text, Position())
