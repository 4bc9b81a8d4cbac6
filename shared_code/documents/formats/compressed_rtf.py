"""RTF as Outlook compresses the bodies of its messages ([MS-OXRTFCP])."""

import struct

_HEADER = struct.Struct("<IIII")
_COMPRESSED, _PLAIN = 0x75465A4C, 0x414C454D
# What most bodies begin with, so that none need hold it.
_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_SIZE = 4096
_SHORTEST = 2


def decompressed(data: bytes) -> bytes:
    """The RTF of a compressed body; nothing if it is none.

    Raises:
        IndexError: it is cut off.
    """
    if len(data) < _HEADER.size:
        return b""
    _, size, kind, _ = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    if kind == _PLAIN:
        return body[:size]
    return _expanded(body, size) if kind == _COMPRESSED else b""


def _expanded(body: bytes, size: int) -> bytes:
    """Bytes, and references to bytes further up, eight after each byte that tells which is which."""
    written = bytearray(_DICTIONARY)
    place = 0
    while len(written) - len(_DICTIONARY) < size:
        kinds, place = body[place], place + 1
        for bit in range(8):
            if not kinds & 1 << bit:
                written.append(body[place])
                place += 1
                continue
            reference, place = body[place] << 8 | body[place + 1], place + 2
            # Places count in a ring; where the next byte goes to is the mark of the end.
            distance = (len(written) - (reference >> 4)) % _SIZE
            if distance == 0:
                return bytes(written[len(_DICTIONARY) :])
            for _ in range((reference & 15) + _SHORTEST):
                written.append(written[-distance])
    return bytes(written[len(_DICTIONARY) : len(_DICTIONARY) + size])
