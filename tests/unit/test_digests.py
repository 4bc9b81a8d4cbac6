import math
from datetime import UTC, datetime
from uuid import UUID

from azure.data.tables import EdmType, EntityProperty
from hypothesis import given
from hypothesis import strategies as st

from shared_code.digests import digest

texts = st.text(st.characters(codec="utf-8"), max_size=3)

# Each case is what the service sends, its Edm type, and what the SDK makes of it.
cells = st.one_of(
    texts.map(lambda value: (value, None, value)),
    texts.map(lambda value: (value, "Edm.String", value)),
    st.booleans().map(lambda value: (value, None, value)),
    st.integers(-3, 3).map(lambda value: (value, None, value)),
    st.integers(-3, 3).map(
        lambda value: (str(value), "Edm.Int64", EntityProperty(value, EdmType.INT64)),
    ),
    st.sampled_from([0.5, -0.0, 1.0, 2.0, 1e300]).map(lambda value: (value, None, value)),
    st.sampled_from([math.inf, -math.inf]).map(
        lambda value: (str(value).replace("inf", "Infinity"), "Edm.Double", value)
    ),
    st.integers(1, 3).map(lambda value: (str(UUID(int=value)), "Edm.Guid", UUID(int=value))),
    st.integers(1, 3).map(
        lambda day: (f"2021-02-0{day}T10:00:00Z", "Edm.DateTime", datetime(2021, 2, day, 10, tzinfo=UTC))
    ),
)


@given(first=cells, second=cells)
def test_digests_are_equal_exactly_when_the_values_of_the_sdk_are(first, second):
    assert (digest(*first[:2]) == digest(*second[:2])) == (first[2] == second[2])


def test_every_nan_counts_for_itself_as_it_does_in_a_set():
    assert digest("NaN", "Edm.Double") != digest("NaN", "Edm.Double")


def test_instants_are_compared_to_the_microsecond():
    first, same, other = "2021-02-03T10:00:00Z", "2021-02-03T10:00:00.0000001Z", "2021-02-03T10:00:00.000001Z"
    assert digest(first, "Edm.DateTime") == digest(same, "Edm.DateTime")
    assert digest(first, "Edm.DateTime") != digest(other, "Edm.DateTime")


def test_binary_and_text_of_the_same_letters_differ():
    assert digest("AAAA", "Edm.Binary") != digest("AAAA")
