"""doc: many a program saves under this ending what is not a file of old Word, and Word opens it."""

from collections.abc import Iterator

from shared_code.documents.document import DocumentLimits, Note, Segment
from shared_code.documents.errors import EncryptedDocument, UnsupportedKind
from shared_code.documents.formats.archive import is_compound_file, is_encrypted
from shared_code.documents.kinds import kind_of


def read_doc(data: bytes, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """The text of the kind of file that it is by its content.

    Raises:
        UnsupportedKind: this is what old Word writes.
    """
    if not is_compound_file(data):
        yield from kind_of("", data).read(data, limits)
        return
    if is_encrypted(data):
        raise EncryptedDocument
    raise UnsupportedKind("Files of kind 'doc' are not read: save it as docx.")
