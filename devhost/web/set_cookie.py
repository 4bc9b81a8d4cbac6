"""A cookie that a function sets, as ASP.NET writes it: in its order and case, with the value escaped.

The Python worker hands path and domain over even where the function names none: they are there, and empty.
"""

from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from http.cookies import Morsel
from urllib.parse import quote


class UnreadableCookie(ValueError):
    """An attribute of a cookie is none that the worker can read."""


def set_cookie(cookie: Morsel[str]) -> str:
    """The value of the header `Set-Cookie`.

    Raises:
        UnreadableCookie: its `expires` or `max-age` cannot be read.
    """
    parts = [f"{cookie.key}={quote(cookie.value, safe='')}"]
    if cookie["expires"]:
        parts.append(f"expires={_expires(cookie)}")
    if cookie["max-age"]:
        parts.append(f"max-age={_max_age(cookie)}")
    parts += [f"domain={cookie['domain']}", f"path={cookie['path']}"]
    if cookie["secure"]:
        parts.append("secure")
    if cookie["samesite"]:
        parts.append(f"samesite={cookie['samesite'].lower()}")
    if cookie["httponly"]:
        parts.append("httponly")
    return "; ".join(parts)


def _expires(cookie: Morsel[str]) -> str:
    try:
        moment = parsedate_to_datetime(cookie["expires"])
    except ValueError as error:
        raise UnreadableCookie(
            f"The cookie {cookie.key} expires at '{cookie['expires']}', which is not a date."
        ) from error
    return format_datetime(moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC), usegmt=True)


def _max_age(cookie: Morsel[str]) -> int:
    try:
        return int(float(cookie["max-age"]))
    except (ValueError, OverflowError) as error:
        raise UnreadableCookie(
            f"The cookie {cookie.key} has max-age '{cookie['max-age']}', which is not a number."
        ) from error
