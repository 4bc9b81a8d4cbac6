"""JSON texts that functions put out, read and shown as the Functions host does it, which is .NET's way."""

import json
import math
from decimal import Decimal
from typing import Any

from devhost.engine.dotnet_json import parse, to_json, well_formed

_PLAIN = range(-4, 15)  # powers of ten; a number beyond them .NET shows with an exponent


def read(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is not JSON, or too deep.
    """
    return parse(text)


def shown(value: Any) -> str:
    """What .NET shows of a value that it has read from JSON: `ToString` of Newtonsoft's tokens."""
    match value:
        case None:
            return ""
        case str():
            return value
        case float():
            return _number(value)
        case dict() | list():
            return well_formed(json.dumps(value, ensure_ascii=False, indent=2))
    return str(value)


def compact(value: Any) -> str:
    """The value as JSON without blanks where it is an object or a list, and else as it is shown."""
    return to_json(value) if isinstance(value, dict | list) else shown(value)


def _number(number: float) -> str:
    """A number in as few digits as tell it from others, with an exponent where .NET writes one."""
    if not math.isfinite(number):
        return to_json(number).strip('"')
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    highest = len(digits) - 1 + int(exponent)
    if highest in _PLAIN:
        return f"{Decimal(repr(number)).normalize():f}"
    first, rest = str(digits[0]), "".join(map(str, digits[1:]))
    mantissa = f"{first}.{rest}" if rest else first
    return f"{'-' * sign}{mantissa}E{'-' if highest < 0 else '+'}{abs(highest):02}"
