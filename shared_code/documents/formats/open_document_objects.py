"""What is embedded in an OpenDocument file and has parts of its own: charts, formulas, other documents."""

import posixpath
from xml.etree.ElementTree import Element, fromstring
from zipfile import ZipFile

from shared_code.documents.formats.office import attribute, descendants, tag

_CONTENT = "content.xml"


class EmbeddedObjects:
    """The objects of a file; one that is shown several times is read once."""

    def __init__(self, archive: ZipFile) -> None:
        """Reads nothing yet."""
        self._archive = archive
        self._unread = {name for name in archive.NameToInfo if name.endswith(f"/{_CONTENT}")}

    def put_into(self, block: Element) -> None:
        """Puts the content of each object to where the block shows it."""
        if not self._unread:
            return
        for shown in list(descendants(block, "object")):
            part = posixpath.normpath(posixpath.join(attribute(shown, "href"), _CONTENT))
            if part in self._unread:
                self._unread.remove(part)
                shown.append(fromstring(self._archive.read(part)))  # noqa: S314 - expat bounds entities


def formula(math: Element) -> str:
    """A formula as its author typed it, or else its symbols in their order."""
    typed = next(descendants(math, "annotation"), None)
    if typed is not None and typed.text:
        return typed.text.strip()
    return " ".join(
        text for each in math.iter() if tag(each) != "annotation" and (text := (each.text or "").strip())
    )
