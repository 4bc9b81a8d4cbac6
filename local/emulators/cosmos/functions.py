"""The functions of the SQL dialect that look at nothing but their arguments.

An argument of a type that a function is not for makes its result undefined, as every error of a query does.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from local.emulators.cosmos.syntax import UNDEFINED
from local.emulators.cosmos.values import same, type_of
from local.emulators.cosmos.words import words

Function = Callable[..., Any]


def _is(*kinds: str) -> Function:
    return lambda value: type_of(value) in kinds


def _of(kind: str, function: Function) -> Function:
    """A function whose arguments all have to be of one type."""

    def checked(*values: Any) -> Any:
        return function(*values) if all(type_of(value) == kind for value in values) else UNDEFINED

    return checked


def _of_texts(test: Callable[[str, str], bool]) -> Function:
    """A test of two texts; a third argument says whether case matters."""

    def checked(text: Any, part: Any, ignoring_case: Any = False) -> Any:  # noqa: FBT002 - as in a query
        if not isinstance(text, str) or not isinstance(part, str):
            return UNDEFINED
        return test(text.lower(), part.lower()) if ignoring_case is True else test(text, part)

    return checked


def _array_contains(array: Any, value: Any, partially: Any = False) -> Any:  # noqa: FBT002 - as in a query
    if type_of(array) != "array" or value is UNDEFINED:
        return UNDEFINED
    if partially is True and isinstance(value, dict):
        return any(isinstance(item, dict) and _has(item, value) for item in array)
    return any(same(item, value) for item in array)


def _has(item: dict[str, Any], part: dict[str, Any]) -> bool:
    return all(name in item and same(item[name], value) for name, value in part.items())


def _substring(text: Any, start: Any, length: Any) -> Any:
    if not isinstance(text, str) or type_of(start) != "number" or type_of(length) != "number":
        return UNDEFINED
    first = max(0, int(start))
    return text[first : first + max(0, int(length))]


def _to_string(value: Any) -> Any:
    match type_of(value):
        case "string":
            return value
        case "boolean":
            return "true" if value else "false"
        case "number":
            return str(int(value)) if value == int(value) else str(value)
    return UNDEFINED


def _iif(condition: Any, then: Any, otherwise: Any) -> Any:
    return then if condition is True else otherwise


def _contains_phrase(text: Any, phrase: Any) -> bool:
    """Whether the words of a phrase stand in a text, one after another; anything else has no words."""
    if not isinstance(text, str) or not isinstance(phrase, str):
        return False
    return phrase_count(words(text), words(phrase)) > 0


def phrase_count(text: list[str], phrase: list[str]) -> int:
    """How often words stand in a text, one after another."""
    if not phrase:
        return 0
    if len(phrase) == 1:
        return text.count(phrase[0])
    starts = range(len(text) - len(phrase) + 1)
    return sum(text[start : start + len(phrase)] == phrase for start in starts)


def _contains_all(text: Any, *phrases: Any) -> Any:
    return all(_contains_phrase(text, phrase) for phrase in phrases)


def _contains_any(text: Any, *phrases: Any) -> Any:
    return any(_contains_phrase(text, phrase) for phrase in phrases)


def _word_count(text: Any) -> Any:
    return len(words(text)) if isinstance(text, str) else 0


def _cosine(left: Any, right: Any, *_: Any) -> Any:
    """VectorDistance of an array for which the container has no policy."""
    try:
        one, other = np.asarray(left, np.float64), np.asarray(right, np.float64)
    except (TypeError, ValueError):
        return UNDEFINED
    if one.ndim != 1 or one.shape != other.shape:
        return UNDEFINED
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0


FUNCTIONS: dict[str, Function] = {
    "IS_DEFINED": lambda value: value is not UNDEFINED,
    "IS_NULL": _is("null"),
    "IS_BOOL": _is("boolean"),
    "IS_NUMBER": _is("number"),
    "IS_STRING": _is("string"),
    "IS_ARRAY": _is("array"),
    "IS_OBJECT": _is("object"),
    "IS_PRIMITIVE": _is("null", "boolean", "number", "string"),
    "ARRAY_CONTAINS": _array_contains,
    "ARRAY_LENGTH": _of("array", len),
    "STARTSWITH": _of_texts(str.startswith),
    "ENDSWITH": _of_texts(str.endswith),
    "CONTAINS": _of_texts(lambda text, part: part in text),
    "STRINGEQUALS": _of_texts(lambda text, other: text == other),
    "INDEX_OF": _of("string", str.find),
    "CONCAT": _of("string", lambda *texts: "".join(texts)),
    "LENGTH": _of("string", len),
    "LOWER": _of("string", str.lower),
    "UPPER": _of("string", str.upper),
    "TRIM": _of("string", str.strip),
    "REPLACE": _of("string", str.replace),
    "SUBSTRING": _substring,
    "TOSTRING": _to_string,
    "ABS": _of("number", abs),
    "CEILING": _of("number", math.ceil),
    "FLOOR": _of("number", math.floor),
    "IIF": _iif,
    "FULLTEXTCONTAINS": _contains_phrase,
    "FULLTEXTCONTAINSALL": _contains_all,
    "FULLTEXTCONTAINSANY": _contains_any,
    "_FULLTEXTWORDCOUNT": _word_count,
    "VECTORDISTANCE": _cosine,
}
