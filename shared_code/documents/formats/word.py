"""docx: paragraphs, tables, text boxes, formulas and notes in reading order, a segment for each heading.

The XML is read as a stream, so that memory follows the largest block and not the document. Tags go by
their local names: text is in `t` whether it belongs to a run, a drawing or a formula.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import IO
from xml.etree.ElementTree import Element, ParseError, fromstring, iterparse
from zipfile import BadZipFile, ZipFile

from shared_code.documents.document import Limits, Position, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge
from shared_code.documents.formats.archive import open_archive

_BLOCKS = {"p", "tbl"}
_ROOTS = {"document", "footnotes", "endnotes"}
# Deleted text, the old place of moved text, and the copy of a text box for old programs.
_UNREAD = {"del", "moveFrom", "Fallback"}
_CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_NOTES = ("footnotes.xml", "endnotes.xml")


def read_docx(data: bytes, limits: Limits) -> Iterator[Segment]:
    """The body cut where headings stand, and then the notes."""
    with open_archive(data, limits) as archive:
        try:
            yield from _segments(archive, limits)
        except (ParseError, BadZipFile, KeyError, EOFError, zlib.error, NotImplementedError) as error:
            raise BrokenDocument("The file cannot be read as a docx document.") from error


def _segments(archive: ZipFile, limits: Limits) -> Iterator[Segment]:
    main = _main_part(archive)
    folder = main.rpartition("/")[0]
    headings = _heading_styles(archive, f"{folder}/styles.xml")
    with archive.open(main) as stream:
        yield from _sections(_blocks(stream, limits), headings)
    for notes in (f"{folder}/{name}" for name in _NOTES):
        if notes in archive.NameToInfo:
            with archive.open(notes) as stream:
                yield from _sections(_blocks(stream, limits), headings)


def _main_part(archive: ZipFile) -> str:
    for relation in fromstring(archive.read("_rels/.rels")):  # noqa: S314 - expat bounds entities
        if relation.get("Type", "").endswith("/officeDocument"):
            return relation.get("Target", "").lstrip("/")
    raise BrokenDocument("The file cannot be read as a docx document: it names no main part.")


def _heading_styles(archive: ZipFile, part: str) -> set[str]:
    """The ids of heading styles, which follow the author's language; their names do not."""
    if part not in archive.NameToInfo:
        return set()
    with archive.open(part) as stream:
        return {
            _attribute(style, "styleId")
            for _, style in iterparse(stream)  # noqa: S314 - expat bounds entities
            if _tag(style) == "style"
            and any(_tag(child) == "name" and _is_heading(_attribute(child, "val")) for child in style)
        }


def _is_heading(style_name: str) -> bool:
    return style_name.lower().startswith(("heading", "title"))


def _blocks(stream: IO[bytes], limits: Limits) -> Iterator[Element]:
    """Outermost paragraphs and tables, each forgotten once it has been read."""
    depth = open_blocks = 0
    for event, element in iterparse(stream, ("start", "end")):  # noqa: S314 - expat bounds entities
        step = 1 if event == "start" else -1
        if depth == 0 and _tag(element) not in _ROOTS:
            raise BrokenDocument("The file is no docx document, in spite of its name.")
        depth += step
        if depth > limits.nesting:
            raise DocumentTooLarge.nested_past(limits.nesting)
        if _tag(element) in _BLOCKS:
            open_blocks += step
        if event == "end" and open_blocks == 0:
            if _tag(element) in _BLOCKS:
                yield element
            element.clear()


def _sections(blocks: Iterable[Element], headings: set[str]) -> Iterator[Segment]:
    section: str | None = None
    texts: list[str] = []
    for block in blocks:
        text = _block_text(block)
        if not text:
            continue
        if _style(block) in headings:
            yield Segment("\n\n".join(texts), Position(section=section))
            section, texts = text, []
        texts.append(text)
    yield Segment("\n\n".join(texts), Position(section=section))


def _style(block: Element) -> str:
    if _tag(block) != "p":
        return ""
    return next((_attribute(style, "val") for style in _nearest(block, "pStyle")), "")


def _block_text(block: Element) -> str:
    if _tag(block) == "p":
        return "".join(_text(block)).strip()
    rows = (" | ".join(_cell_texts(row)) for row in _nearest(block, "tr"))
    return "\n".join(row for row in rows if row.strip(" |"))


def _cell_texts(row: Element) -> Iterator[str]:
    return (" ".join("".join(_text(cell)).split()) for cell in _nearest(row, "tc"))


def _text(element: Element) -> Iterator[str]:
    for child in element:
        match _tag(child):
            case "t":
                yield child.text or ""
            case tag if tag in _CHARACTERS:
                yield _CHARACTERS[tag]
            case "tbl" | "p":
                yield f"\n{_block_text(child)}\n"
            case tag if tag not in _UNREAD:
                yield from _text(child)


def _nearest(element: Element, tag: str) -> Iterator[Element]:
    """Descendants of a tag that lie in no other of it."""
    for child in element:
        if _tag(child) == tag:
            yield child
        else:
            yield from _nearest(child, tag)


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _attribute(element: Element, name: str) -> str:
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")
