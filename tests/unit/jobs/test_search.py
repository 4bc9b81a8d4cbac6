"""What a client may ask an index, and how the parameters of a request are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.errors import InvalidField
from shared_code.jobs.search import LONGEST_QUESTION, Kind, Mode, Query

LEAST = {"env": "prod", "q": "How are trains booked?"}


def test_question_needs_an_environment_and_a_text_alone():
    assert Query.parse(LEAST) == Query(env="prod", text="How are trains booked?")


def test_every_parameter_is_read():
    more = {
        "version": "v2",
        "mode": "text",
        "top": "3",
        "source": "docs/a",
        "kind": "events",
        "around": "1",
    }
    assert Query.parse(LEAST | more) == Query(
        env="prod",
        version="v2",
        text="How are trains booked?",
        mode=Mode.TEXT,
        top=3,
        source_prefix="docs/a",
        kind=Kind.EVENTS,
        around=1,
    )


def test_parameters_of_the_platform_do_no_harm():
    assert Query.parse(LEAST | {"code": "key", "clientId": "default"}) == Query.parse(LEAST)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("env", ""),
        ("env", "a|b"),
        ("version", ""),
        ("version", "v1' OR true"),
        ("q", ""),
        ("q", " \t\n"),
        ("q", "?!… -- ''"),
        ("q", "_"),
        ("q", "x" * (LONGEST_QUESTION + 1)),
        ("q", "half a pair \ud83d"),
        ("q", "nothing\0"),
        ("mode", "fuzzy"),
        ("mode", "HYBRID"),
        ("kind", "records"),
        ("top", "0"),
        ("top", "51"),
        ("top", "-1"),
        ("top", "1.5"),
        ("top", "\u0663"),
        ("top", "9" * 5_000),
        ("top", ""),
        ("around", "6"),
        ("around", "one"),
        ("source", "a\0"),
        ("source", "x" * 1_025),
    ],
)
def test_parameter_that_cannot_be_used_is_named(name, value):
    with pytest.raises(InvalidField) as refused:
        Query.parse({**LEAST, name: value})
    assert refused.value.field == name


def test_missing_environment_or_question_is_named():
    for name in LEAST:
        with pytest.raises(InvalidField) as refused:
            Query.parse({key: value for key, value in LEAST.items() if key != name})
        assert refused.value.field == name


def test_words_are_the_different_ones_in_their_order():
    assert Query(env="prod", text="Trains, TRAINS or it's planes?").words == [
        "trains", "or", "it", "s", "planes",
    ]  # fmt: skip


def test_long_question_is_looked_for_by_its_first_words():
    assert len(Query(env="prod", text=" ".join(map(str, range(99)))).words) == 32


@given(st.text(max_size=200))
def test_any_text_is_a_question_with_words_or_is_refused(text):
    try:
        query = Query.parse({**LEAST, "q": text})
    except InvalidField:
        return
    assert query.words
    assert query.text.encode()
