"""JSON and JSON Lines as indented lines of names and values, numbers exactly as written.

Each record (an item of a list, a line of JSON Lines) is a segment of its own with its number.
"""

import json
from collections.abc import Iterator
from typing import Any

from shared_code.documents.document import Limits, Position, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge
from shared_code.documents.formats.decoding import decode

_CONTAINERS = (dict, list)
_WORDS = {None: "null", True: "true", False: "false"}


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON allows a name to be repeated; its values are a list then."""
    values = dict(members)
    if len(values) == len(members):
        return values
    every: dict[str, list[Any]] = {}
    for name, value in members:
        every.setdefault(name, []).append(value)
    return {name: given if len(given) > 1 else given[0] for name, given in every.items()}


# Numbers stay text: 1.10 is no 1.1, and the digits of a long one are not counted as Python would.
_DECODER = json.JSONDecoder(
    parse_int=str, parse_float=str, parse_constant=str, strict=False, object_pairs_hook=_object
)


def read_json(data: bytes, limits: Limits) -> Iterator[Segment]:
    """The records of the outer list, or the members of the outer object, which may be lists of records."""
    value = _parse(decode(data).strip(), "the file", limits)
    if not isinstance(value, dict):
        yield from _records(value, None, limits)
        return
    for name, member in value.items():
        if isinstance(member, list) and any(isinstance(item, _CONTAINERS) for item in member):
            yield from _records(member, name, limits)
        else:
            yield Segment("\n".join(_lines({name: member}, limits)), Position(section=name))


def read_json_lines(data: bytes, limits: Limits) -> Iterator[Segment]:
    """The records of a file that has one on each line."""
    for number, line in enumerate(decode(data).split("\n"), start=1):
        if number > limits.rows:
            raise DocumentTooLarge.past("rows", limits.rows)
        if line.strip():
            value = _parse(line.strip(), f"line {number}", limits)
            yield Segment("\n".join(_lines(value, limits)), Position(row=number))


def _parse(text: str, where: str, limits: Limits) -> Any:
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise DocumentTooLarge.nested_past(limits.nesting) from error
    except json.JSONDecodeError as error:
        raise BrokenDocument(
            f"The file is not valid JSON: {error.msg} at character {error.pos + 1} of {where}."
        ) from error


def _records(value: Any, section: str | None, limits: Limits) -> Iterator[Segment]:
    records = value if isinstance(value, list) else [value]
    if len(records) > limits.rows:
        raise DocumentTooLarge.past("rows", limits.rows)
    for number, record in enumerate(records, start=1):
        yield Segment("\n".join(_lines(record, limits)), Position(section=section, row=number))


def _lines(value: Any, limits: Limits, depth: int = 0) -> Iterator[str]:
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
