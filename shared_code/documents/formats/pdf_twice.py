"""Letters of a PDF that were drawn twice, a little shifted, to make them bold: they are read once."""

import ctypes
import re
from collections.abc import Iterator

import pypdfium2 as pdfium  # type: ignore[import-untyped]  # ships no type marker
from pypdfium2 import raw

_TWICE = re.compile(r"(\S)\1|(?<!\S)(\S{2,40}+)[ \r\n]++\2(?!\S)|^([^\r\n]{2,400}+)\r\n\3$", re.MULTILINE)
# The next letter begins where this one ends; drawn twice it begins before, in x or not at all in y.
_ADVANCE = 0.8
_SHIFT = 0.5
_CLOSER = 0.6
_CLOSER_ALONE = 0.4
_LEAST_SHIFT = 0.02
# Letters that stand as far from each other as those before are of one word.
_PITCH = 1.25


def drawn_once(textpage: pdfium.PdfTextPage, text: str) -> str:
    """The text of a page without what stands at the same place as the same text before."""
    dropped = [span for found in _TWICE.finditer(text) for span in _repeated(textpage, text, found)]
    if not dropped:
        return text
    kept, start = [], 0
    for first, end in dropped:
        kept.append(text[start:first])
        start = end
    return "".join([*kept, text[start:]])


def _repeated(textpage: pdfium.PdfTextPage, text: str, found: re.Match[str]) -> Iterator[tuple[int, int]]:
    """What of a text and its repetition is to be left out."""
    once = found.lastindex or 1
    first, end = found.start(once), found.end(once)
    again = found.end() - (end - first)
    if not _is_same_place(textpage, first, again):
        return
    if end - first > 1:
        yield end, found.end()
    elif _is_closer_than_others(textpage, text, first):
        is_space_more = _is_space_within_a_word(textpage, text, first, found.end())
        yield again, found.end() + is_space_more


def _is_same_place(textpage: pdfium.PdfTextPage, first: int, second: int) -> bool:
    """Whether two characters, drawn one after the other and not in one go, are at the same place."""
    # Nearly all letters that are double are of one word, drawn in one go; this is the cheapest to find out.
    if _drawing_of(textpage, first) == _drawing_of(textpage, second):
        return False
    left, right, bottom, top = _box(textpage, first)
    other_left, _, other_bottom, _ = _box(textpage, second)
    is_beside = abs(other_left - left) < _ADVANCE * (right - left)
    if not is_beside or abs(other_bottom - bottom) >= _SHIFT * (top - bottom):
        return False
    # Turned letters stand above each other.
    return not raw.FPDFText_GetCharAngle(textpage, _character(textpage, first))


def _drawing_of(textpage: pdfium.PdfTextPage, place: int) -> int:
    """What tells the drawing that a character is of from others."""
    drawing = raw.FPDFText_GetTextObject(textpage, _character(textpage, place))
    return ctypes.addressof(drawing.contents) if drawing else 0


def _is_closer_than_others(textpage: pdfium.PdfTextPage, text: str, first: int) -> bool:
    """Whether a letter and its double are closer than it is to its neighbours: fonts lie about widths."""
    left, right, _, _ = _box(textpage, first)
    shift = abs(_box(textpage, first + 1)[0] - left)
    if shift < _LEAST_SHIFT * (right - left):
        return False  # a ligature, which is one glyph for two letters
    before = len(text[:first].rstrip(" ")) - 1
    if before >= 0 and text[before] not in "\r\n":
        distance = left - _box(textpage, before)[0]
        if distance > 0:
            return shift < _CLOSER * distance
    after = len(text) - len(text[first + 2 :].lstrip(" "))
    if after < len(text) and text[after] not in "\r\n":
        return shift < _CLOSER * (_box(textpage, after)[0] - left - shift)
    return shift < _CLOSER_ALONE * (right - left)


def _is_space_within_a_word(textpage: pdfium.PdfTextPage, text: str, first: int, end: int) -> bool:
    """Whether pdfium has put a space after a letter because it took the second one for the next."""
    if not text[:first].strip() or text[end : end + 1] != " " or not text[end + 1 : end + 2].strip():
        return False
    if not raw.FPDFText_IsGenerated(textpage, _character(textpage, end)):
        return False
    last = len(text[:first].rstrip(" ")) - 1
    before, here, after = (_box(textpage, place)[0] for place in (last, first, end + 1))
    return 0 < after - here < _PITCH * (here - before)


def _box(textpage: pdfium.PdfTextPage, place: int) -> tuple[float, float, float, float]:
    box = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(textpage, _character(textpage, place), ctypes.byref(box))
    return box.left, box.right, box.bottom, box.top


def _character(textpage: pdfium.PdfTextPage, place: int) -> int:
    return int(raw.FPDFText_GetCharIndexFromTextIndex(textpage, place))
