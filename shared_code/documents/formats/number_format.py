"""Number formats of workbooks, such as `#,##0.00 "CHF"`: what a cell shows of the value that is stored.

Of the sections of a format that is chosen which the number's sign, or a condition, asks for. Whole dates are
given as ISO 8601 has them, since what a workbook shows depends on the country; parts of dates as shown.
"""

import re
from calendar import day_name, month_name
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache

Value = float | date | time | timedelta

GENERAL = "General"
# Where a format is not written out in the file, its number stands for it.
_BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: "$#,##0", 6: "$#,##0", 7: "$#,##0.00", 8: "$#,##0.00",
    9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 14: "yyyy-mm-dd", 15: "d-mmm-yy",
    16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm", 37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;(#,##0.00)", 41: "#,##0;-#,##0", 42: "$#,##0;-$#,##0", 43: "#,##0.00;-#,##0.00",
    44: "$#,##0.00;-$#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
}  # fmt: skip
_LONGEST_FORMAT = 250
# Of those for positive numbers, negative ones, zero and text.
_SECTION_OF_TEXT = 4
# Day 60 is the 29th of February 1900, which never was: from March on days count from here.
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - sheets know no time zones
_DAYS_OF_DATES = 2_958_466
_SECONDS_OF_A_DAY = 86_400
# None comes after it; databases write it for what never ends.
_LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001
_TOKEN = re.compile(
    r"""
    "(?P<quoted>[^"]*)"? | \\(?P<escaped>.) | _(?P<space>.) | \*(?P<fill>.)
    | \[\$(?P<currency>[^\]-]*)(?:-[^\]]*)?\] | \[(?P<condition>[<>=]+-?[\d.]+)\]
    | \[(?P<elapsed>h+|m+|s+)\] | \[[^\]]*\]
    | (?P<general>General)
    | (?P<number>(?:[0#?][0#?,]*(?:\.[0#?]*)?|\.[0#?]+),*) (?P<exponent>[eE][+-][0#?]+)?
    | (?P<fraction>/\s*(?:[?#0]+|\d+)) | (?P<percent>%)
    | (?P<noon>AM/PM|A/P) | (?P<date>y+|m+|d+|h+|s+(?:\.0+)?) | (?P<text>@) | (?P<literal>.)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_SECTION = re.compile(r"""((?:"[^"]*"?|\\.|[_*].|\[[^\]]*\]|[^;])*);?""", re.DOTALL)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)(-?[\d.]+)")
_MONTHS = list(month_name)
_DAYS = list(day_name)
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "<": lambda value, bound: value < bound,
    ">": lambda value, bound: value > bound,
    "=": lambda value, bound: value == bound,
    "<=": lambda value, bound: value <= bound,
    ">=": lambda value, bound: value >= bound,
    "<>": lambda value, bound: value != bound,
}
_DIGITS_INGENERAL = 10
_MOST_EXACT = 1e15
_MOST_FORMATTED = 1e18
# Halves go up, and what is half is decided by the 15 digits that count, not by the binary number.
_HALVES_UP = 1 + 2**-50
_NOT_ZERO = re.compile("[1-9]")
_LITERALS = frozenset({"quoted", "escaped", "currency", "literal", "percent", "space", "fill"})
_SIMPLE_NUMBER = re.compile(r"(#,##|#*)0(?:\.(0+))?")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _Simple:
    """A number with this many decimals between two texts: most formats are no more than that."""

    before: str
    digits: str
    after: str
    factor: int

    def shown(self, value: float) -> str:
        return f"{self.before}{format(_half_up(value) * self.factor, self.digits)}{self.after}"


def _half_up(value: float) -> float:
    """A number whose halves are rounded up; a whole one as it is, since identifiers have many digits."""
    return value if value % 1 == 0 else value * _HALVES_UP


def built_in_format(number: int) -> str:
    """The format that a number stands for."""
    return _BUILT_IN.get(number, GENERAL)


def shown(value: Value, code: str) -> str:
    """What a cell shows of a number, date, time or duration in a format."""
    if isinstance(value, (float, int)):
        simple = _simple(code)
        if simple and 0 < value < _MOST_FORMATTED:
            return simple.shown(value)
        return _number_shown(value, code) if abs(value) < _MOST_FORMATTED else shown_in_general(value)
    return _date_shown(value, code)


@lru_cache(maxsize=1024)
def _around_text(code: str) -> tuple[str, str]:
    """What a format puts before and after a text."""
    sections = _sections(code)
    tokens = _tokens(sections[-1])
    place = next((index for index, token in enumerate(tokens) if token.kind == "text"), None)
    if place is None or (len(sections) > 1 and len(sections) < _SECTION_OF_TEXT):
        return "", ""
    before, after = tokens[:place], tokens[place + 1 :]
    return "".join(map(_literal, before)).lstrip(), "".join(map(_literal, after)).rstrip()


def text_shown(text: str, code: str) -> str:
    """What a cell shows of a text in a format."""
    before, after = _around_text(code)
    return f"{before}{text}{after}"


def shown_serial(value: float, code: str) -> str:
    """What is shown of a number that counts the days since 1900 where the format is one of dates."""
    kinds = {token.kind for token in _tokens(_section_for(value, _sections(code))[0])}
    if "date" not in kinds or not 0 <= value < _DAYS_OF_DATES:
        return shown(value, code)
    # Rounded, since a binary fraction of a day is hardly ever a whole second.
    moment = _DAY_ZERO + timedelta(seconds=round(value * _SECONDS_OF_A_DAY))
    return shown(moment.time() if value < 1 else moment, code)


def shown_in_general(value: float) -> str:
    """A number without a format: a whole one with all its digits, another rounded as a cell is wide."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < _MOST_EXACT):
        return str(int(value))
    return f"{value:.{_DIGITS_INGENERAL}g}"


@lru_cache(maxsize=1024)
def is_general(code: str) -> bool:
    """Whether a format shows numbers as they are."""
    return code in {GENERAL, "", "@"} or len(code) > _LONGEST_FORMAT


@lru_cache(maxsize=1024)
def _sections(code: str) -> list[str]:
    return [found[1] for found in _SECTION.finditer(code) if found[0]][:4] or [GENERAL]


@lru_cache(maxsize=1024)
def _tokens(section: str) -> tuple[_Token, ...]:
    found = (match for match in _TOKEN.finditer(section) if match.lastgroup)
    tokens = []
    for match in found:
        kind = match.lastgroup or ""
        text = match[0] if kind == "exponent" else match[kind]
        tokens.append(_Token("number" if kind == "exponent" else kind, text))
    return tuple(tokens)


@lru_cache(maxsize=1024)
def _simple(code: str) -> _Simple | None:
    """What a format does to numbers above zero, if it is simple."""
    sections = _sections(code)
    tokens = _tokens(sections[0])
    places = [index for index, token in enumerate(tokens) if token.kind == "number"]
    is_plain = {token.kind for token in tokens} <= {*_LITERALS, "number"}
    if len(places) != 1 or not is_plain or any(map(_condition, sections)):
        return None
    found = _SIMPLE_NUMBER.fullmatch(tokens[places[0]].text)
    if found is None:
        return None
    percents = sum(token.kind == "percent" for token in tokens)
    return _Simple(
        before="".join(map(_literal, tokens[: places[0]])).lstrip(),
        digits=f"{',' if ',' in found[1] else ''}.{len(found[2] or '')}f",
        after="".join(map(_literal, tokens[places[0] + 1 :])).rstrip(),
        factor=100**percents,
    )


def _number_shown(value: float, code: str) -> str:
    section, is_absolute = _section_for(value, _sections(code))
    tokens = _tokens(section)
    kinds = {token.kind for token in tokens}
    if "general" in kinds or ("text" in kinds and "number" not in kinds):
        general = shown_in_general(abs(value) if is_absolute else value)
        return "".join(general if t.kind in {"general", "text"} else _literal(t) for t in tokens).strip()
    if kinds & {"date", "elapsed"}:
        return shown_in_general(value)
    if "number" not in kinds:
        return "".join(map(_literal, tokens)).strip()
    return _with_digits(abs(value) if is_absolute else value, tokens)


def _section_for(value: float, sections: Sequence[str]) -> tuple[str, bool]:
    """The section for a number, and whether it shows the number without its sign."""
    conditions = [_condition(section) for section in sections]
    if any(conditions):
        for section, condition in zip(sections, conditions, strict=True):
            if condition is None or condition(value):
                # A section for negative numbers alone says itself that they are.
                return section, condition is not None and value < 0 and not condition(0) and not condition(1)
        return sections[-1], False
    if value < 0 and len(sections) > 1:
        return sections[1], True
    if value == 0 and len(sections) > 2:  # noqa: PLR2004 - positive, negative, zero
        return sections[2], False
    return sections[0], False


def _condition(section: str) -> Callable[[float], bool] | None:
    text = next((token.text for token in _tokens(section) if token.kind == "condition"), "")
    found = _CONDITION.fullmatch(text)
    if found is None:
        return None
    compare, bound = _COMPARED[found[1]], float(found[2])
    return lambda value: compare(value, bound)


def _with_digits(value: float, tokens: Sequence[_Token]) -> str:
    patterns = [token.text for token in tokens if token.kind == "number"]
    if any(token.kind == "fraction" for token in tokens):
        return _as_fraction(value, tokens)
    value *= 100 ** sum(token.kind == "percent" for token in tokens)
    last = patterns[-1]
    value /= 1000 ** (len(last) - len(last.rstrip(",")))
    # Digits in several groups, such as those of a telephone number, are one number.
    groups = _grouped_digits(abs(value), patterns)
    sign = "-" if value < 0 and _NOT_ZERO.search("".join(groups)) else ""
    parts = [groups.pop(0) if token.kind == "number" else _literal(token) for token in tokens]
    return sign + "".join(parts).strip()


def _grouped_digits(value: float, patterns: Sequence[str]) -> list[str]:
    if len(patterns) == 1 or any("." in pattern or "e" in pattern.lower() for pattern in patterns):
        return [_digits(value, patterns[0]), *[""] * (len(patterns) - 1)]
    whole = _digits(value, "".join(patterns))
    groups = []
    for pattern in reversed(patterns[1:]):
        groups.append(whole[-len(pattern) :])
        whole = whole[: -len(pattern)]
    return [whole, *reversed(groups)]


def _digits(value: float, pattern: str) -> str:
    """A number that is not negative, with the digits that a pattern such as #,##0.0# asks for."""
    mantissa, mark, exponent = pattern.replace("e", "E").partition("E")
    if mark:
        places = len(mantissa.partition(".")[2])
        number, _, power = f"{value:.{places}E}".partition("E")
        return f"{number}E{int(power):+0{len(exponent)}d}"
    whole, _, places_pattern = mantissa.rstrip(",").partition(".")
    places = len(places_pattern)
    digits, _, decimals = f"{_half_up(value):.{places}f}".partition(".")
    least = whole.count("0")
    digits = digits.lstrip("0").rjust(least, "0")
    if "," in whole:
        digits = _by_thousands(digits)
    required = len(places_pattern.rstrip("#?"))
    decimals = decimals[:required] + decimals[required:].rstrip("0")
    return f"{digits}.{decimals}" if decimals else digits


def _by_thousands(digits: str) -> str:
    first = len(digits) % 3 or 3
    return ",".join([digits[:first], *(digits[i : i + 3] for i in range(first, len(digits), 3))])


def _as_fraction(value: float, tokens: Sequence[_Token]) -> str:
    below = next(token.text for token in tokens if token.kind == "fraction").lstrip("/ ")
    has_whole = sum(token.kind == "number" for token in tokens) > 1
    whole = int(abs(value)) if has_whole else 0
    rest = abs(value) - whole
    if below.strip("0").isdigit():
        above, denominator = round(rest * int(below)), int(below)
    else:
        nearest = Fraction(rest).limit_denominator(10 ** min(len(below), 4) - 1)
        above, denominator = nearest.numerator, nearest.denominator
    if has_whole and above == denominator:
        whole, above = whole + 1, 0
    parts = [str(whole)] * bool(whole or not above) + [f"{above}/{denominator}"] * bool(above)
    return ("-" if value < 0 else "") + " ".join(parts)


def _literal(token: _Token) -> str:
    match token.kind:
        case "quoted" | "escaped" | "currency" | "literal" | "percent":
            return token.text
        case "space":
            return " "
    return ""


@lru_cache(maxsize=4096)
def _date_shown(value: date | time | timedelta, code: str) -> str:
    tokens = _tokens(_sections(code)[0])
    if isinstance(value, timedelta):
        return _duration_shown(value, tokens)
    parts = {token.text[0].lower() for token in tokens if token.kind == "date"}
    places = max((len(token.text.partition(".")[2]) for token in tokens if token.kind == "date"), default=0)
    if isinstance(value, time):
        if parts & {"y", "d"} or not parts:
            return _iso_time(value)  # of day 0, which is none
        return _parts_shown(_rounded(datetime.combine(_DAY_ZERO, value), places), tokens)
    moment = _rounded(value, places) if isinstance(value, datetime) else datetime.combine(value, time())
    if {"y", "m", "d"} <= parts or not parts:
        return moment.date().isoformat() + (f" {_iso_time(moment.time())}" if moment.time() != time() else "")
    return _parts_shown(moment, tokens)


def _rounded(moment: datetime, places: int) -> datetime:
    """A moment rounded to this many decimals of a second."""
    unit = 10 ** (6 - min(places, 6))
    rest = moment.microsecond % unit
    is_rounded_up = 2 * rest >= unit and moment < _LAST_SECOND
    return moment + timedelta(microseconds=unit - rest if is_rounded_up else -rest)


def _iso_time(moment: time) -> str:
    return moment.isoformat("seconds" if moment.second else "minutes")


def _parts_shown(moment: datetime, tokens: Sequence[_Token]) -> str:
    has_noon = any(token.kind == "noon" for token in tokens)
    parts, previous = [], ""
    dated = [token.text.lower() for token in tokens if token.kind == "date"]
    for token in tokens:
        if token.kind == "date":
            text = token.text.lower()
            following = dated[dated.index(text) + 1 :] if text in dated else []
            is_minute = previous.startswith("h") or (following and following[0].startswith("s"))
            parts.append(_part_shown(moment, text, is_minute=bool(is_minute), has_noon=has_noon))
            previous = text
        elif token.kind == "noon":
            parts.append("AM" if moment.hour < 12 else "PM")  # noqa: PLR2004 - noon
        else:
            parts.append(_literal(token))
    return "".join(parts).strip()


def _part_shown(moment: datetime, part: str, *, is_minute: bool, has_noon: bool) -> str:
    size = len(part)
    match part[0]:
        case "y":
            return f"{moment.year:04}" if size > 2 else f"{moment.year % 100:02}"  # noqa: PLR2004 - yy
        case "d" if size > 2:  # noqa: PLR2004 - ddd
            return _DAYS[moment.weekday()][: 3 if size == 3 else None]  # noqa: PLR2004 - ddd
        case "d":
            return f"{moment.day:0{size}}"
        case "h":
            return f"{(moment.hour - 1) % 12 + 1 if has_noon else moment.hour:0{min(size, 2)}}"
        case "s":
            whole, _, decimals = part.partition(".")
            second = f"{moment.second:0{min(len(whole), 2)}}"
            return (
                f"{second}.{moment.microsecond:06}"[: len(second) + 1 + len(decimals)] if decimals else second
            )
        case "m" if is_minute and size <= 2:  # noqa: PLR2004 - mm
            return f"{moment.minute:0{size}}"
        case "m" if size > 2:  # noqa: PLR2004 - mmm
            return _MONTHS[moment.month][: {3: 3, 5: 1}.get(size)]
    return f"{moment.month:0{size}}"


def _duration_shown(value: timedelta, tokens: Sequence[_Token]) -> str:
    """Hours, minutes and seconds from the largest that the format asks for; what is larger goes into that."""
    seconds = round(value.total_seconds())
    sign = "-" if seconds < 0 else ""
    asked = [token.text[0].lower() for token in tokens if token.kind in {"date", "elapsed"}]
    largest = next((token.text[0].lower() for token in tokens if token.kind == "elapsed"), "h")
    minutes, second = divmod(abs(seconds), 60)
    if largest == "s":
        return f"{sign}{abs(seconds)}"
    after = f":{second:02}" if "s" in asked or second else ""
    if largest == "m":
        return f"{sign}{minutes}{after}"
    hours, minute = divmod(minutes, 60)
    return f"{sign}{hours}:{minute:02}{after}"
