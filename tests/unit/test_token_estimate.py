import pytest

from shared_code.documents.extraction import READERS
from shared_code.token_estimate import BYTES_PER_TOKEN, estimated_tokens, is_supported


def test_every_kind_that_is_read_has_an_estimate_and_no_other():
    assert set(BYTES_PER_TOKEN) == set(READERS)


@pytest.mark.parametrize(("name", "tokens"), [("a.txt", 100), ("A.TXT", 100), ("a.zip", 0), ("txt", 0)])
def test_tokens_are_estimated_by_the_ending_of_the_name(name, tokens):
    assert estimated_tokens(name, 400) == tokens
    assert is_supported(name) is bool(tokens)
