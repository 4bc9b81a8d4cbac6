"""Durations as host.json and function.json write them: `[d.]hh:mm:ss[.fffffff]`."""

import re
from datetime import timedelta

_TIMESPAN = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>[01]?\d|2[0-3]):(?P<minutes>[0-5]?\d)(?::(?P<seconds>[0-5]?\d(?:\.\d{1,7})?))?"
)


def parse_timespan(text: str) -> timedelta:
    """The duration that a text such as `00:00:30` means.

    Raises:
        ValueError: it is none.
    """
    found = _TIMESPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'"{text}" is not a duration: write it as hh:mm:ss.')
    return timedelta(**{unit: float(value) for unit, value in found.groupdict().items() if value})


def format_timespan(duration: timedelta) -> str:
    """The text by which .NET shows a duration that is not negative."""
    minutes, seconds = divmod(duration.seconds, 60)
    days = f"{duration.days}." if duration.days else ""
    fraction = f".{duration.microseconds:06}0" if duration.microseconds else ""
    return f"{days}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{fraction}"
