"""What a cell of a table holds, by its text alone: a number, a quantity, a date, words, or nothing."""

import re
from enum import Enum, auto

_LONGEST_VALUE = 40

_CURRENCY = r"(?:[$€£¥₹₽₩₺₴₪฿¢]|[A-Z]{3}(?=\s)|(?<=\s)[A-Z]{3}|US\$|Fr\.|kr\.?|zł|Kč|Ft|R\$)"
_DIGITS = r"\d[\d.,'\u2019\u00a0\u2009\u202f ]*"
_NUMBER = re.compile(
    rf"""
    [<>≤≥~≈±]? \s? (?: [-+\u2212\u2013(]? \s? {_CURRENCY}? \s? [-+\u2212]? (?: {_DIGITS} | [.,]\d+ )
    (?: [eE][-+]?\d+ )? (?: \s? [%‰] | \s? {_CURRENCY} )? \)? )
    (?: \s? (?: \(? [-+±]? [\d.,]+ %? \)? | [-\u2013/±:] \s? [\d.,]+ %? ) )? \s? [*†‡]{{0,3}}
    """,
    re.VERBOSE,
)
_RANGE = re.compile(r"\d{1,6} ?[-\u2013] ?\d{1,6}|\d{1,6} ?\+|[<>≤≥] ?\d{1,6}")
_QUANTITY = re.compile(rf"[-+\u2212~<>]?\s?{_DIGITS}\s?[^\W\d_]{{1,4}}[²³]?(?:/[^\W\d_]{{1,4}})?\.?")
_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|mär|mai|okt|dez|janv|févr|mars|avr|juin|juil|août"
    r"|ene|abr|ago|dic|gen|mag|giu|lug|set|ott)[a-zäéûä]{0,7}\.?"
)
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s?(?:[ap]\.?m\.?)?"
_DATE = re.compile(
    rf"""
    (?: \d{{4}}[-/.]\d{{1,2}}(?:[-/.]\d{{1,2}})? | \d{{1,2}}[-/.]\d{{1,2}}[-/.](?:\d{{4}}|\d{{2}})
    | \d{{1,2}}[.\s/-]*{_MONTH}[,\s/-]*(?:\d{{2,4}})? | {_MONTH}[\s/-]*\d{{1,2}}(?:,?\s*\d{{4}})?
    | {_MONTH}[\s/-]*\d{{2,4}} )
    (?: [T\s]+ {_TIME} (?:\s?(?:Z|UTC|[-+]\d{{2}}:?\d{{2}}))? )? | {_TIME}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_FLAGS = frozenset("true false yes no ja nein oui non sí x ✓ ✔ ✗ ☐ ☑ ☒".split())  # noqa: SIM905 - as below
_YEAR = re.compile(r"(?:1[6-9]|20|21)\d{2}")
# How people write that there is no value; these say nothing of what a column holds.
_DASHES = "- -- --- \N{EN DASH} \N{EM DASH} . .. ... \N{HORIZONTAL ELLIPSIS} ? : / *"
_WORDS_FOR_NONE = "inf -inf n/a na #n/a #n/v n.a. nan null none nil nd n.d. k.a."
_ERRORS = "#null! #div/0! #ref! #value! #name? #num!"
# A zero in an accounting format.
_DASH_AND_CURRENCY = re.compile(rf"{_CURRENCY} ?-|- ?{_CURRENCY}")
_MISSING = frozenset(f"{_DASHES} {_WORDS_FOR_NONE} {_ERRORS}".split())


class CellKind(Enum):
    """What a cell holds."""

    BLANK = auto()
    NUMBER = auto()
    # A number with a unit, or a range; a name may look like one.
    QUANTITY = auto()
    DATE = auto()
    # Yes or no; a name may look like one.
    FLAG = auto()
    TEXT = auto()


VALUES = frozenset({CellKind.NUMBER, CellKind.QUANTITY, CellKind.DATE, CellKind.FLAG})


def cell_kind(text: str | None) -> CellKind:
    """What the text of a cell is; a mark for a missing value counts as blank."""
    if not text or text.lower() in _MISSING:
        return CellKind.BLANK
    if text.isdecimal():
        return CellKind.NUMBER
    if len(text) > _LONGEST_VALUE:
        return CellKind.TEXT
    if not _DIGIT.search(text):
        if "-" in text and _DASH_AND_CURRENCY.fullmatch(text):
            return CellKind.NUMBER
        return CellKind.FLAG if text.lower() in _FLAGS else CellKind.TEXT
    if _DATE.fullmatch(text):
        return CellKind.DATE
    if _RANGE.fullmatch(text):
        return CellKind.QUANTITY
    if _NUMBER.fullmatch(text):
        return CellKind.NUMBER
    return CellKind.QUANTITY if _QUANTITY.fullmatch(text) else CellKind.TEXT


def is_year(text: str) -> bool:
    """Whether a text could be a year."""
    return _YEAR.fullmatch(text) is not None
