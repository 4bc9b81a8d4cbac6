"""Texts in PDF that have no font of their own: they are read alike on every machine.

pdfium looks for such fonts on the machine. It passes over vertical lines in one that it does not find, as
those have no width for it; the same characters written horizontally have one.
"""

import re
from typing import Any

from pypdfium2 import raw  # type: ignore[import-untyped]  # ships no type marker

# An encoding of vertical writing, which a PDF names: its horizontal one has the same characters.
_VERTICAL = re.compile(rb"(/Encoding\s*/(?:[A-Za-z0-9-]+-)?)V\b")
_kept: list[Any] = []


def written_horizontally(data: bytes) -> bytes:
    """The file with all that it says of vertical writing said of horizontal writing."""
    return _VERTICAL.sub(rb"\1H", data)


def use_no_fonts_of_the_machine() -> None:
    """Tells pdfium for the life of the process that the machine has no fonts."""
    if _kept:
        return
    fonts = raw.FPDF_SYSFONTINFO()
    fonts.version = 1
    for name, kind in raw.FPDF_SYSFONTINFO._fields_:
        if name != "version":
            function = kind(_nothing)
            setattr(fonts, name, function)
            _kept.append(function)
    _kept.append(fonts)
    raw.FPDF_SetSystemFontInfo(fonts)


def _nothing(*_: object) -> int:
    return 0
