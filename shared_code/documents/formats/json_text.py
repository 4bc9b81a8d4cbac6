"""JSON and JSON Lines as indented lines of names and values, numbers exactly as written.

Each record (an item of a list, a line of JSON Lines) is a segment of its own with its number, below the name
of its list.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import msgspec

from shared_code.documents.document import DocumentLimits, Note, Position, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge
from shared_code.documents.formats.decoding import decode, text_blocks
from shared_code.documents.formats.json_window import TOO_LONG, JsonWindow

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
_SCALARS_OF_A_LINE = 1_000


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


# Only finds out whether a text is JSON: it keeps nothing but strings.
_CHECKER = json.JSONDecoder(parse_int=float, strict=False, object_pairs_hook=bool)


def read_json(data: bytes, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """The records of the outer list, or the members of the outer object, which may be lists of records.

    What is too long to be read as one is read in parts: the items of lists and the members of objects.
    """
    try:
        if _is_strict(data):
            blocks = text_blocks(data)
            del data
            yield from _value_segments(JsonWindow(blocks, _DECODER), limits)
        elif _begins_with_record(data):
            yield from read_json_lines(data, limits)
        else:
            yield from _loose_segments(decode(data).strip(), limits)
    except RecursionError as error:
        raise DocumentTooLarge.nested_past(limits.nesting) from error


def read_json_lines(data: bytes, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """The records of a file that has one on each line, or one after the other."""
    return _lines_of_records(text_blocks(data), limits)


def _is_strict(data: bytes) -> bool:
    """Whether a file is JSON to the letter, as most are: what comes late in it is then known not to fail."""
    try:
        msgspec.json.decode(memoryview(data)[data.startswith(codecs.BOM_UTF8) * 3 :], type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True


def _begins_with_record(data: bytes) -> bool:
    """Whether a value ends where a large file goes on with another one."""
    first = next(text_blocks(data))
    try:
        _, end = _CHECKER.raw_decode(first, _end_of_space(first, 0))
    except json.JSONDecodeError:
        return False
    after = first[end:].lstrip()
    return after != "" and not after.startswith(("]", "}", ":", "/", "#"))


def _loose_segments(text: str, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """The same of text with comments, with trailing commas, or without its end."""
    try:
        text = _checked(text)
    except json.JSONDecodeError as error:
        text, end = _cut_off(text, error)
        yield Note("RecordsNotRead", f"The file is cut off: what follows character {end:,} is not read.")
    yield from _value_segments(JsonWindow([text], _DECODER), limits)


def _checked(text: str) -> str:
    """The text as JSON, without comments and trailing commas if it has them.

    Raises:
        JSONDecodeError: it is not JSON even so.
    """
    try:
        _CHECKER.decode(text)
    except json.JSONDecodeError:
        text = _plain(text)
        _CHECKER.decode(text)
    return text


def _plain(text: str) -> str:
    """The text without comments and trailing commas."""
    text = _COMMENTS.sub(lambda found: found[0] if found[0][0] == '"' else " ", text)
    return _TRAILING_COMMAS.sub(lambda found: found[1] or "", text).strip()


def _cut_off(text: str, error: json.JSONDecodeError) -> tuple[str, int]:
    """A text that ends too soon up to its last whole member, with what closes it, and where that ends.

    Raises:
        BrokenDocument: this is not all that is wrong with it, or nothing of it is whole.
    """
    end, missing = _last_boundary(text)
    if missing:
        with suppress(json.JSONDecodeError):
            return _checked(text[:end] + missing), end
    raise broken_json(error) from error


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


def broken_json(error: json.JSONDecodeError, where: str = "the file") -> BrokenDocument:
    """The error for a text that is not JSON, which names the place."""
    return BrokenDocument(f"The file is not valid JSON: {error.msg} at character {error.pos + 1} of {where}.")


def _lines_of_records(blocks: Iterable[str], limits: DocumentLimits) -> Iterator[Segment | Note]:
    """A record for each value; broken lines are named, unless there are too many."""
    window = JsonWindow(blocks, _DECODER)
    count = 0
    broken: list[int] = []
    first_error: json.JSONDecodeError | None = None
    while window.peek(_SPACE):
        line = window.line
        try:
            value = window.record()
        except RecursionError as error:
            raise DocumentTooLarge.nested_past(limits.nesting) from error
        except json.JSONDecodeError as error:
            first_error = first_error or error
            broken.append(line)
            if len(broken) > _MOST_BROKEN_LINES:
                raise broken_json(first_error, f"the record in line {broken[0]}") from error
            continue
        count += 1
        if count > limits.rows:
            raise DocumentTooLarge.past("rows", limits.rows)
        yield Segment("\n".join(_lines(value, limits)), Position(row=line))
    is_cut_off = broken[-1:] == [window.line] and count >= _FEWEST_RECORDS
    if first_error and (len(broken) - is_cut_off) * _LINES_FOR_A_BROKEN_ONE > count:
        raise broken_json(first_error, f"the record in line {broken[0]}")
    if broken:
        lines = ", ".join(map(str, broken[:20]))
        yield Note("RecordsNotRead", f"Not read for being no valid JSON: line {lines}.")


def _end_of_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _value_segments(window: JsonWindow, limits: DocumentLimits) -> Iterator[Segment]:
    """The segments of a file that is one value."""
    value = window.value()
    if value is TOO_LONG:
        yield from _long_value(window, (), limits, 0)
    elif isinstance(value, dict):
        yield from _members_of(value, (), limits)
    else:
        yield from _records(value, (), limits)


def _long_value(
    window: JsonWindow, path: tuple[str, ...], limits: DocumentLimits, depth: int
) -> Iterator[Segment]:
    """What is too long to be read as one: the items of a list, or the members of an object."""
    if depth >= limits.nesting:
        raise DocumentTooLarge.nested_past(limits.nesting)
    if window.peek() == "[":
        yield from _long_list(window, path, limits, depth)
        return
    for name in window.names():
        value = window.value()
        if value is TOO_LONG:
            yield from _long_value(window, (*path, name), limits, depth + 1)
        else:
            yield from _member(name, value, path, limits)


def _long_list(
    window: JsonWindow, path: tuple[str, ...], limits: DocumentLimits, depth: int
) -> Iterator[Segment]:
    """A segment for each object or list; items of other types share lines."""
    scalars: list[str] = []
    start = count = 0
    for number in window.items():
        value = window.value()
        if value is not TOO_LONG and not isinstance(value, _CONTAINERS):
            start = start if scalars else number
            scalars.append(_scalar(value))
            if len(scalars) < _SCALARS_OF_A_LINE:
                continue
        if scalars:
            yield _record(", ".join(scalars), start, path)
            scalars = []
        if value is TOO_LONG:
            yield from _long_value(window, path, limits, depth + 1)
        elif isinstance(value, _CONTAINERS):
            count += 1
            if count > limits.rows:
                raise DocumentTooLarge.past("rows", limits.rows)
            yield _record("\n".join(_lines(value, limits)), number, path)
    if scalars:
        yield _record(", ".join(scalars), start, path)


def _members_of(value: dict[str, Any], path: tuple[str, ...], limits: DocumentLimits) -> Iterator[Segment]:
    """The members of an object; lists of records below it know the names on the way to them."""
    if len(path) >= limits.nesting:
        raise DocumentTooLarge.nested_past(limits.nesting)
    for name, member in value.items():
        yield from _member(name, member, path, limits)


def _member(name: str, member: Any, path: tuple[str, ...], limits: DocumentLimits) -> Iterator[Segment]:
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
    for number, record in enumerate(records, start=1):
        yield _record("\n".join(_lines(record, limits)), number, path)


def _record(text: str, number: int, path: tuple[str, ...]) -> Segment:
    section = path[-1] if path else None
    return Segment(text, Position(section=section, row=number), path[:-1], section or "")


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
