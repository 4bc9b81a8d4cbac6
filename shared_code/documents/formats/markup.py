"""Lightweight markup (Markdown, reStructuredText, AsciiDoc, Org): the text as it is, cut at its headings.

The rows of tables are segments of their own, below the line of their names.
"""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from shared_code.documents.document import DocumentLimits, Position, Segment
from shared_code.documents.formats.decoding import decode
from shared_code.documents.formats.headings import HeadingPath

_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,}|-{4,}$|\.{4,}$|#\+begin_|#\+BEGIN_)")
_FENCE_END = re.compile(r"\s{0,3}(`{3,}|~{3,}|-{4,}|\.{4,}|#\+end_\S*|#\+END_\S*)\s*$")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-[-:|+\s]*\|[-:|+\s]*$")
_FRONT_MATTER = re.compile(r"---\n(.*?)\n(?:---|\.\.\.)\n", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE | re.IGNORECASE)
_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*$")
_SETEXT = re.compile(r" {0,3}(=+|-+)\s*$")
_STARS = re.compile(r"(\*+) +(.+)$")
_EQUALS = re.compile(r"(={1,6}) +(.+)$")
_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*$")


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    title: str
    lines: int


_HeadingAt = Callable[[Sequence[str], int], _Heading | None]


def read_markdown(data: bytes, _limits: DocumentLimits) -> Iterator[Segment]:
    """Markdown: headings after number signs, and those with a line below."""
    return _sections(data, _markdown_heading)


def markdown_sections(text: str, path: HeadingPath) -> Iterator[Segment]:
    """A text in Markdown, below and among the headings of others."""
    return _sections_below(path, text.split("\n"), 0, _markdown_heading)


def read_org(data: bytes, _limits: DocumentLimits) -> Iterator[Segment]:
    """Org: headings after stars."""
    return _sections(data, partial(_marked_heading, _STARS))


def read_asciidoc(data: bytes, _limits: DocumentLimits) -> Iterator[Segment]:
    """AsciiDoc: headings after equals signs."""
    return _sections(data, partial(_marked_heading, _EQUALS))


def read_restructured_text(data: bytes, _limits: DocumentLimits) -> Iterator[Segment]:
    """reStructuredText: headings above a line of one sign, whose level is where that sign came first."""
    return _sections(data, _Adornments().heading)


@dataclass
class _Adornments:
    """The signs that have underlined headings, in the order of their levels."""

    signs: list[str] = field(default_factory=list)

    def heading(self, lines: Sequence[str], index: int) -> _Heading | None:
        has_overline = bool(_ADORNMENT.match(lines[index])) and index + 2 < len(lines)
        title = lines[index + has_overline]
        below = lines[index + has_overline + 1] if index + has_overline + 1 < len(lines) else ""
        found = _ADORNMENT.match(below)
        if (
            not found
            or not title.strip()
            or _ADORNMENT.match(title)
            or len(below.rstrip()) < len(title.strip())
        ):
            return None
        sign = found[1] * (1 + has_overline)
        if sign not in self.signs:
            self.signs.append(sign)
        return _Heading(self.signs.index(sign) + 1, title.strip(), 2 + has_overline)


def _markdown_heading(lines: Sequence[str], index: int) -> _Heading | None:
    line = lines[index]
    if "#" in line[:4] and (found := _ATX.match(line)):
        return _Heading(len(found[1]), found[2], 1)
    if index + 1 == len(lines) or not lines[index + 1].lstrip(" ").startswith(("=", "-")):
        return None
    is_first = index == 0 or not lines[index - 1].strip()
    if not is_first or not line.strip():
        return None
    underline = _SETEXT.match(lines[index + 1])
    if underline is None or "|" in line:
        return None
    return _Heading(1 if underline[1][0] == "=" else 2, line.strip(), 2)


def _marked_heading(marks: re.Pattern[str], lines: Sequence[str], index: int) -> _Heading | None:
    found = marks.match(lines[index])
    return _Heading(len(found[1]), found[2].strip(), 1) if found else None


def _sections(data: bytes, heading_at: _HeadingAt) -> Iterator[Segment]:
    text = decode(data)
    front = _FRONT_MATTER.match(text)
    title = _FRONT_TITLE.search(front[1]) if front else None
    path = HeadingPath(title[1] if title else "")
    lines = text.split("\n")
    start = front[0].count("\n") if front else 0
    if start:
        yield path.segment("\n".join(lines[:start]), line=1)
    yield from _sections_below(path, lines, start, heading_at)


def _sections_below(
    path: HeadingPath, lines: Sequence[str], start: int, heading_at: _HeadingAt
) -> Iterator[Segment]:
    index = start
    fence = ""
    while index < len(lines):
        line = lines[index]
        if fence:
            fence = "" if _closes(line, fence) else fence
            index += 1
        elif heading := heading_at(lines, index):
            yield from _segment(lines, start, index, path)
            path.enter(heading.level, heading.title)
            start, index = index, index + heading.lines
        elif found := _FENCE.match(line):
            fence = found[1]
            index += 1
        elif index + 1 < len(lines) and "|" in line and _TABLE_RULE.match(lines[index + 1]):
            yield from _segment(lines, start, index, path)
            start = index = yield from _table(lines, index, path)
        else:
            index += 1
    yield from _segment(lines, start, len(lines), path)


def _closes(line: str, fence: str) -> bool:
    found = _FENCE_END.match(line)
    return found is not None and found[1][:2].lower() == fence[:2].lower()


def _segment(lines: Sequence[str], start: int, end: int, path: HeadingPath) -> Iterator[Segment]:
    if end > start:
        yield path.segment("\n".join(lines[start:end]), line=start + 1)


def _table(lines: Sequence[str], index: int, path: HeadingPath) -> Generator[Segment, None, int]:
    """The rows of a table whose names stand in a line; returns where it ends."""
    header = lines[index].strip()
    yield path.segment(header, line=index + 1)
    index += 1
    while index < len(lines) and "|" in lines[index]:
        yield Segment(lines[index], Position(line=index + 1, section=path.section), path.context, header)
        index += 1
    return index
