"""What goes through the pipes between the app and a reader process: JSON or bytes, each after its length."""

import struct
from collections.abc import Sequence
from typing import IO

import msgspec

from shared_code.documents import DocumentLimits, Note
from shared_code.documents.chunking import Chunk

_LENGTH = struct.Struct(">Q")


class Request(msgspec.Struct, frozen=True):
    """What to do with the bytes that follow."""

    name: str
    limits: DocumentLimits
    max_tokens: int
    overlap_tokens: int


class Failure(msgspec.Struct, frozen=True):
    """A DocumentError."""

    code: str
    message: str


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of an answer: the interpreter is held for as long as one is read, so that none is large.

    Attributes:
        more: whether another part follows.
        error: why there are no chunks.
        notes: what is to be said of the file; with the last part.
        worn: whether the process has become too large to be kept.
    """

    chunks: Sequence[Chunk] = ()
    more: bool = False
    error: Failure | None = None
    notes: Sequence[Note] = ()
    worn: bool = False


def send(stream: IO[bytes], message: bytes) -> None:
    """Writes one message."""
    stream.write(_LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Reads one message.

    Raises:
        EOFError: the other side is gone.
    """
    length = stream.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        raise EOFError
    message = stream.read(_LENGTH.unpack(length)[0])
    if len(message) < _LENGTH.unpack(length)[0]:
        raise EOFError
    return message
