"""Workbooks that Excel encrypts with a password of its own, and opens without asking.

It does so with what is protected against changes only.
"""

import io
import struct

from msoffcrypto import OfficeFile
from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError, ParseError

from shared_code.documents.errors import EncryptedDocument
from shared_code.documents.formats.archive import is_encrypted

_DEFAULT_PASSWORD = "VelvetSweatshop"  # noqa: S105 - known to every reader of workbooks


def decrypted(data: bytes) -> bytes:
    """The file as it was before Excel encrypted it with the password that it always tries; or as it is.

    Raises:
        EncryptedDocument: it has a password of its own.
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
    except (FileFormatError, ParseError, OSError, struct.error, ValueError, AssertionError) as error:
        if is_encrypted(data):
            raise EncryptedDocument from error
        return data  # the parser of workbooks knows more kinds, such as those of Excel 5 and 95
    return plain.getvalue()
