"""PDF, page by page, with pdfium; it repairs broken cross references and is not safe with threads."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing

import pypdfium2 as pdfium  # type: ignore[import-untyped]  # ships no type marker
from pypdfium2 import raw

from shared_code.documents.document import DocumentLimits, Note, Position, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge, EncryptedDocument
from shared_code.documents.formats.headings import HeadingPath
from shared_code.documents.formats.office import told_title
from shared_code.documents.formats.pdf_fields import answers_beside_pages, with_fields
from shared_code.documents.formats.pdf_fonts import use_no_fonts_of_the_machine, written_horizontally
from shared_code.documents.formats.pdf_lines import unwrapped
from shared_code.documents.formats.pdf_twice import drawn_once
from shared_code.documents.formats.xml_text import read_xml

# pdfium marks a hyphen at the end of a line, so that the word can be joined again.
_SOFT_HYPHEN = re.compile("[\ufffe\x02](?:\r?\n)?")
_PDF_MARK = b"%PDF-"
_MARK_WITHIN = 1024
# A page with less text than this may be a picture of text, with a stamp or a page number.
_FEW_CHARACTERS = 200
_STAMP_CHARACTERS = 60
_PICTURE_SHARE = 0.5
# In points; pdfium passes over texts that are less wide, as empty ones are, of which a page has few.
_EMPTY_TEXTS = 5
_LEAST_EXTENT = 0.01
_LARGEST_OUTLINE = 5_000
_TEXTS_AND_IMAGES = (raw.FPDF_PAGEOBJ_TEXT, raw.FPDF_PAGEOBJ_IMAGE)

use_no_fonts_of_the_machine()
logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # it warns of forms that it reads in part


def read_pdf(data: bytes, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """One segment for each page that holds text."""
    if _PDF_MARK not in data[:_MARK_WITHIN]:
        raise BrokenDocument("The file does not begin as a PDF does.")
    with closing(_open(data)) as document:
        if len(document) > limits.pages:
            raise DocumentTooLarge.past("pages", limits.pages)
        yield from _File(document, data).pages()
        if document.get_formtype() == raw.FORMTYPE_XFA_FULL:
            for answers in answers_beside_pages(document):
                yield from read_xml(answers, limits)


def _open(data: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if error.err_code == pdfium.raw.FPDF_ERR_PASSWORD:
            raise EncryptedDocument from error
        raise BrokenDocument("The file cannot be read as a PDF.") from error


class _File:
    """An open file, and what is found out about it from page to page."""

    def __init__(self, document: pdfium.PdfDocument, data: bytes) -> None:
        self._document = document
        self._data = data
        self._has_form = document.get_formtype() != raw.FORMTYPE_NONE
        if self._has_form:
            document.init_forms()
        # The same file with vertical lines written horizontally, once a page needs it.
        self._horizontal: pdfium.PdfDocument | None = None
        self._pictures: list[int] = []
        self._unreadable: list[int] = []
        self._damaged: list[int] = []

    def pages(self) -> Iterator[Segment | Note]:
        path = HeadingPath(told_title(self._document.get_metadata_value("Title")))
        outline = self._outline()
        has_text = False
        for index in range(len(self._document)):
            # What begins on a page holds from the next one on, except for the first.
            for number, (level, title) in enumerate(outline.get(index, ())):
                if number == 0:
                    path.enter(level, title)
            text = self._page_text(index)
            has_text |= bool(text.strip())
            yield Segment(text, Position(page=index + 1), path.context)
            for level, title in outline.get(index, ())[1:]:
                path.enter(level, title)
        if self._horizontal:
            self._horizontal.close()
        if has_text:
            yield from self._notes()
        elif self._damaged:
            raise BrokenDocument(f"{_pages(self._damaged)} damaged and cannot be read.")

    def _notes(self) -> Iterator[Note]:
        if self._damaged:
            yield Note("PartNotRead", f"{_pages(self._damaged)} damaged and not read.")
        if self._pictures:
            yield Note(
                "PagesWithoutText",
                f"{_pages(self._pictures)} without text: if it is a scan, store it with recognised text.",
            )
        if self._unreadable:
            yield Note(
                "TextWithoutFont",
                f"{_pages(self._unreadable)} partly in fonts that the file lacks: save it with its fonts.",
            )

    def _outline(self) -> dict[int, list[tuple[int, str]]]:
        """The bookmarks on each page."""
        found: dict[int, list[tuple[int, str]]] = {}
        try:
            for _, bookmark in zip(range(_LARGEST_OUTLINE), self._document.get_toc(), strict=False):
                destination = bookmark.get_dest()
                page = None if destination is None else destination.get_index()
                if page is not None and (title := bookmark.get_title().strip()):
                    found.setdefault(page, []).append((bookmark.level, title))
        except pdfium.PdfiumError:
            return {}  # a text is worth more than its outline
        return found

    def _page_text(self, index: int) -> str:
        try:
            with closing(self._document[index]) as page:
                text = self._text_of(page)
                if len(text) < _FEW_CHARACTERS:
                    text = self._looked_at(index, page, text)
        except pdfium.PdfiumError:
            self._damaged.append(index + 1)
            return ""
        return text

    def _text_of(self, page: pdfium.PdfPage) -> str:
        with closing(page.get_textpage()) as textpage:
            text = drawn_once(textpage, textpage.get_text_range())
            if raw.FPDFPage_GetAnnotCount(page):
                text = with_fields(page, textpage, text)
        return unwrapped(_SOFT_HYPHEN.sub("", text.replace("\r\n", "\n")))

    def _looked_at(self, index: int, page: pdfium.PdfPage, text: str) -> str:
        """A page of little text: it may be a picture, or be written in a font that is not there."""
        objects = list(page.get_objects(_TEXTS_AND_IMAGES, max_depth=2))
        lines = [each for each in objects if each.type == raw.FPDF_PAGEOBJ_TEXT]
        if sum(map(_has_no_extent, lines)) > _EMPTY_TEXTS or any(map(_is_upright, lines)):
            text = self._horizontal_text(index) or text
        if not text.strip() or (len(text) < _STAMP_CHARACTERS and _is_picture(page, objects)):
            self._pictures.append(index + 1)
        return text

    def _horizontal_text(self, index: int) -> str:
        if self._horizontal is None:
            self._horizontal = _open(written_horizontally(self._data))
        with closing(self._horizontal[index]) as page:
            lines = page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT], max_depth=2)
            if sum(map(_has_no_extent, lines)) > _EMPTY_TEXTS:
                self._unreadable.append(index + 1)
            return self._text_of(page)


def _has_no_extent(line: pdfium.PdfObject) -> bool:
    """Whether pdfium knows no glyph of a text, or there is none, and so passes over it."""
    left, _, right, _ = line.get_bounds()
    return bool(right - left < _LEAST_EXTENT)


def _is_upright(line: pdfium.PdfObject) -> bool:
    """Whether pdfium passes over a text that has a height."""
    _, bottom, _, top = line.get_bounds()
    return _has_no_extent(line) and bool(top - bottom >= _LEAST_EXTENT)


def _is_picture(page: pdfium.PdfPage, objects: Iterable[pdfium.PdfObject]) -> bool:
    width, height = page.get_size()
    for each in objects:
        if each.type == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = each.get_bounds()
            if (right - left) * (top - bottom) > _PICTURE_SHARE * width * height:
                return True
    return False


def _pages(numbers: Sequence[int]) -> str:
    """As people write it: pages 3, 5-7 are."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    written = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
    return f"Page {written} is" if len(numbers) == 1 else f"Pages {written} are"
