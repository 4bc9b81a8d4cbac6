"""JSON and JSON Lines as indented lines of names and values, numbers exactly as written.

Each record (an item of a list, a line of JSON Lines) is a segment of its own with its number, below the name
of its list.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from shared_code.documents.document import DocumentLimits, Note, Position, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge
from shared_code.documents.formats.decoding import decode

_CONTAINERS = (dict, list)
_WORDS = {None: "null", True: "true", False: "false"}
_SPACE = re.compile(r"[\s,\x1e]*")
# Strings, which hold what they like, and what people write into JSON for each other. One that does not end
# goes on to the end of the text, so that no text is searched twice.
_STRING = r'"(?:[^"\\]|\\.?)*+"?'
_COMMENT = r"//[^\n]*|/\*.*?(?:\*/|\Z)|^[^\S\n]*#[^\n]*"
_COMMENTS = re.compile(f"{_STRING}|{_COMMENT}", re.DOTALL | re.MULTILINE)
_TRAILING_COMMAS = re.compile(rf"({_STRING})|,(?=\s*[\]}}])", re.DOTALL)
# Where a value, or a member of one, may end.
_BOUNDARIES = re.compile(rf"{_STRING}|{_COMMENT}|[\[\]{{}},]", re.DOTALL | re.MULTILINE)
_CLOSING = {"[": "]", "{": "}"}
# One line in this many may be broken, besides the last one, where a log was cut off.
_LINES_FOR_A_BROKEN_ONE = 10
_MOST_BROKEN_LINES = 500
_FEWEST_RECORDS = 2


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON allows a name to be repeated; its values are a list then."""
    values = dict(members)
    if len(values) == len(members):
        return values
    every: dict[str, list[Any]] = {}
    for name, value in members:
        every.setdefault(name, []).append(value)
    return {name: given if len(given) > 1 else given[0] for name, given in every.items()}


# Numbers stay text: 1.10 is not 1.1, and the digits of a long one are not counted as Python would.
_DECODER = json.JSONDecoder(
    parse_int=str, parse_float=str, parse_constant=str, strict=False, object_pairs_hook=_object
)


def read_json(data: bytes, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """The records of the outer list, or the members of the outer object, which may be lists of records."""
    text = decode(data).strip()
    try:
        value = _parsed(text, limits)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and not text[error.pos :].startswith(("]", "}", ":")):
            yield from _lines_of_records(text, limits)
            return
        value, end = _cut_off(text, error, limits)
        yield Note("RecordsNotRead", f"The file is cut off: what follows character {end:,} is not read.")
    if isinstance(value, dict):
        yield from _members_of(value, (), limits)
    else:
        yield from _records(value, (), limits)


def read_json_lines(data: bytes, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """The records of a file that has one on each line, or one after the other."""
    yield from _lines_of_records(decode(data), limits)


def _parsed(text: str, limits: DocumentLimits) -> Any:
    """The value, of text with comments and trailing commas too.

    Raises:
        JSONDecodeError: it is not JSON even so.
    """
    try:
        try:
            return _DECODER.decode(text)
        except json.JSONDecodeError:
            return _DECODER.decode(_plain(text))
    except RecursionError as error:
        raise DocumentTooLarge.nested_past(limits.nesting) from error


def _plain(text: str) -> str:
    """The text without comments and trailing commas."""
    text = _COMMENTS.sub(lambda found: found[0] if found[0][0] == '"' else " ", text)
    return _TRAILING_COMMAS.sub(lambda found: found[1] or "", text).strip()


def _cut_off(text: str, error: json.JSONDecodeError, limits: DocumentLimits) -> tuple[Any, int]:
    """The value of a text that ends too soon, up to its last whole member, and where that ends.

    Raises:
        BrokenDocument: this is not all that is wrong with it, or nothing of it is whole.
    """
    end, missing = _last_boundary(text)
    if missing:
        with suppress(json.JSONDecodeError):
            return _parsed(text[:end] + missing, limits), end
    raise broken_json(error, "the file") from error


def _last_boundary(text: str) -> tuple[int, str]:
    """Where the last whole member ends, and what closes the brackets that are open there.

    Nothing does where none are open at the end of the text: then it is not cut off.
    """
    closing: list[str] = []
    end = depth = 0
    for found in _BOUNDARIES.finditer(text):
        match found[0]:
            case "[" | "{":
                closing.append(_CLOSING[found[0]])
            case "]" | "}" if closing:
                closing.pop()
                end, depth = found.end(), len(closing)
            case ",":
                end, depth = found.start(), len(closing)
    return end, "".join(reversed(closing[:depth])) if closing else ""


def broken_json(error: json.JSONDecodeError, where: str) -> BrokenDocument:
    """The error for a text that is not JSON, which names the place."""
    return BrokenDocument(f"The file is not valid JSON: {error.msg} at character {error.pos + 1} of {where}.")


def _lines_of_records(text: str, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """A record for each value; broken lines are named, unless there are too many."""
    place = count = 0
    broken: list[int] = []
    first_error: json.JSONDecodeError | None = None
    line, line_start = 1, 0
    while (place := _end_of_space(text, place)) < len(text):
        line += text.count("\n", line_start, place)
        line_start = place
        try:
            value, place = _DECODER.raw_decode(text, place)
        except RecursionError as error:
            raise DocumentTooLarge.nested_past(limits.nesting) from error
        except json.JSONDecodeError as error:
            first_error = first_error or error
            broken.append(line)
            if len(broken) > _MOST_BROKEN_LINES:
                raise broken_json(first_error, f"the file, in line {broken[0]}") from error
            place = text.find("\n", place)
            if place < 0:
                break
            continue
        count += 1
        if count > limits.rows:
            raise DocumentTooLarge.past("rows", limits.rows)
        yield Segment("\n".join(_lines(value, limits)), Position(row=line))
    is_cut_off = broken[-1:] == [line] and count >= _FEWEST_RECORDS
    if first_error and (len(broken) - is_cut_off) * _LINES_FOR_A_BROKEN_ONE > count:
        raise broken_json(first_error, f"the file, in line {broken[0]}")
    if broken:
        lines = ", ".join(map(str, broken[:20]))
        yield Note("RecordsNotRead", f"Not read for being no valid JSON: line {lines}.")


def _end_of_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _members_of(value: dict[str, Any], path: tuple[str, ...], limits: DocumentLimits) -> Iterator[Segment]:
    """The members of an object; lists of records below it know the names on the way to them."""
    if len(path) >= limits.nesting:
        raise DocumentTooLarge.nested_past(limits.nesting)
    for name, member in value.items():
        if isinstance(member, list) and any(isinstance(item, _CONTAINERS) for item in member):
            yield from _records(member, (*path, name), limits)
        elif isinstance(member, dict) and _holds_records(member, limits.nesting):
            yield from _members_of(member, (*path, name), limits)
        else:
            yield Segment("\n".join(_lines({name: member}, limits)), Position(section=name), path)


def _holds_records(value: dict[str, Any], depth: int) -> bool:
    """Whether there is a list of records among an object's members, or theirs."""
    if depth == 0:
        return False
    for member in value.values():
        if isinstance(member, dict) and _holds_records(member, depth - 1):
            return True
        if isinstance(member, list) and sum(isinstance(item, _CONTAINERS) for item in member) > 1:
            return True
    return False


def _records(value: Any, path: tuple[str, ...], limits: DocumentLimits) -> Iterator[Segment]:
    records = value if isinstance(value, list) else [value]
    if len(records) > limits.rows:
        raise DocumentTooLarge.past("rows", limits.rows)
    section = path[-1] if path else None
    for number, record in enumerate(records, start=1):
        text = "\n".join(_lines(record, limits))
        yield Segment(text, Position(section=section, row=number), path[:-1], section or "")


def _lines(value: Any, limits: DocumentLimits, depth: int = 0) -> Iterator[str]:
    if depth >= limits.nesting:
        raise DocumentTooLarge.nested_past(limits.nesting)
    indent = "  " * depth
    if not isinstance(value, _CONTAINERS):
        yield indent + _scalar(value)
        return
    for name, member in _members(value):
        if not isinstance(member, _CONTAINERS):
            yield f"{indent}{name} {_scalar(member)}"
        elif isinstance(member, list) and not any(isinstance(item, _CONTAINERS) for item in member):
            yield f"{indent}{name} {', '.join(map(_scalar, member))}"
        else:
            yield indent + name
            yield from _lines(member, limits, depth + 1)


def _members(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        return ((f"{name}:", member) for name, member in value.items())
    return (("-", item) for item in value)


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else _WORDS[value]
