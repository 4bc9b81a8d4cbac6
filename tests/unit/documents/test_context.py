"""What is embedded before a chunk's text: what it stands under, up to a twentieth of its tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.documents import Position
from shared_code.documents.chunking import Chunk, count_tokens
from shared_code.documents.context import before_text, context_of, joined
from tests.unit.documents.reading import chunks

HANDBOOK = ("Handbook", "Travel", "Trains and planes")
PATH = "Handbook > Travel > Trains and planes\n\n"
RULES = "\n\n".join(
    f"Rule {number}: trains are preferred, planes have to be asked for." for number in range(99)
)


def under(*context: str, text: str = "Trains are preferred.", tokens: int = 500) -> Chunk:
    return Chunk(text, tokens, Position(), context)


def before(chunk: Chunk) -> str:
    return before_text(chunk, context_of(chunk))


def test_chunk_within_a_section_is_embedded_below_its_title_and_headings():
    assert before(under(*HANDBOOK)) == PATH


def test_chunk_under_nothing_is_embedded_as_it_is():
    assert (before(under()), joined(context_of(under()))) == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        "# Handbook\n\n## Travel\n\n### Trains and planes\n\nTrains are preferred.",
        "Handbook\n========\n\nTravel\n------\nTrains and planes\n~~~~\nTrains are preferred.",
        "Handbook\nTravel\nTrains  and planes\nTrains are preferred.",
    ],
)
def test_headings_that_a_text_begins_with_are_not_embedded_twice(text):
    assert context_of(under(*HANDBOOK, text=text)) == ()


def test_heading_further_down_in_a_text_does_not_count_as_its_beginning():
    assert context_of(under("Travel", text="Trains.\n\n## Travel\n\nPlanes.")) == ("Travel",)


def test_header_of_a_table_that_is_repeated_in_the_text_is_not_embedded_twice():
    chunk = under("People", "name; city", text="name; city\nAda; London")
    assert context_of(chunk) == ("People",)


def test_same_title_twice_in_a_path_is_left_out_once():
    assert context_of(under("Travel", "Travel", text="# Travel\n\nTrains.")) == ("Travel",)


def test_of_a_long_path_the_closest_and_the_widest_stay():
    chunk = under("Handbook", *(f"Chapter {number} of the book" for number in range(6)), "Trains", tokens=260)
    assert before(chunk) == "Handbook > Chapter 5 of the book > Trains\n\n"


def test_names_of_columns_that_have_no_room_push_nothing_out():
    columns = "; ".join(f"column {number}" for number in range(99))
    assert before(under("People", "Sheet 1", columns)) == "People > Sheet 1\n\n"


def test_largest_chunk_stays_within_what_a_model_takes():
    assert before(under(*HANDBOOK, tokens=8_191)) == ""
    assert count_tokens(before(under(*HANDBOOK, tokens=8_170))) <= 21


@given(st.lists(st.text(min_size=1, max_size=60), max_size=8), st.integers(1, 8_191))
def test_context_takes_at_most_a_twentieth_more_tokens(context, tokens):
    assert 20 * count_tokens(before(under(*context, text="x", tokens=tokens))) <= tokens


def test_every_chunk_of_a_section_says_what_it_stands_under():
    found = chunks("a.md", f"# Handbook\n\n## Travel\n\n{RULES}", max_tokens=256)

    assert len(found) > 3
    assert [context_of(chunk) for chunk in found] == [(), *[("Handbook", "Travel")] * (len(found) - 1)]
    assert all(before(chunk) == "Handbook > Travel\n\n" for chunk in found[1:])
    assert all(not chunk.text.startswith("Handbook") for chunk in found[1:])


def test_name_of_a_file_is_no_part_of_a_context():
    text = f"# Handbook\n\n## Travel\n\n{RULES}"
    assert chunks("plans/secret-merger.md", text) == chunks("b.md", text)
