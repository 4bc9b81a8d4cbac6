"""PDF, page by page, with pdfium; it mends broken cross references and is not safe with threads."""

import re
from collections.abc import Iterator
from contextlib import closing

import pypdfium2 as pdfium  # type: ignore[import-untyped]  # ships no type marker

from shared_code.documents.document import Limits, Position, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge, EncryptedDocument

# pdfium marks a hyphen at the end of a line, so that the word can be joined again.
_SOFT_HYPHEN = re.compile("[\ufffe\x02](?:\r?\n)?")
_PDF_MARK = b"%PDF-"
_MARK_WITHIN = 1024


def read_pdf(data: bytes, limits: Limits) -> Iterator[Segment]:
    """One segment for each page that holds text."""
    if _PDF_MARK not in data[:_MARK_WITHIN]:
        raise BrokenDocument("The file does not begin as a PDF does.")
    with closing(_open(data)) as document:
        if len(document) > limits.pages:
            raise DocumentTooLarge.past("pages", limits.pages)
        for index in range(len(document)):
            yield Segment(_page_text(document, index), Position(page=index + 1))


def _open(data: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if error.err_code == pdfium.raw.FPDF_ERR_PASSWORD:
            raise EncryptedDocument from error
        raise BrokenDocument("The file cannot be read as a PDF.") from error


def _page_text(document: pdfium.PdfDocument, index: int) -> str:
    try:
        with closing(document[index]) as page, closing(page.get_textpage()) as text:
            return _SOFT_HYPHEN.sub("", text.get_text_range())
    except pdfium.PdfiumError as error:
        raise BrokenDocument(f"Page {index + 1} of the PDF cannot be read.") from error
