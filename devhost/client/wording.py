"""Times, durations and values in the words that a terminal shows, and times in those that a person types."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from devhost.client.errors import InvalidInput

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_STEPS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_SECONDS_WITH_FRACTION = 60  # from here on, fractions tell nothing


def duration(span: timedelta) -> str:
    """`12 ms`, `3.4 s`, `1 min 15 s`, `2 d 3 h`: at most two units."""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _SECONDS_WITH_FRACTION:
        return f"{seconds:.1f} s"
    whole, words = int(seconds), []
    for unit, size in _STEPS:
        count, whole = divmod(whole, size)
        words += [f"{count} {unit}"] if count else []
    return " ".join(words[:2])


def moment(when: datetime, now: datetime) -> str:
    """Local time and how long ago: `10:57:03, 2 min ago`; with the date if that is not today's."""
    local, today = when.astimezone(), now.astimezone()
    text = f"{local:%H:%M:%S}" if local.date() == today.date() else f"{local:%Y-%m-%d %H:%M:%S}"
    return f"{text}, {whole_seconds(now - when)} ago"


def whole_seconds(span: timedelta) -> str:
    """A duration between times that are known to the second only."""
    seconds = int(span.total_seconds())  # not positive where less than a second has passed
    if seconds < 1:
        return "under 1 s"
    return f"{seconds} s" if seconds < _SECONDS_WITH_FRACTION else duration(timedelta(seconds=seconds))


def value_text(value: Any) -> str:
    """A JSON value on one line; a text that holds JSON, as the SDK makes of inputs, is read once more."""
    if isinstance(value, str):
        value = _unwrapped(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def cut(text: str, length: int) -> str:
    """The text, or its beginning and how many characters are missing."""
    return text if len(text) <= length else f"{text[:length]}… (+{len(text) - length:,})"


def parse_since(text: str, now: datetime) -> datetime:
    """The time that `30s`, `10m`, `2h`, `7d` or an ISO date or time (local if it names no offset) means.

    Raises:
        InvalidInput: it means none.
    """
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found:
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is not a time: use 30s, 10m, 2h, 7d or a date such as 2026-01-31."
        ) from error


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is not JSON ({error}): a text needs quotes, as in '\"text\"'."
        ) from error


def _unwrapped(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
