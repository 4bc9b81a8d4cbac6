"""Dates as people write them, the range of an audit query, and its windows over the keys of a table.

A date is taken as written: no time zone arithmetic, and nothing is guessed for a part that is absent.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Self

from dateutil import parser

from shared_code.errors import (
    EmptyEndDate,
    EmptyStartDate,
    InvalidDateRange,
    InvalidEndDate,
    InvalidStartDate,
)

MAX_DATE_LENGTH = 64
FIRST_YEAR = 1900
LAST_YEAR = 9998

_MINUTES = r"[0-5]\d"
_HOURS = r"(?:[01]?\d|2[0-3])"
# In a query string an unescaped `+` arrives as a space, hence the offset ` 02:00`.
_OFFSET = rf"(?: ?(?:Z|UTC|GMT|[+-]{_HOURS}(?::?{_MINUTES})?)| {_HOURS}:?{_MINUTES})"
_CLOCK = (
    rf"(?:{_HOURS}(?::{_MINUTES}){{1,2}}(?:[.,]\d{{1,9}})?(?: ?[ap]m)?"
    rf"|(?:[01]\d|2[0-3])(?:{_MINUTES}){{0,2}}(?:[.,]\d{{1,9}})?)"
)
_TIME = rf"(?:(?:T|,? ){_CLOCK}{_OFFSET}?)?"
_NUMERIC_FORMS = tuple(
    re.compile(form + _TIME, re.ASCII | re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})(?P<sep>[-/.])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})",
        r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
        r"(?P<day>\d{1,2})(?P<sep>[-/. ])(?P<month>\d{1,2})(?P=sep)(?P<year>\d{4})",
    )
)
_WEEK_FORM = re.compile(
    r"(?P<year>\d{4})(?P<sep>-?)W(?P<week>\d\d)(?P=sep)(?P<weekday>[1-7])" + _TIME, re.ASCII
)
_MONTH_NAME = re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE)
# Two dates that differ in every part: what dateutil fills in shows as a difference.
_FILLERS = (datetime(2000, 1, 1), datetime(2004, 2, 2))  # noqa: DTZ001 - dates as written have no zone


def parse_date(text: str) -> date:
    """Reads one complete calendar date: ISO 8601, else day-first numbers, else a form with a month's name.

    A time or an offset is accepted and dropped. Ordinal dates (`2021-034`) and two-digit years are refused,
    as they can be read in more than one way.

    Raises:
        ValueError: the text is not a complete date of the years 1900 to 9998.
    """
    text = text.strip()
    if not text.isascii() or len(text) > MAX_DATE_LENGTH:
        raise ValueError("A date is at most 64 ASCII characters.")
    day = _numeric_date(text) or _week_date(text) or _named_month_date(text)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"A date lies in the years {FIRST_YEAR} to {LAST_YEAR}.")
    return day


def _numeric_date(text: str) -> date | None:
    for form in _NUMERIC_FORMS:
        if match := form.fullmatch(text):
            return date(int(match["year"]), int(match["month"]), int(match["day"]))
    return None


def _week_date(text: str) -> date | None:
    if match := _WEEK_FORM.fullmatch(text):
        return date.fromisocalendar(int(match["year"]), int(match["week"]), int(match["weekday"]))
    return None


def _named_month_date(text: str) -> date:
    if not _MONTH_NAME.search(text):
        raise ValueError("The text has no form of a date.")
    first, second = (_parse_with(filler, text) for filler in _FILLERS)
    numbers = re.findall(r"\d+", text)
    complete = first == second and f"{first.year:04}" in numbers and first.day in map(int, numbers)
    if not complete:
        raise ValueError("A date needs a day, a month and a year of four digits.")
    return first


def _parse_with(filler: datetime, text: str) -> date:
    try:
        return parser.parse(text, default=filler, ignoretz=True).date()
    except ArithmeticError as error:
        # dateutil lets overflows of huge numbers escape beside its own ValueError.
        raise ValueError("The text has no form of a date.") from error


@dataclass(frozen=True)
class DateRange:
    """The days from start to end, both included; the end is at least one day after the start."""

    start: date
    end: date

    @classmethod
    def parse(cls, start: str, end: str, *, max_days: int) -> Self:
        """Reads a range as a client wrote it.

        Raises:
            DateRangeError: one of its five kinds, for the first fault in the order start, end, range.
        """
        first = _required_date(start, EmptyStartDate, InvalidStartDate)
        last = _required_date(end, EmptyEndDate, InvalidEndDate)
        if not 1 <= (last - first).days <= max_days:
            raise InvalidDateRange
        return cls(first, last)

    @property
    def days(self) -> int:
        """Days from the start to the end."""
        return (self.end - self.start).days

    def windows(self, days: int) -> list["Window"]:
        """Cuts the range into windows of `days` days; together they hold every key of the range once."""
        starts = [self.start + timedelta(offset) for offset in range(0, self.days, days)]
        bounds = [day.isoformat() for day in (*starts, self.end)]
        return [Window(lower, upper, closed=upper == bounds[-1]) for lower, upper in pairwise(bounds)]


def _required_date(
    text: str, empty: type[EmptyStartDate | EmptyEndDate], invalid: type[InvalidStartDate | InvalidEndDate]
) -> date:
    if not text.strip():
        raise empty
    try:
        return parse_date(text)
    except ValueError:
        raise invalid from None


@dataclass(frozen=True)
class Window:
    """The keys from lower up to upper in the order of strings; upper itself belongs to a closed window only.

    The bounds are ISO dates, so that any key between two days belongs to exactly one window.
    """

    lower: str
    upper: str
    closed: bool

    def days(self) -> Iterator["Window"]:
        """Cuts the window into one for each day."""
        day, upper = date.fromisoformat(self.lower), date.fromisoformat(self.upper)
        while day < upper:
            following = day + timedelta(1)
            yield Window(day.isoformat(), following.isoformat(), closed=False)
            day = following
        if self.closed:
            yield Window(self.upper, self.upper, closed=True)

    def to_json(self) -> dict[str, Any]:
        """The window as JSON values."""
        return {"lower": self.lower, "upper": self.upper, "closed": self.closed}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Reads what to_json wrote."""
        return cls(value["lower"], value["upper"], value["closed"])
