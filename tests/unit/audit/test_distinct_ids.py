from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared_code.audit.distinct_ids import DistinctIds
from shared_code.digests import DIGEST_SIZE, digest, split

COLUMN = "identificationNumber"


def ids_of(rows: Any) -> Any:
    ids = DistinctIds(COLUMN)
    ids.add_rows(rows)
    return ids


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
