"""Numbers of headings and lists in odt and odp: they stand nowhere in the text but are counted."""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from shared_code.documents.formats.office import attribute, children, tag
from shared_code.documents.formats.word_numbering import formatted

# What OpenDocument calls the kinds of numbers, and what Word does.
_FORMATS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_PARAGRAPHS = {"p", "h"}
_LONGEST_NUMBER = 9

_Levels = dict[int, Element]


class ListNumbers:
    """Counts the items of a document, whose blocks must come in their order."""

    def __init__(self) -> None:
        self._styles: dict[str, _Levels] = {}
        self._outline: _Levels = {}
        self._headings: list[int] = []
        # The last number of each list by its id, and of each level by the style of its list.
        self._of_list: dict[str, int] = {}
        self._of_level: dict[str, dict[int, int]] = {}

    def add(self, style: Element) -> None:
        """Learns how a kind of lists, or the headings, are numbered."""
        levels = {_number(attribute(level, "level"), 1): level for level in style}
        if tag(style) == "outline-style":
            self._outline = levels
        else:
            self._styles[attribute(style, "name")] = levels

    def mark(self, block: Element) -> None:
        """Writes their numbers before the texts of a heading, or of the items of lists in a block."""
        if tag(block) == "h":
            self._mark_heading(block)
        elif tag(block) == "list":
            self._mark_list(block, "", ())
        else:
            for inner in _lists(block):
                self._mark_list(inner, "", ())

    def _mark_heading(self, heading: Element) -> None:
        depth = min(_number(attribute(heading, "outline-level"), 1), len(self._outline))
        if not depth or attribute(heading, "is-list-header") == "true":
            return
        above = self._headings[: depth - 1]
        above += [1] * (depth - 1 - len(above))
        before = self._headings[depth - 1] if len(self._headings) >= depth else 0
        self._headings = [*above, before + 1]
        _write_before(heading, _shown(self._outline, self._headings))

    def _mark_list(
        self, items: Element, style: str, above: Sequence[int], *, is_continued: bool = False
    ) -> None:
        style = attribute(items, "style-name") or style
        levels, depth = self._styles.get(style, {}), len(above) + 1
        of_level = self._of_level.setdefault(style, {})
        before = _number(attribute(levels[depth], "start-value"), 1) - 1 if depth in levels else 0
        number = before
        if is_continued or _is_continued(items):
            number = self._of_list.get(attribute(items, "continue-list"), of_level.get(depth, before))
        else:
            _forget(of_level, depth)
        for item in children(items, "list-item"):
            first = next((child for child in item if tag(child) in _PARAGRAPHS), None)
            if first is not None:
                number = _number(attribute(item, "start-value"), number + 1)
                _write_before(first, _shown(levels, [*above, number]))
                _forget(of_level, depth + 1)
            # An item without a text of its own goes on with the one before. The first one counts.
            number = max(number, before + 1)
            for inner in children(item, "list"):
                self._mark_list(inner, style, [*above, number], is_continued=first is None)
        of_level[depth] = number
        if attribute(items, "id"):
            self._of_list[attribute(items, "id")] = number


def _forget(of_level: dict[int, int], depth: int) -> None:
    """Forgets the numbers of a level and of those below it, which begin again."""
    for level in [each for each in of_level if each >= depth]:
        del of_level[level]


def _is_continued(items: Element) -> bool:
    """Whether a list goes on counting where another one ended."""
    return attribute(items, "continue-numbering") == "true" or attribute(items, "continue-list") != ""


def _lists(block: Element) -> Iterator[Element]:
    """The outermost lists within a block."""
    for child in block:
        if tag(child) == "list":
            yield child
        else:
            yield from _lists(child)


def _shown(levels: _Levels, numbers: Sequence[int]) -> str:
    """A number as the style of its level has it; bullets have none."""
    level = levels.get(len(numbers))
    if level is None or attribute(level, "num-format") not in _FORMATS:
        return ""
    shown = _number(attribute(level, "display-levels"), 1)
    parts = [
        formatted(number, _FORMATS.get(attribute(levels[depth], "num-format"), "none"))
        for depth, number in enumerate(numbers, start=1)
        if depth > len(numbers) - shown and depth in levels
    ]
    prefix, suffix = attribute(level, "num-prefix"), attribute(level, "num-suffix")
    return f"{prefix}{'.'.join(filter(None, parts))}{suffix}".strip()


def _write_before(paragraph: Element, number: str) -> None:
    if number:
        paragraph.text = f"{number} {paragraph.text or ''}"


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) <= _LONGEST_NUMBER else otherwise
