"""Rich Text Format, as older word processors exchange it."""

import re
from collections.abc import Iterator

from striprtf.striprtf import rtf_to_text

from shared_code.documents.document import DocumentLimits, Position, Segment
from shared_code.documents.errors import BrokenDocument

_BEGINNING = "{\\rtf"
_BESIDE_TEXT = re.compile(r"\{(?:\\\*)?\\(?:footnote|header[lrf]?|footer[lrf]?|annotation)\b")
# Marks a group that old programs need not read, where it begins; OpenOffice wrote it before styles, too.
_STRAY_STAR = re.compile(r"(?<![{\\\s])\\\*(?=\\[a-z])")
# What programs write after the last brace.
_PADDING = "\x00 \r\n\t"
_BRACE = re.compile(r"\\[\\{}]|[{}]")
# Hidden text, and what was deleted while changes were tracked.
_HIDES = re.compile(r"\\(?:v|deleted)(?![a-z0])")
_TOKEN = re.compile(r"\\([a-z]+)(-?\d*) ?|\\'[0-9a-f]{2}|\\[^a-z]|[{}]|[^\\{}]+", re.IGNORECASE)
_CHARACTERS = frozenset("u par line tab cell row lquote rquote ldblquote rdblquote bullet".split())  # noqa: SIM905


def read_rtf(data: bytes, _limits: DocumentLimits) -> Iterator[Segment]:
    """The text as one segment."""
    yield Segment(text_of_rtf(data), Position())


def text_of_rtf(data: bytes) -> str:
    """The text of a file in RTF.

    Raises:
        BrokenDocument: the file is not RTF.
    """
    # Each byte is a character to the format, which says itself in which encoding its text is.
    source = data.decode("latin-1").lstrip("\ufeff\xef\xbb\xbf \r\n\t")
    if not source.startswith(_BEGINNING):
        raise BrokenDocument("The file does not begin as RTF does.")
    try:
        source = _with_notes_at_the_end(_without_hidden(_STRAY_STAR.sub("", source)))
        return str(rtf_to_text(source, errors="replace"))  # type: ignore[no-untyped-call]
    except (ValueError, IndexError, LookupError) as error:
        raise BrokenDocument("The file cannot be read as RTF.") from error


def _without_hidden(source: str) -> str:
    """The file without text that nobody sees."""
    if not _HIDES.search(source):
        return source
    kept: list[str] = []
    groups: list[frozenset[str]] = []
    hiding: frozenset[str] = frozenset()
    for found in _TOKEN.finditer(source):
        mark, word, number = found[0], found[1], found[2]
        if mark == "{":
            groups.append(hiding)
        elif mark == "}":
            hiding = groups.pop() if groups else hiding
        elif word in {"v", "deleted"}:
            hiding = hiding - {word} if number == "0" else hiding | {word}
        elif word == "plain":
            hiding = frozenset()
        if not hiding or mark in {"{", "}"} or (word and word not in _CHARACTERS):
            kept.append(mark)
    return "".join(kept)


def _with_notes_at_the_end(source: str) -> str:
    """The file with headers, footers and notes behind the text: the parser passes over them elsewhere."""
    kept, notes, start = [], [], 0
    while found := _BESIDE_TEXT.search(source, start):
        end = _group_end(source, found.end())
        kept.append(f"{source[start : found.start()]}{{}}")  # or a word of the format would swallow a space
        notes.append(f"{{\\par {source[found.end() : end]}")
        start = end
    if not notes:
        return source
    kept.append(source[start:])
    whole = "".join(kept).rstrip(_PADDING)
    return whole.removesuffix("}") + "".join(notes) + "}"


def _group_end(source: str, start: int) -> int:
    """Where the group ends in which a place is."""
    depth = 1
    for found in _BRACE.finditer(source, start):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return len(source)
