"""Comments and text boxes of the sheets of an xls, by the records Obj, TxO and Note of [MS-XLS].

A drawing has its shape, and then an object with a number; its text follows. A comment names its cell and the
number of its object after all drawings.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from shared_code.documents.formats.annotation import Annotation

CONTINUED = 0x3C
"""The kind of a record in which the one before goes on."""

_NOTE, _OBJECT, _DRAWING, _TEXT = 0x1C, 0x5D, 0xEC, 0x1B6
_ANCHOR = struct.pack("<HI", 0xF010, 18)
_ROW_OF_ANCHOR = 6
_LETTERS = 26


@dataclass(slots=True)
class _Object:
    """Something that is drawn on a sheet, where it begins, and how many letters of its text are to come."""

    row: int
    text: str = ""
    missing: int = 0


def annotations_of(records: Iterable[tuple[int, bytes]]) -> list[Annotation]:
    """The comments and the texts of drawings of a sheet with these records, by rows."""
    row, last = 0, _Object(0)
    objects: dict[int, _Object] = {}
    found: list[Annotation] = []
    for kind, record in records:
        if kind == _DRAWING and (place := record.rfind(_ANCHOR)) >= 0:
            field = place + len(_ANCHOR) + _ROW_OF_ANCHOR
            row = int.from_bytes(record[field : field + 2], "little")
        elif kind == _OBJECT:
            (number,) = struct.unpack_from("<H", record, 6)
            objects[number] = last = _Object(row)
        elif kind == _TEXT:
            (last.missing,) = struct.unpack_from("<H", record, 10)
        elif kind == CONTINUED and last.missing:
            _go_on(last, record)
        elif kind == _NOTE:
            note_row, column, _, number = struct.unpack_from("<4H", record)
            text = objects.pop(number, _Object(0)).text.strip()
            if text:
                found.append(Annotation.comment(note_row + 1, f"{_letters(column)}{note_row + 1}", text))
    drawn = (Annotation(each.row + 1, each.text.strip()) for each in objects.values() if each.text.strip())
    return sorted([*found, *drawn], key=lambda annotation: annotation.row)


def _go_on(drawn: _Object, record: bytes) -> None:
    """Appends the next part of a text. Each part says whether its letters have one byte or two."""
    width, encoding = (2, "utf-16-le") if record[:1] == b"\1" else (1, "latin-1")
    letters = record[1 : 1 + drawn.missing * width]
    drawn.text += letters.decode(encoding, "replace")
    drawn.missing -= len(letters) // width


def _letters(column: int) -> str:
    """The name of a column that is counted from 0."""
    before, letter = divmod(column, _LETTERS)
    return (_letters(before - 1) if before else "") + chr(ord("A") + letter)
