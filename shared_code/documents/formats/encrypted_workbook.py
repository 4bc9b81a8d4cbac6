"""Workbooks that Excel encrypts with a password of its own, and opens without asking.

It does so with what is protected against changes only.
"""

import io
import struct

from msoffcrypto import OfficeFile
from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError, ParseError

from shared_code.documents.errors import BrokenDocument, EncryptedDocument

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_DEFAULT_PASSWORD = "VelvetSweatshop"  # noqa: S105 - known to every reader of workbooks


def is_compound_file(data: bytes) -> bool:
    """Whether this is the container of old Office files, and of encrypted ones of any age."""
    return data.startswith(_COMPOUND_FILE)


def decrypted(data: bytes) -> bytes:
    """The file as it was before Excel encrypted it with the password that it always tries; or as it is.

    Raises:
        EncryptedDocument: it has a password of its own.
        BrokenDocument: the container cannot be read.
    """
    try:
        office = OfficeFile(io.BytesIO(data))
        if not office.is_encrypted():
            return data
        plain = io.BytesIO()
        office.load_key(password=_DEFAULT_PASSWORD)
        office.decrypt(plain)
    except (InvalidKeyError, DecryptionError) as error:
        raise EncryptedDocument from error
    except (FileFormatError, ParseError, OSError, struct.error, ValueError) as error:
        if _ENCRYPTED_STREAM in data:
            raise EncryptedDocument from error
        raise BrokenDocument("The file cannot be read as a workbook.") from error
    return plain.getvalue()
