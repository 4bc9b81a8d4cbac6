"""Cron expressions as the Functions host reads them: six fields, seconds first, or five without seconds.

It differs from Unix cron in three ways that are kept here: days of the month and of the week must both match,
7 is not a day of the week, and a range written backwards means the same as forwards.

ADR 10 has the reasons.
"""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

_LEAP_YEAR = 2024
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


class InvalidCrontab(ValueError):
    """The text is not a cron expression, or one that never comes true."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What one field of an expression may hold; names stand for the values from `low` on."""

    name: str
    low: int
    high: int
    names: Sequence[str] = ()

    def parse(self, text: str) -> frozenset[int]:
        """The values that a field such as `1-5,30/10` stands for."""
        return frozenset(value for part in text.split(",") for value in self._parse_part(part))

    def _parse_part(self, text: str) -> range:
        values, slash, step_text = text.partition("/")
        step = self._number(step_text) if slash else 1
        if values == "*":
            return range(self.low, self.high + 1, max(1, step))
        first_text, dash, last_text = values.partition("-")
        first = self._value(first_text)
        open_end = first if step == 1 else self.high
        last = self._value(last_text) if dash else open_end
        return range(min(first, last), max(first, last) + 1, max(1, step))

    def _value(self, text: str) -> int:
        value = self._named(text) if text[:1].isalpha() else self._number(text)
        if not self.low <= value <= self.high:
            raise InvalidCrontab(f"{value} is not a valid {self.name}: use {self.low} to {self.high}.")
        return value

    def _named(self, text: str) -> int:
        for position, name in enumerate(self.names):
            if name.startswith(text.lower()):
                return self.low + position
        raise InvalidCrontab(f"'{text}' is not a valid {self.name}.")

    def _number(self, text: str) -> int:
        if not (text.isascii() and text.isdecimal()):
            raise InvalidCrontab(f"'{text}' is not a valid {self.name}.")
        return int(text)


_KINDS = (
    _Kind("second", 0, 59),
    _Kind("minute", 0, 59),
    _Kind("hour", 0, 23),
    _Kind("day of the month", 1, 31),
    _Kind("month", 1, 12, _MONTHS),
    _Kind("day of the week", 0, 6, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Crontab:
    """The times that a cron expression stands for, by the calendar of whoever asks."""

    seconds: Sequence[int]
    minutes: Sequence[int]
    hours: Sequence[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> "Crontab":
        """Reads an expression.

        Raises:
            InvalidCrontab: it is none, or no calendar ever has such a day.
        """
        fields = text.split()
        if len(fields) == len(_KINDS) - 1:
            fields.insert(0, "0")
        if len(fields) != len(_KINDS):
            raise InvalidCrontab(f"'{text}' has {len(fields)} fields: a cron expression has six, or five.")
        seconds, minutes, hours, days, months, weekdays = (
            kind.parse(field) for kind, field in zip(_KINDS, fields, strict=True)
        )
        if min(days) > max(calendar.monthrange(_LEAP_YEAR, month)[1] for month in months):
            raise InvalidCrontab(f"'{text}' never comes true: no such month has that day.")
        return cls(sorted(seconds), sorted(minutes), sorted(hours), days, months, weekdays)

    def next_after(self, moment: datetime) -> datetime:
        """The first time that is later than `moment`, both without a time zone."""
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        return next(
            datetime.combine(day, found)
            for day in self._days_from(start.date())
            if (found := self._first_time(start.time() if day == start.date() else time.min)) is not None
        )

    def _days_from(self, day: date) -> Iterator[date]:
        while True:
            if day.month not in self.months:
                day = day.replace(day=1) + timedelta(days=calendar.monthrange(day.year, day.month)[1])
                continue
            if day.day in self.days and day.isoweekday() % 7 in self.weekdays:
                yield day
            day += timedelta(days=1)

    def _first_time(self, earliest: time) -> time | None:
        times = (
            time(hour, minute, second)
            for hour in self.hours
            if hour >= earliest.hour
            for minute in self.minutes
            for second in self.seconds
        )
        return next((candidate for candidate in times if candidate >= earliest), None)
