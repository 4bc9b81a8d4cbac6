"""What the engine reads can be stored and sent: it is well-formed, finite and no deeper than .NET reads."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devhost.engine.dotnet_json import TooDeep, parse, to_dotnet_json, to_json, well_formed

ANY_TEXT = st.text(st.characters(codec=None, categories=None))  # halves of characters included
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda values: st.lists(values) | st.dictionaries(ANY_TEXT, values),
    max_leaves=20,
)


def refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@given(JSON)
def test_whatever_python_writes_becomes_text_that_utf8_and_strict_readers_take(value: Any):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        written = to_dotnet_json(parse(text))
        assert json.loads(written.encode(), parse_constant=refuse) == parse(text)


@given(JSON)
def test_values_are_written_as_strict_json_without_being_read_first(value: Any):
    json.loads(to_json(value).encode(), parse_constant=refuse)


@given(st.text())
def test_text_without_halves_stays_as_it_is(text: str):
    assert parse(json.dumps(text)) == well_formed(text) == text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"caf\\udce9"', "caf\ufffd"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"\\ude00\\ud83d"', "\ufffd\ufffd"),
        ('"\\\\ud83d"', "\\ud83d"),  # a backslash and a letter, which is no half of anything
        ('"\ud83d"', "\ufffd"),
        ('"\ud83d\ude00"', "\U0001f600"),
        ("NaN", "NaN"),
        ('["NaN", -Infinity]', ["NaN", "-Infinity"]),
    ],
)
def test_what_has_no_place_in_json_is_read_as_dotnet_does(written: str, read: Any):
    assert parse(written) == read


def test_number_beyond_a_double_is_written_as_infinity():
    assert to_json(parse("[1e999, -1e999]")) == '["Infinity","-Infinity"]'
    assert math.isinf(parse("1e999"))


@pytest.mark.parametrize("depth", [1, 2, 63, 64])
def test_allowed_depth_is_read(depth: int):
    assert parse(nested(depth), depth=depth) == json.loads(nested(depth))


@pytest.mark.parametrize("depth", [65, 66, 999, 5_000, 100_000])
def test_deeper_lists_are_refused_with_the_text_of_azure(depth: int):
    with pytest.raises(TooDeep) as refused:
        parse(nested(depth))
    path = "[0]" * 64
    assert str(refused.value) == f"The reader's MaxDepth of 64 has been exceeded. Path '{path}'."


def test_path_names_members_and_positions():
    with pytest.raises(TooDeep) as refused:
        parse('{"[a": [], "b": [1, "}", {"c": {"d": 1}}]}', depth=3)
    assert refused.value.path == "b[2].c"


def test_many_brackets_side_by_side_are_no_depth():
    assert len(parse(json.dumps([[] for _ in range(1000)]), depth=2)) == 1000
