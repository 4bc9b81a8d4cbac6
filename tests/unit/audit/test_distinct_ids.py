import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from azure.data.tables import EdmType, EntityProperty
from hypothesis import given
from hypothesis import strategies as st

from shared_code.audit.distinct_ids import DIGEST_SIZE, DistinctIds, digest, split

COLUMN = "identificationNumber"
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


def ids_of(rows: Any) -> Any:
    ids = DistinctIds(COLUMN)
    ids.add_rows(rows)
    return ids


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


def test_rows_without_the_column_are_skipped_and_counted():
    ids = ids_of([{COLUMN: "a"}, {}, {COLUMN: None}, {COLUMN: ""}])
    assert ids.skipped == 2
    assert len(ids.sorted_run()) == 2 * DIGEST_SIZE


def test_type_annotation_of_a_row_is_part_of_its_value():
    ids = ids_of([{COLUMN: "1"}, {COLUMN: "1", f"{COLUMN}@odata.type": "Edm.Int64"}])
    assert len(ids.sorted_run()) == 2 * DIGEST_SIZE


@given(values=st.lists(st.text(max_size=2)))
def test_run_is_sorted_and_holds_each_digest_once(values):
    run = ids_of({COLUMN: value} for value in values).sorted_run()
    parts = [run[start : start + DIGEST_SIZE] for start in range(0, len(run), DIGEST_SIZE)]
    assert parts == sorted({digest(value) for value in values})


def test_doubles_are_dropped_across_many_pages():
    ids = DistinctIds(COLUMN)
    for page in range(120):
        ids.add_rows({COLUMN: str(number)} for number in range(page * 500, page * 500 + 1000))
    held = sum(len(run) for run in ids._runs) + DIGEST_SIZE * len(ids._recent)
    assert len(split(ids.sorted_run())) == 119 * 500 + 1000
    assert held < 2 * 16 * 60_500


def test_many_repetitions_of_few_values_take_no_more_room():
    ids = DistinctIds(COLUMN)
    rows = [{COLUMN: str(number)} for number in range(40_000)]
    for _ in range(12):
        ids.add_rows(rows)
    assert sum(map(len, ids._runs)) < 7 * 40_000 * DIGEST_SIZE
    assert len(ids.sorted_run()) == 40_000 * DIGEST_SIZE
