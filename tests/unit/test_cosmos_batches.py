"""What is sent to Cosmos DB beside what its SDK writes."""

import json
from array import array

from hypothesis import given
from hypothesis import strategies as st

from shared_code.cosmos_batches import json_numbers

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(numbers=st.lists(floats, min_size=1))
def test_vector_reads_back_as_the_same_numbers(numbers):
    vector = array("f", numbers)

    assert array("f", json.loads(json_numbers(vector))) == vector


def test_number_takes_no_more_digits_than_a_float_has():
    assert json_numbers(array("f", [0.1, 1 / 3, 0, -1e-9])) == "[0.100000001,0.333333343,0,-9.99999972e-10]"
