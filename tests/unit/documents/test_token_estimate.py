import pytest

from shared_code.documents import DocumentLimits
from shared_code.documents.chunking import chunk
from shared_code.documents.extraction import extract
from shared_code.documents.token_estimate import estimated_tokens, is_supported
from tests.unit.typical_files import typical_files

TYPICAL = typical_files()
SIZES = {"chunk_tokens": 512, "overlap_tokens": 64}


@pytest.mark.parametrize(
    ("name", "tokens"), [("a.txt", 100), ("A.TXT", 100), ("a.zip", 0), ("a.ppt", 0), ("txt", 100)]
)
def test_tokens_are_estimated_by_the_ending_of_the_name(name, tokens):
    assert estimated_tokens(name, 300, **SIZES) == tokens
    assert is_supported(name) is bool(tokens)


def test_what_chunks_repeat_of_each_other_is_estimated_where_there_are_several():
    assert estimated_tokens("a.txt", 3 * 512, chunk_tokens=512, overlap_tokens=256) == 512
    assert estimated_tokens("a.txt", 3 * 5_120, chunk_tokens=512, overlap_tokens=256) == 10_240


@pytest.mark.parametrize("what", TYPICAL)
def test_estimate_of_what_is_typical_is_right_within_a_factor_of_two(what):
    name, data = TYPICAL[what]
    chunks = chunk(extract(name, data, DocumentLimits()), max_tokens=512, overlap_tokens=64)
    tokens = sum(each.tokens for each in chunks)

    # Outside of this, the bytes for each token of the kind are to be measured anew.
    assert 0.5 < tokens / estimated_tokens(name, len(data), **SIZES) < 2


def test_price_does_not_count_files_that_are_hardly_ever_read():
    assert is_supported("a.doc")
    assert estimated_tokens("a.doc", 30_000_000, **SIZES) == 0
