"""Vectors that stay JSON on their way from one service to the other."""

import json
from array import array
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.embeddings.vectors import Vector

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(numbers=st.lists(floats, min_size=1))
def test_floats_read_back_as_the_same_numbers(numbers):
    vector = Vector.of(array("f", numbers))

    assert array("f", json.loads(vector.json)) == array("f", numbers)


@given(numbers=st.lists(st.floats(-1e15, 1e15)))
def test_array_of_numbers_stays_as_it_is_written(numbers):
    written = json.dumps(numbers, indent=1).encode()

    assert Vector.parse(written) == Vector(written, len(numbers))


@given(numbers=st.lists(floats))
def test_base64_is_read_as_floats_of_32_bits(numbers):
    base64 = b64encode(array("f", numbers).tobytes()).decode()

    assert Vector.parse(json.dumps(base64).encode()) == Vector.of(array("f", numbers))


def test_base64_may_have_its_slashes_escaped():
    assert Vector.parse(rb'"\/\/9\/Pw=="') == Vector.of([0.99999994])


def test_number_takes_no_more_digits_than_a_float_has():
    vector = Vector.of(array("f", [0.1, 1 / 3, 0, -1e-9]))

    assert vector.json == b"[0.100000001,0.333333343,0,-9.99999972e-10]"


@pytest.mark.parametrize(
    "json",
    [b"null", b"1.5", b"{}", b"[null]", b"[[1],[2]]", b'["1"]', b"[true]", b'"no base64"', b'"AAA="'],
)
def test_anything_else_is_no_vector(json):
    with pytest.raises(ValueError, match=r"no array|base64|padding|length"):
        Vector.parse(json)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1E39"])
def test_number_beyond_a_float_is_no_vector(number):
    with pytest.raises(ValueError, match="no number"):
        Vector.parse(f"[{number},0.1]".encode())


def test_number_with_a_positive_exponent_is_read():
    assert Vector.parse(b"[1.5e+00,-2E1]") == Vector.of([1.5, -20])


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_vector_has_no_number_that_is_none(number):
    with pytest.raises(ValueError, match="no number"):
        Vector.of([1.0, number])
    with pytest.raises(ValueError, match="no number"):
        Vector.parse(json.dumps(b64encode(array("f", [number]).tobytes()).decode()).encode())
