"""Fields that requests of several kinds have."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared_code.errors import InvalidField
from shared_code.jobs.source_containers import CONTAINER_NAME

LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,30}[A-Za-z0-9])?")
# Of any currency; neither NaN nor infinity is below it.
_MOST = 1e12
_LONGEST_NAME = 900
# Storage answers names as XML, which cannot have these.
_IN_NO_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
LABEL_FORM = "1 to 32 letters, digits, dots, dashes or underscores"


def label(value: Any, field: str) -> str:
    """The name of an environment or of a version, as a field of a request gives it.

    Raises:
        InvalidField: it cannot be used.
    """
    if not isinstance(value, str) or not LABEL.fullmatch(value):
        raise InvalidField(field, f"use {LABEL_FORM}")
    return value


def require_known(body: Iterable[str], fields: Sequence[str], *, unknown: str = "unknown") -> None:
    """Checks that a body has no other fields than these.

    Raises:
        InvalidField: it has one, which `unknown` describes.
    """
    for name in body:
        if name not in fields:
            raise InvalidField(name, f"{unknown}; use {', '.join(fields)}")


def flag(body: Mapping[str, Any], field: str) -> bool:
    """A field that is true or false, and false where it is absent.

    Raises:
        InvalidField: it is something else.
    """
    value = body.get(field, False)
    if not isinstance(value, bool):
        raise InvalidField(field, "use true or false")
    return value


def amount_or_none(body: Mapping[str, Any], field: str) -> float | None:
    """A field that is an amount, and None where it is absent.

    Raises:
        InvalidField: it is something else.
    """
    if field not in body:
        return None
    value = body[field]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        raise InvalidField(field, "use an amount of 0 or more")
    return float(value)


def whole_or_none(body: Mapping[str, Any], field: str, *, most: int) -> int | None:
    """A field that is a whole number from 1 on, and None where it is absent.

    Raises:
        InvalidField: it is something else.
    """
    if field not in body:
        return None
    value = body[field]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidField(field, f"use a whole number from 1 to {most}")
    return value


def blob_path(value: Any, field: str, *, form: str) -> tuple[str, str]:
    """A container and what follows it in a path, which may be nothing.

    Raises:
        InvalidField: it cannot be used; `form` says what can.
    """
    if not isinstance(value, str) or "\\" in value or any(part == ".." for part in value.split("/")):
        raise InvalidField(field, f"use {form}")
    if found := _IN_NO_NAME.search(value):
        raise InvalidField(field, f"a name cannot have the character {found[0]!a}")
    container, _, name = value.strip("/").partition("/")
    if not CONTAINER_NAME.fullmatch(container):
        raise InvalidField(field, f"{container!r} is not a name of a container; use {form}")
    if len(name) > _LONGEST_NAME:
        raise InvalidField(field, f"use at most {_LONGEST_NAME} characters after the container")
    return container, name
