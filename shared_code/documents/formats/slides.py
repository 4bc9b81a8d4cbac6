"""pptx: the slides in their order, each with its tables, charts, alternative texts, comments and notes."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, fromstring
from zipfile import ZipFile

from shared_code.documents.document import DocumentLimits, Position, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge
from shared_code.documents.formats.merged_cells import from_above, own_cells
from shared_code.documents.formats.office import (
    Relation,
    alternative_text,
    attribute,
    children,
    descendants,
    document_title,
    drawing_text,
    main_part,
    opened,
    relations,
    tag,
)

_TITLES = {"title", "ctrTitle"}
# What every slide repeats.
_REPEATED = {"sldNum", "dt", "sldImg", "hdr"}
# What holds others, down to the shapes, tables and pictures.
_LEAVES = {"sp", "tbl", "cNvPr", "text", "chart", "relIds", "Fallback"}
_BESIDE = {"notesSlide", "comments"}
_MERGED = {"1", "true"}
_CHARACTERS = {"br": "\n", "tab": "\t"}


def read_pptx(data: bytes, limits: DocumentLimits) -> Iterator[Segment]:
    """A segment for each slide."""
    with opened(data, limits, "pptx presentation") as archive:
        yield from _Presentation(archive, limits).slides()


class _Presentation:
    """The slides of one file, and what they have in common."""

    def __init__(self, archive: ZipFile, limits: DocumentLimits) -> None:
        self._archive = archive
        self._limits = limits
        self._title = document_title(archive)
        self._footers = set[str]()

    def slides(self) -> Iterator[Segment]:
        main = main_part(self._archive)
        presentation = self._parsed(main)
        if tag(presentation) != "presentation":
            raise BrokenDocument("The file is not a pptx presentation, despite its name.")
        parts = relations(self._archive, main)
        slides = [parts[key] for key in _slide_ids(presentation) if key in parts]
        if len(slides) > self._limits.pages:
            raise DocumentTooLarge.past("slides", self._limits.pages)
        for number, slide in enumerate(slides, start=1):
            if slide.target in self._archive.NameToInfo:
                yield self._slide(slide.target, number)

    def _parsed(self, part: str) -> Element:
        return fromstring(self._archive.read(part))  # noqa: S314 - expat bounds entities

    def _slide(self, part: str, number: int) -> Segment:
        related = relations(self._archive, part)
        blocks = list(self._blocks(self._parsed(part), related, self._limits.nesting))
        heading = next((text for is_title, text in blocks if is_title), "") or f"Slide {number}"
        blocks.sort(key=lambda block: not block[0])
        for relation in related.values():
            if relation.role in _BESIDE and relation.target in self._archive.NameToInfo:
                blocks += self._blocks(self._parsed(relation.target), {}, self._limits.nesting)
        text = "\n\n".join(text for _, text in blocks)
        section = " ".join(heading.split())
        return Segment(text, Position(page=number, section=section), (self._title, section))

    def _blocks(
        self, element: Element, related: dict[str, Relation], depth: int
    ) -> Iterator[tuple[bool, str]]:
        """The texts of shapes, and whether each is the slide's title."""
        if depth == 0:
            raise DocumentTooLarge.nested_past(self._limits.nesting)
        for child in element:
            name = tag(child)
            if name not in _LEAVES:
                yield from self._blocks(child, related, depth - 1)
            elif text := self._block(name, child, related):
                yield name == "sp" and _placeholder(child) in _TITLES, text

    def _block(self, name: str, element: Element, related: dict[str, Relation]) -> str:
        match name:
            case "sp":
                return self._shape(element)
            case "tbl":
                return "\n".join(_rows(element))
            case "cNvPr":
                return alternative_text(element)
            case "text":  # of a comment
                return (element.text or "").strip()
            case "chart" | "relIds":
                key = attribute(element, "id") or attribute(element, "dm")
                return drawing_text(self._archive, related.get(key, Relation("", "")))
        return ""

    def _shape(self, shape: Element) -> str:
        kind = _placeholder(shape)
        text = "" if kind in _REPEATED else _text(shape)
        if kind != "ftr":
            return text
        is_new = text not in self._footers
        self._footers.add(text)
        return text if is_new else ""


def _slide_ids(presentation: Element) -> Iterator[str]:
    """The slides' relations; what has no namespace is the id of something else."""
    for slides in children(presentation, "sldIdLst"):
        for slide in children(slides, "sldId"):
            yield from (value for key, value in slide.items() if key.endswith("}id"))


def _placeholder(shape: Element) -> str:
    return next((attribute(each, "type") for each in descendants(shape, "ph")), "")


def _rows(table: Element) -> Iterator[str]:
    """A line for each row; what cells hold that are merged with those below is in each of theirs."""
    above: dict[int, str] = {}
    for row in children(table, "tr"):
        cells: list[str | None] = []
        for column, cell in enumerate(children(row, "tc")):
            if cell.get("vMerge") not in _MERGED:
                above[column] = " ".join(_text(cell).split())
                cells.append(above[column])
            else:
                cells.append(from_above(above.get(column, ""), column))
        if any(own_cells(cells)):
            yield " | ".join(cell or "" for cell in cells)


def _text(shape: Element) -> str:
    lines = ("".join(_runs(paragraph)).strip() for paragraph in descendants(shape, "p"))
    return "\n".join(line for line in lines if line)


def _runs(paragraph: Element) -> Iterator[str]:
    for each in paragraph.iter():
        if tag(each) == "t":
            yield each.text or ""
        elif tag(each) in _CHARACTERS:
            yield _CHARACTERS[tag(each)]
