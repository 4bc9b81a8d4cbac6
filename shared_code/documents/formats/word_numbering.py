"""Numbers of headings and lists in docx: they stand nowhere in the text, Word counts when it shows it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from xml.etree.ElementTree import Element

from shared_code.documents.formats.office import attribute, children, tag, value_of

_NO_LIST = "0"
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_LARGEST_ROMAN = 4000
_LEVELS = 9


@dataclass(frozen=True, slots=True)
class Level:
    """How one level of a list counts, and how its numbers look: `%1.%2` of the numbers of the levels."""

    start: int
    format: str
    text: str
    restarts_below: int
    is_legal: bool
    style: str


@dataclass(frozen=True, slots=True)
class ListItem:
    """Of which list a paragraph is an item, and on which level; what it does not say is None."""

    list_id: str | None = None
    level: int | None = None


NO_ITEM = ListItem()


class Numbering:
    """Counts the paragraphs of a document, which must come in their order."""

    def __init__(self, root: Element | None) -> None:
        parts: Iterable[Element] = () if root is None else root
        self._levels: dict[str, dict[int, Level]] = {}
        self._lists: dict[str, str] = {}
        # How the numbers of a list look that counts with others, but shows its numbers in its own way.
        self._redefined: dict[str, dict[int, Level]] = {}
        self._starts: dict[str, dict[int, int]] = defaultdict(dict)
        self._numbers: dict[str, dict[int, int]] = defaultdict(dict)
        styled: dict[str, dict[int, Level]] = {}
        for part in parts:
            if tag(part) == "abstractNum":
                levels = {_number(attribute(each, "ilvl")): _level(each) for each in children(part, "lvl")}
                self._levels[attribute(part, "abstractNumId")] = levels
                styled[value_of(part, "styleLink") or ""] = levels
        for part in parts:
            if tag(part) == "abstractNum" and (link := value_of(part, "numStyleLink")) in styled:
                self._levels[attribute(part, "abstractNumId")] = styled[link or ""]
            elif tag(part) == "num":
                self._add_list(part)
        self._restarted = set[tuple[str, int]]()

    def _add_list(self, part: Element) -> None:
        key = attribute(part, "numId")
        self._lists[key] = value_of(part, "abstractNumId") or ""
        self._redefined[key] = {}
        for override in children(part, "lvlOverride"):
            level = _number(attribute(override, "ilvl"))
            for redefined in children(override, "lvl"):
                self._redefined[key][level] = _level(redefined)
            if (start := value_of(override, "startOverride")) is not None:
                self._starts[key][level] = _number(start)

    def next(self, item: ListItem, style: str) -> str:
        """The number of the next paragraph, or nothing."""
        if item.list_id in {None, _NO_LIST} or item.list_id not in self._lists:
            return ""
        abstract = self._lists[item.list_id]
        levels = {**self._levels.get(abstract, {}), **self._redefined[item.list_id]}
        depth = item.level if item.level is not None else _level_of(style, levels)
        if depth not in levels:
            return ""
        numbers = self._counted(item.list_id, abstract, depth, levels)
        return _shown(levels, depth, numbers)

    def _counted(
        self, list_id: str, abstract: str, depth: int, levels: Mapping[int, Level]
    ) -> Mapping[int, int]:
        numbers = self._numbers[abstract]
        if depth in self._starts[list_id] and (list_id, depth) not in self._restarted:
            self._restarted.add((list_id, depth))
            numbers[depth] = self._starts[list_id][depth]
        else:
            numbers[depth] = numbers[depth] + 1 if depth in numbers else levels[depth].start
        for deeper, level in levels.items():
            if deeper > depth and depth < level.restarts_below:
                numbers.pop(deeper, None)
        for above in range(depth):
            if above in levels:
                numbers.setdefault(above, levels[above].start)
        return numbers


def _level(element: Element) -> Level:
    depth = _number(attribute(element, "ilvl"))
    restart = value_of(element, "lvlRestart")
    return Level(
        start=_number(value_of(element, "start") or "0"),
        format=value_of(element, "numFmt") or "decimal",
        text=value_of(element, "lvlText") or "",
        restarts_below=depth if restart is None else _number(restart),
        is_legal=value_of(element, "isLgl") not in {None, "0", "false"},
        style=value_of(element, "pStyle") or "",
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 - Word's are of 32 bits


def _level_of(style: str, levels: Mapping[int, Level]) -> int:
    """A style that is linked to a list says which list only; the list says which level."""
    return next((depth for depth, level in levels.items() if style and level.style == style), 0)


def _shown(levels: Mapping[int, Level], depth: int, numbers: Mapping[int, int]) -> str:
    level = levels[depth]
    if level.format in {"bullet", "none"}:
        return ""
    text = level.text
    for above in range(_LEVELS):
        if f"%{above + 1}" in text:
            style = "decimal" if level.is_legal or above not in levels else levels[above].format
            text = text.replace(f"%{above + 1}", formatted(numbers.get(above, 0), style))
    return text.strip()


def formatted(number: int, style: str) -> str:
    """A number as Word writes those of a kind."""
    return _FORMATS.get(style, str)(number)


def _letters(number: int) -> str:
    """As Word counts beyond z: aa, bb, cc."""
    if number < 1:
        return ""
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 % 10 + 1)


def roman(number: int) -> str:
    """A number in small Roman numerals."""
    if not 0 < number < _LARGEST_ROMAN:
        return str(number)
    text = ""
    for value, letters in _ROMAN:
        text += letters * (number // value)
        number %= value
    return text


def _ordinal(number: int) -> str:
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _counted_in_chinese(number: int) -> str:
    """As in Chinese and Japanese up to 99; larger ones are hardly met as numbers of sections."""
    tens, ones = divmod(number, 10)
    if not 0 < tens < len(_CHINESE_DIGITS):
        return _CHINESE_DIGITS[ones] if number < len(_CHINESE_DIGITS) else str(number)
    return f"{_CHINESE_DIGITS[tens] if tens > 1 else ''}十{_CHINESE_DIGITS[ones] if ones else ''}"


def _of_sequence(signs: str, number: int) -> str:
    return signs[number - 1] if 0 < number <= len(signs) else str(number)


_CHINESE_DIGITS = "〇一二三四五六七八九"
_CHINESE_COUNTING = (
    "chineseCounting", "chineseCountingThousand", "japaneseCounting", "taiwaneseCounting",
    "taiwaneseCountingThousand",
)  # fmt: skip
_SEQUENCES = {
    "russianLower": "абвгдежзиклмнопрстуфхцчшщыэюя",
    "russianUpper": "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЫЭЮЯ",
    "ideographTraditional": "甲乙丙丁戊己庚辛壬癸",
    "aiueoFullWidth": "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨ",
    "ganada": "가나다라마바사아자차카타파하",
    "arabicAlpha": "أبتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "hebrew2": "אבגדהוזחטיכלמנסעפצקרשת",
    "decimalEnclosedCircle": "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳",
}
_FORMATS: dict[str, Callable[[int], str]] = {
    "lowerLetter": _letters,
    "upperLetter": lambda number: _letters(number).upper(),
    "lowerRoman": roman,
    "upperRoman": lambda number: roman(number).upper(),
    "decimalZero": lambda number: f"{number:02}",
    "ordinal": _ordinal,
    "none": lambda _: "",
    "bullet": lambda _: "",
    **dict.fromkeys(_CHINESE_COUNTING, _counted_in_chinese),
    **{name: partial(_of_sequence, signs) for name, signs in _SEQUENCES.items()},
}
