"""JSON as the Durable extension reads and writes it, which is .NET's way and not quite Python's.

Python reads and writes what UTF-8 and other readers of JSON do not take: half surrogates, NaN, any depth. All
text that comes from the app or a client is read here, so that what the engine holds can be stored and sent.
"""

import json
import math
import re
from typing import Any, Final

MAX_DEPTH: Final = 64
"""How deep objects and lists may lie in each other in what .NET reads."""

_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_TEXT_OR_EXPONENT = re.compile(r'"(?:[^"\\]|\\.)*"|e(?=[+-])')
_HIGH, _LOW, _ANY_HALF = ("u[dD][89abAB]..", "u[dD][c-fC-F]..", "u[dD][89a-fA-F]..")
_ESCAPE = re.compile(rf"\\(?:{_HIGH}\\{_LOW}|(?P<half>{_ANY_HALF})|.)", re.DOTALL)
_NAME_OR_BRACKET = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|[\[\]{},]')


class TooDeep(ValueError):
    """Objects and lists lie deeper in each other than .NET reads."""

    def __init__(self, path: str) -> None:
        super().__init__(f"The reader's MaxDepth of {MAX_DEPTH} has been exceeded. Path '{path}'.")
        self.path = path


def parse(text: str, *, depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text; NaN and infinities become texts, half surrogates replacement characters.

    Raises:
        TooDeep: objects and lists lie in each other more than `depth` times.
        ValueError: it is not JSON.
    """
    try:
        value = json.loads(_without_half_escapes(well_formed(text)), parse_constant=str)
    except RecursionError as error:
        raise TooDeep(_path_at(text, depth)) from error
    if text.count("[") + text.count("{") > depth and _is_deeper(value, depth):
        raise TooDeep(_path_at(text, depth))
    return value


def to_json(value: Any) -> str:
    """Compact JSON text with non-ASCII characters as they are."""
    try:
        text = _COMPACT.encode(value)
    except ValueError:  # NaN or an infinity is in it
        text = _COMPACT.encode(_finite(value))
    return well_formed(text)


def to_dotnet_json(value: Any) -> str:
    """What .NET makes of a function's value: as `to_json`, but with exponents such as that of `1E+300`."""
    text = to_json(value)
    if "e+" not in text and "e-" not in text:
        return text
    return _TEXT_OR_EXPONENT.sub(lambda found: "E" if found[0] == "e" else found[0], text)


def well_formed(text: str) -> str:
    """The text with U+FFFD for each half of a character, which UTF-8 cannot write."""
    if text.isascii():  # which a text knows, however long it is
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _without_half_escapes(text: str) -> str:
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPE.sub(lambda found: "\\ufffd" if found["half"] else found[0], text)


def _finite(value: Any) -> Any:
    """The value with the texts by which .NET writes what is not a number."""
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case dict():
            return {name: _finite(member) for name, member in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value


def _is_deeper(value: Any, depth: int) -> bool:
    """Whether lists and objects lie in each other more than `depth` times; looks at a level at a time."""
    level = [value]
    for _ in range(depth + 1):
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return False
        members = (item.values() if isinstance(item, dict) else item for item in level)
        level = [member for items in members for member in items]
    return True


def _path_at(text: str, depth: int) -> str:
    """Where a JSON text first becomes deeper than `depth`, as .NET writes paths."""
    steps: list[str | int] = []  # into each open object by name, into each open list by position
    for found in _NAME_OR_BRACKET.finditer(text):
        bracket = found[0]
        if found[2] and steps:
            steps[-1] = f".{json.loads(found[1])}"
        elif bracket in "[{" and len(steps) == depth:
            break
        elif bracket in "[{":
            steps.append(0 if bracket == "[" else "")
        elif bracket in "]}" and steps:
            steps.pop()
        elif bracket == "," and steps and isinstance(steps[-1], int):
            steps[-1] += 1
    return "".join(step if isinstance(step, str) else f"[{step}]" for step in steps).removeprefix(".")
