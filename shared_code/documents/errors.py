"""Why a file gives no text; each message is one sentence for the ledger and names no path of the machine.

AppError <- DocumentError: UnsupportedKind, BrokenDocument, EncryptedDocument, EmptyDocument,
                           DocumentTooLarge, ExtractionTimeout
         <- Passing: ReaderLost: no fault of the file
"""

from typing import ClassVar

from shared_code.errors import AppError, Passing


class DocumentError(AppError):
    """A file gives no text."""


class UnsupportedKind(DocumentError):
    """The file is of a kind that is not read."""


class BrokenDocument(DocumentError):
    """The file cannot be read as what its name says it is."""


class EncryptedDocument(DocumentError):
    """The file is protected by a password: store it without one."""


class EmptyDocument(DocumentError):
    """The file holds no text."""


class DocumentTooLarge(DocumentError):
    """The file goes past a limit: split it."""

    @classmethod
    def past(cls, what: str, limit: int) -> "DocumentTooLarge":
        """The error for more than a limit's number of something, such as pages."""
        return cls(f"The file has more than {limit:,} {what}: split it.")

    @classmethod
    def nested_past(cls, limit: int) -> "DocumentTooLarge":
        """The error for what is nested too deep, which splitting does not fix."""
        return cls(f"The file has more than {limit:,} levels of nesting: make it flatter.")


class ReaderLost(Passing):
    """The process that read the file was ended from outside, twice: the step is run again."""

    service: ClassVar[str] = "reader"


class ExtractionTimeout(DocumentError):
    """Reading the file took too long: split it, or simplify it."""

    @classmethod
    def past(cls, seconds: float) -> "ExtractionTimeout":
        """The error for reading that took more than this many seconds."""
        return cls(f"Reading the file took more than {seconds:.3g} seconds: split it, or simplify it.")


ERRORS: dict[str, type[DocumentError]] = {
    error.__name__: error
    for error in (
        UnsupportedKind,
        BrokenDocument,
        EncryptedDocument,
        EmptyDocument,
        DocumentTooLarge,
        ExtractionTimeout,
    )
}
