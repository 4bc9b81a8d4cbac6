"""Marks of footnotes and endnotes in docx: Word counts them as it shows them, in the text and at the note."""

from collections.abc import Callable, Mapping
from xml.etree.ElementTree import Element

from shared_code.documents.formats.office import attribute, tag
from shared_code.documents.formats.word_numbering import roman

# How Word numbers them by default.
_NUMBERS: Mapping[str, Callable[[int], str]] = {"footnote": str, "endnote": roman}
NOTES = frozenset(_NUMBERS)
_OFF = {"", "0", "false", "off"}


class NoteMarks:
    """The marks of one document, whose body must be read before its notes."""

    def __init__(self) -> None:
        self._marks: dict[tuple[str, str], str] = {}
        self._counts = dict.fromkeys(NOTES, 0)
        # The mark of the note that is being read.
        self.own = ""

    def refer(self, reference: Element) -> str:
        """The mark of a note where the text refers to it; nothing where the text has a mark of its own."""
        if attribute(reference, "customMarkFollows") not in _OFF:
            return ""
        kind = tag(reference).removesuffix("Reference")
        self._counts[kind] += 1
        mark = f"[{_NUMBERS[kind](self._counts[kind])}]"
        return self._marks.setdefault((kind, attribute(reference, "id")), mark)

    def begin(self, note: Element) -> None:
        """Comes to a note."""
        self.own = self._marks.get((tag(note), attribute(note, "id")), "")
