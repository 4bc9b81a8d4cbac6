"""epub: the chapters in the order in which they are read."""

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree.ElementTree import Element, fromstring
from zipfile import ZipFile

from shared_code.documents.document import DocumentLimits, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge, EncryptedDocument
from shared_code.documents.formats.headings import HeadingPath
from shared_code.documents.formats.office import descendants, opened
from shared_code.documents.formats.web_page import html_text, page_segments

_CONTAINER = "META-INF/container.xml"
_RIGHTS = "META-INF/rights.xml"
_PAGES = ("application/xhtml+xml", "text/html")


def read_epub(data: bytes, limits: DocumentLimits) -> Iterator[Segment]:
    """The sections of all chapters."""
    with opened(data, limits, "epub book") as archive:
        if _RIGHTS in archive.NameToInfo:
            raise EncryptedDocument("The book is protected: store it without protection.")
        if _CONTAINER not in archive.NameToInfo:
            raise BrokenDocument("The file is not an epub book, despite its name.")
        main = next(
            (each.get("full-path", "") for each in descendants(_parsed(archive, _CONTAINER), "rootfile")), ""
        )
        package = _parsed(archive, main)
        title = next((each.text or "" for each in descendants(package, "title")), "")
        chapters = list(_chapters(package))
        if len(chapters) > limits.pages:
            raise DocumentTooLarge.past("chapters", limits.pages)
        for chapter in chapters:
            part = posixpath.normpath(posixpath.join(posixpath.dirname(main), unquote(chapter)))
            if part in archive.NameToInfo:
                html = html_text(archive.read(part))
                for segment in page_segments(html, is_all_content=True):
                    yield HeadingPath(title).within(segment)


def _parsed(archive: ZipFile, part: str) -> Element:
    return fromstring(archive.read(part))  # noqa: S314 - expat bounds entities


def _chapters(package: Element) -> Iterator[str]:
    items = {each.get("id", ""): each for each in descendants(package, "item")}
    for reference in descendants(package, "itemref"):
        item = items.get(reference.get("idref", ""))
        if item is not None and item.get("media-type") in _PAGES:
            yield item.get("href", "")
