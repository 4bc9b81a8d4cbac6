"""When a service wants the next request, in every form in which services say so."""

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")
_NUMBER = re.compile(r"\d+(?:\.\d*)?", re.ASCII)


def parse_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from now until the next request is welcome; None if the headers do not say.

    Milliseconds are the finer word and win. A date is taken relative to the response's own Date, so that
    the two clocks need not agree.

    Args:
        headers: of the response, looked up without regard to case.
        now: unix time, for a response without a Date.
    """
    for name in _MILLISECONDS:
        milliseconds = _number(headers.get(name, ""))
        if milliseconds is not None:
            return milliseconds / 1_000
    text = headers.get("Retry-After", "")
    seconds = _number(text)
    return seconds if seconds is not None else _until(text, headers.get("Date", ""), now)


def _number(text: str) -> float | None:
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _until(text: str, date: str, now: float) -> float | None:
    moment = _timestamp(text)
    if moment is None:
        return None
    sent = _timestamp(date)
    return max(0.0, moment - (now if sent is None else sent))


def _timestamp(text: str) -> float | None:
    """Unix time of an HTTP date; one without a zone is in UTC, as RFC 9110 has it."""
    try:
        moment = parsedate_to_datetime(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
