"""Golden questions as their authors write them, and what they get wrong."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.errors import InvalidQuestions
from shared_code.jobs.evaluation import GoldenQuestion, Quality
from shared_code.search.evaluation import digest_of, parse_questions

PATH = "golden/harbour.jsonl"
GOOD = {"question": "Who may moor here?", "sources": ["samples/handbook/mooring.md"]}


def lines(*values: object) -> bytes:
    return "\n".join(value if isinstance(value, str) else json.dumps(value) for value in values).encode()


def refusal_of(data: bytes) -> str:
    with pytest.raises(InvalidQuestions) as refused:
        parse_questions(data, PATH)
    return str(refused.value)


def test_each_line_is_a_question_and_what_else_it_holds_is_left_alone():
    data = lines(
        {**GOOD, "id": 7, "answer": "Nobody."}, "", {"question": "And there?", "sources": ["a/b", "e-1"]}
    )

    assert parse_questions(data, PATH) == [
        GoldenQuestion("Who may moor here?", ("samples/handbook/mooring.md",)),
        GoldenQuestion("And there?", ("a/b", "e-1")),
    ]


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm():
    assert len(parse_questions(b"\xef\xbb\xbf" + lines(GOOD, GOOD).replace(b"\n", b"\r\n"), PATH)) == 2


def test_separators_that_only_python_takes_for_line_ends_belong_to_their_question():
    data = json.dumps({**GOOD, "question": "Left\u2028or right?"}, ensure_ascii=False).encode()

    assert len(parse_questions(data, PATH)) == 1


@pytest.mark.parametrize(
    ("broken", "fix"),
    [
        ("{", 'write {"question"'),
        ("[1]", 'write {"question"'),
        ("[" * 100_000, 'write {"question"'),
        ({"sources": ["a/b"]}, "Field question"),
        ({"question": "  ", "sources": ["a/b"]}, "at least one letter"),
        ({"question": "q" * 1_001, "sources": ["a/b"]}, "at most 1000 characters"),
        ({"question": 7, "sources": ["a/b"]}, "a text"),
        ({"question": "Who?"}, "Field sources"),
        ({"question": "Who?", "sources": []}, "1 to 100 names"),
        ({"question": "Who?", "sources": "a/b"}, "1 to 100 names"),
        ({"question": "Who?", "sources": [""]}, "container/path"),
        ({"question": "Who?", "sources": ["\ud800"]}, "container/path"),
    ],
    ids=str,
)  # fmt: skip
def test_broken_line_is_named_by_its_number(broken, fix):
    refusal = refusal_of(lines(GOOD, "", broken))

    assert refusal.startswith(f"Line 3 of the questions at {PATH} cannot be used: ")
    assert fix in refusal


def test_line_that_is_not_utf_8_is_named_by_its_number():
    assert refusal_of(lines(GOOD) + b"\n\xff").startswith("Line 2 of the questions")


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_file_without_a_question_is_refused_as_a_whole(data):
    assert "the file has none" in refusal_of(data)


def test_more_than_ten_thousand_questions_are_refused():
    assert len(parse_questions(lines(*[GOOD] * 10_000), PATH)) == 10_000
    assert "at most 10,000" in refusal_of(lines(*[GOOD] * 10_001))


def test_digest_is_of_what_is_asked_and_expected_and_not_of_its_order():
    one, two = GoldenQuestion("One?", ("a/b", "a/c")), GoldenQuestion("Two?", ("a/c",))

    assert digest_of([one, two]) == digest_of([two, GoldenQuestion("One?", ("a/c", "a/b"))])
    assert digest_of([one, two]) != digest_of([one])
    assert digest_of([one]) != digest_of([GoldenQuestion("One?", ("a/b",))])


def test_figures_count_ranks_up_to_their_own():
    quality = Quality.of([1, 2, 6, None])

    assert quality.figures == {"recall@1": 0.25, "recall@5": 0.5, "recall@10": 0.75, "mrr": 0.4167}


@given(st.lists(st.none() | st.integers(1, 10), min_size=1, max_size=200))
def test_figures_are_shares_and_wider_ones_are_no_smaller(ranks):
    quality = Quality.of(ranks)
    first, five, ten = quality.recall

    assert 0 <= first <= quality.mrr + 0.0001
    assert quality.mrr <= ten + 0.0001
    assert first <= five <= ten <= 1
    assert Quality.from_figures(quality.figures) == quality
