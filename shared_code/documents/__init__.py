"""Documents: the bytes of one file in, its text with positions out, or the reason why there is none."""

from shared_code.documents.document import (
    EXTRACTOR_VERSION,
    Document,
    DocumentLimits,
    Note,
    Position,
    Segment,
)
from shared_code.documents.errors import (
    ERRORS,
    BrokenDocument,
    DocumentError,
    DocumentTooLarge,
    EmptyDocument,
    EncryptedDocument,
    ExtractionTimeout,
    ReaderLost,
    UnsupportedKind,
)

__all__ = [
    "ERRORS",
    "EXTRACTOR_VERSION",
    "BrokenDocument",
    "Document",
    "DocumentError",
    "DocumentLimits",
    "DocumentTooLarge",
    "EmptyDocument",
    "EncryptedDocument",
    "ExtractionTimeout",
    "Note",
    "Position",
    "ReaderLost",
    "Segment",
    "UnsupportedKind",
    "extract",
]


def extract(name: str, data: bytes, limits: DocumentLimits) -> Document:
    """Reads the text of one file in this process, however long it takes; the app calls `read_file`.

    Raises:
        DocumentError: there is no text to be had, for the reason that its class names.
    """
    from shared_code.documents import extraction  # noqa: PLC0415 - parsers would slow every cold start

    return extraction.extract(name, data, limits)
