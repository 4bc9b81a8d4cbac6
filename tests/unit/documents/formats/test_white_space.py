"""Words of long texts are those of short ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.documents.formats import white_space
from shared_code.documents.formats.white_space import count_words, folded


@pytest.mark.parametrize("block", [1, 3, 1_000])
@given(text=st.text(alphabet="ab \n\t\u00a0"))
def test_white_space_is_folded_alike_however_long_the_text_is(block, text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(white_space, "_BLOCK", block)
        assert folded(text) == " ".join(text.split())


def test_words_of_a_long_text_are_counted():
    assert abs(count_words("word " * 500_000) - 500_000) < 5
