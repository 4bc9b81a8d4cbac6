"""The zip file around xlsx and docx: opened only when what it says it holds stays within the limits.

Reading a member through zipfile gives no more bytes than were declared; readers that decompress by
themselves are held by the limits of the process they run in.
"""

import io
from zipfile import BadZipFile, ZipFile

from shared_code.documents.document import DocumentLimits
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge, EncryptedDocument

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
# A small file may compress as well as it likes: it cannot hurt.
_HARMLESS_BYTES = 20_000_000
_ENCRYPTED_MEMBER = 1
_MEMBERS = 20_000


def open_archive(data: bytes, limits: DocumentLimits) -> ZipFile:
    """The members of an Office file.

    Raises:
        EncryptedDocument: Office keeps encrypted files in a container of their own.
        BrokenDocument: this is not a zip file.
        DocumentTooLarge: its members would expand past the limits.
    """
    if is_compound_file(data):
        raise _old_office_error(data)
    try:
        archive = ZipFile(io.BytesIO(data))
    except (BadZipFile, ValueError, NotImplementedError) as error:
        raise BrokenDocument(
            "The file is not an Office document: its zip directory cannot be read."
        ) from error
    _check_members(archive, len(data), limits)
    return archive


def is_compound_file(data: bytes) -> bool:
    """Whether this is the container of old Office files, and of encrypted ones of any age."""
    return data.startswith(_OLE)


def is_encrypted(data: bytes) -> bool:
    """Whether such a container holds an encrypted file."""
    return _ENCRYPTED_STREAM in data


def _old_office_error(data: bytes) -> BrokenDocument | EncryptedDocument:
    if is_encrypted(data):
        return EncryptedDocument()
    return BrokenDocument("The file is in an old binary Office format: save it as docx or xlsx.")


def _check_members(archive: ZipFile, size: int, limits: DocumentLimits) -> None:
    members = archive.infolist()
    if any(member.flag_bits & _ENCRYPTED_MEMBER for member in members):
        raise EncryptedDocument
    if len(members) > _MEMBERS:
        raise DocumentTooLarge.past("members in its zip container", _MEMBERS)
    expanded = sum(member.file_size for member in members)
    if expanded > limits.expanded_bytes:
        raise DocumentTooLarge.past("bytes once it is decompressed", limits.expanded_bytes)
    if expanded > max(_HARMLESS_BYTES, limits.expansion_ratio * size):
        raise DocumentTooLarge(
            f"The file grows more than {limits.expansion_ratio} times when decompressed, as zip bombs do."
        )
