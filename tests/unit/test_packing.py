from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared_code.packing import packed


@given(st.lists(st.integers(0, 12)), st.integers(1, 20), st.integers(1, 5))
def test_batches_keep_order_and_limits_and_none_could_take_the_next_item(weights, most_weight, most_items):
    batches = list(packed(weights, int, most_weight=most_weight, most_items=most_items))

    assert [weight for batch in batches for weight in batch] == weights
    assert all(sum(batch) <= most_weight or len(batch) == 1 for batch in batches)
    assert all(0 < len(batch) <= most_items for batch in batches)
    for batch, following in pairwise(batches):
        assert len(batch) == most_items or sum(batch) + following[0] > most_weight
