"""What was filled into the form of a PDF page or typed onto it, put where its label stands, and comments."""

import ctypes
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pypdfium2 as pdfium  # type: ignore[import-untyped]  # ships no type marker
from pypdfium2 import raw

from shared_code.documents.errors import DocumentTooLarge

_HIDDEN = raw.FPDF_ANNOT_FLAG_HIDDEN | raw.FPDF_ANNOT_FLAG_NOVIEW
_TEXTS = {raw.FPDF_FORMFIELD_TEXTFIELD, raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX}
# Notes, and marks that a comment belongs to; the window that shows one is an annotation of its own.
_COMMENTED = {
    raw.FPDF_ANNOT_TEXT,
    raw.FPDF_ANNOT_HIGHLIGHT,
    raw.FPDF_ANNOT_UNDERLINE,
    raw.FPDF_ANNOT_SQUIGGLY,
    raw.FPDF_ANNOT_STRIKEOUT,
    raw.FPDF_ANNOT_CARET,
    raw.FPDF_ANNOT_STAMP,
    raw.FPDF_ANNOT_INK,
    raw.FPDF_ANNOT_LINE,
    raw.FPDF_ANNOT_SQUARE,
    raw.FPDF_ANNOT_CIRCLE,
    raw.FPDF_ANNOT_POLYGON,
    raw.FPDF_ANNOT_POLYLINE,
}
_KINDS_OF_TEXTS = {"Tx", "Ch"}
_BOXES = {raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON}
_PASSWORD = 1 << 13
_CHECKED = "☒"
# How far from its label a field may stand, in points: five centimetres.
_FAR = 140.0
# What holds a book is not a field.
_MOST_CHARACTERS = 100_000
_MOST_ANNOTATIONS = 20_000
_MOST_OPTIONS = 10_000
_ANSWERS = b"datasets"
_MOST_BYTES_OF_ANSWERS = 10_000_000


class _Field(NamedTuple):
    text: str
    name: str
    left: float
    middle: float
    half_height: float
    is_comment: bool


def with_fields(page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, text: str) -> str:
    """The text of a page with each field's value after its label, or at the end with the field's name.

    Comments come last, but for those that repeat what they mark.
    """
    places: list[tuple[int, str]] = []
    rest: list[str] = []
    comments: list[str] = []
    words = f" {' '.join(text.split())} "
    for field in _fields(page):
        if field.is_comment:
            if f" {' '.join(field.text.split())} " not in words:
                comments.append(f"Comment: {field.text}")
            continue
        place = _place(textpage, field)
        if place is None or place > len(text):
            rest.append(f"{field.name}: {field.text}" if field.name else field.text)
        else:
            places.append((place, f" {field.text} "))
    for place, value in sorted(places, key=lambda each: each[0], reverse=True):
        text = text[:place] + value + text[place:]
    return "\n".join(filter(None, [text, *rest, *comments]))


def answers_beside_pages(document: pdfium.PdfDocument) -> Iterator[bytes]:
    """The answers as XML in a form that Adobe's programs lay out by themselves (XFA): its pages hold none."""
    for number in range(raw.FPDF_GetXFAPacketCount(document)):
        size = raw.FPDF_GetXFAPacketName(document, number, None, 0)
        name = ctypes.create_string_buffer(size)
        raw.FPDF_GetXFAPacketName(document, number, name, size)
        if name.value == _ANSWERS:
            yield _packet(document, number)


def _packet(document: pdfium.PdfDocument, number: int) -> bytes:
    size = ctypes.c_ulong()
    raw.FPDF_GetXFAPacketContent(document, number, None, 0, ctypes.byref(size))
    if size.value > _MOST_BYTES_OF_ANSWERS:
        raise DocumentTooLarge.past("bytes of answers in a form", _MOST_BYTES_OF_ANSWERS)
    content = ctypes.create_string_buffer(size.value)
    raw.FPDF_GetXFAPacketContent(document, number, content, len(content), ctypes.byref(size))
    return content.raw


def _fields(page: pdfium.PdfPage) -> Iterator[_Field]:
    form = page.pdf.formenv
    for number in range(min(_MOST_ANNOTATIONS, raw.FPDFPage_GetAnnotCount(page))):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        try:
            if field := _field(annotation, form):
                yield field
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def _field(annotation: Any, form: Any) -> _Field | None:
    kind = raw.FPDFAnnot_GetSubtype(annotation)
    is_comment = kind in _COMMENTED
    if not is_comment and kind not in {raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT}:
        return None
    if raw.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
        return None
    text, name = "", ""
    if kind != raw.FPDF_ANNOT_WIDGET:
        text = _entry(annotation, b"Contents")
    elif form is None:
        text = _value_without_form(annotation)
    else:
        text = _value(annotation, form)
        name = _string(lambda *to: raw.FPDFAnnot_GetFormFieldAlternateName(form, annotation, *to))
    if not text.strip():
        return None
    box = raw.FS_RECTF()
    raw.FPDFAnnot_GetRect(annotation, ctypes.byref(box))
    middle, half_height = (box.top + box.bottom) / 2, abs(box.top - box.bottom) / 2
    return _Field(text.strip(), name.strip(), min(box.left, box.right), middle, half_height, is_comment)


def _value(annotation: Any, form: Any) -> str:
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _BOXES:
        return _CHECKED if raw.FPDFAnnot_IsChecked(form, annotation) else ""
    if kind not in _TEXTS or raw.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
        return ""
    return _chosen(annotation, form) or _string(
        lambda *to: raw.FPDFAnnot_GetFormFieldValue(form, annotation, *to)
    )


def _value_without_form(annotation: Any) -> str:
    """What a field says itself, on a page that was taken out of a form and lost what belongs to the whole."""
    flags = ctypes.c_float()
    raw.FPDFAnnot_GetNumberValue(annotation, b"Ff", ctypes.byref(flags))
    if _entry(annotation, b"FT") not in _KINDS_OF_TEXTS or int(flags.value) & _PASSWORD:
        return ""
    return _entry(annotation, b"V")


def _entry(annotation: Any, key: bytes) -> str:
    return _string(lambda *to: raw.FPDFAnnot_GetStringValue(annotation, key, *to))


def _chosen(annotation: Any, form: Any) -> str:
    """What a field shows of the options that are chosen; the value that is stored may be a code of it."""
    options = range(min(_MOST_OPTIONS, raw.FPDFAnnot_GetOptionCount(form, annotation)))
    chosen = (number for number in options if raw.FPDFAnnot_IsOptionSelected(form, annotation, number))
    return ", ".join(
        _string(lambda *to, number=number: raw.FPDFAnnot_GetOptionLabel(form, annotation, number, *to))
        for number in chosen
    )


def _string(get: Callable[..., int]) -> str:
    """What pdfium writes into a buffer, once it has said how many bytes that takes."""
    size = min(get(None, 0), 2 * _MOST_CHARACTERS)
    buffer = ctypes.create_string_buffer(size)
    get(ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), size)
    return buffer.raw.decode("utf-16-le", "replace").rstrip("\x00")


def _place(textpage: pdfium.PdfTextPage, field: _Field) -> int | None:
    """Where in the text of the page a field belongs: after what stands left of it, or before its right."""
    index = raw.FPDFText_GetCharIndexAtPos(textpage, field.left - 1, field.middle, _FAR, field.half_height)
    if index < 0:
        return None
    place = raw.FPDFText_GetTextIndexFromCharIndex(textpage, index)
    box = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(textpage, index, ctypes.byref(box))
    if place < 0:
        return None
    return int(place) + int(box.left < field.left)
