"""Documents: the bytes of one file in, its text with positions out, or the reason why there is none."""

from shared_code.documents.apart import close_readers, extract_apart
from shared_code.documents.document import EXTRACTOR_VERSION, Document, Limits, Position, Segment
from shared_code.documents.errors import (
    BrokenDocument,
    DocumentError,
    DocumentTooLarge,
    EmptyDocument,
    EncryptedDocument,
    ExtractionTimeout,
    UnsupportedKind,
)

__all__ = [
    "EXTRACTOR_VERSION",
    "BrokenDocument",
    "Document",
    "DocumentError",
    "DocumentTooLarge",
    "EmptyDocument",
    "EncryptedDocument",
    "ExtractionTimeout",
    "Limits",
    "Position",
    "Segment",
    "UnsupportedKind",
    "close_readers",
    "extract",
    "extract_apart",
]


def extract(name: str, data: bytes, limits: Limits) -> Document:
    """Reads the text of one file in this process, however long it takes; the app calls `extract_apart`.

    Raises:
        DocumentError: there is no text to be had, for the reason that its class names.
    """
    from shared_code.documents import extraction  # noqa: PLC0415 - parsers would slow every cold start

    return extraction.extract(name, data, limits)
