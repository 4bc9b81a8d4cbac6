"""What JSON values mean to a query: their types, their order, when two are equal."""

import json
from functools import cmp_to_key
from typing import Any

import numpy as np

from local.emulators.cosmos.syntax import UNDEFINED

# In this order values of different types are sorted.
_TYPES = ("undefined", "null", "boolean", "number", "string", "array", "object")
_RANKS = {name: rank for rank, name in enumerate(_TYPES)}
_BY_CLASS = {
    type(UNDEFINED): "undefined",
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    np.ndarray: "array",
    dict: "object",
}


def type_of(value: Any) -> str:
    """The name of a value's type."""
    return _BY_CLASS[type(value)]


def equal(left: Any, right: Any) -> Any:
    """Whether two values are the same; undefined where one is."""
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    return same(left, right)


def same(left: Any, right: Any) -> bool:
    """Whether two defined values are the same: `true` is not 1, and 1.0 is 1."""
    kind = type_of(left)
    if kind != type_of(right):
        return False
    if kind == "array":
        return len(left) == len(right) and all(map(same, left, right))
    if kind == "object":
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    return bool(left == right)


def compare(left: Any, right: Any) -> int:
    """Which of two values is sorted first: negative, if it is the left one."""
    ranks = _RANKS[type_of(left)] - _RANKS[type_of(right)]
    if ranks or type_of(left) in {"undefined", "null"}:
        return ranks
    if type_of(left) in {"array", "object"}:
        left, right = canonical(left), canonical(right)
    return int(left > right) - int(left < right)


sort_key = cmp_to_key(compare)


def are_ordered(left: Any, right: Any) -> bool:
    """Whether `<` and its kin mean anything between two values."""
    kind = type_of(left)
    return kind == type_of(right) and kind in {"boolean", "number", "string"}


def canonical(value: Any) -> str:
    """A text that equal values have in common, and no others."""
    return json.dumps(_canonical(value), sort_keys=True, ensure_ascii=False)


def _canonical(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: _canonical(item) for name, item in value.items()}
        case list() | np.ndarray():
            return [_canonical(item) for item in value]
        case np.generic():
            return _canonical(value.item())
    return "\0undefined" if value is UNDEFINED else value
