"""The golden questions about the sample documents."""

from local.samples.documents import CONTAINER, documents
from local.samples.questions import ANSWERED_BY, QUESTIONS, QUESTIONS_CONTAINER, SHOWN, lines
from shared_code.search.evaluation import parse_questions


def test_every_question_is_answered_by_documents_that_can_be_read() -> None:
    readable = {document.path for document in documents() if document.readable}

    assert {name for names in ANSWERED_BY.values() for name in names} <= readable
    assert set(SHOWN) <= ANSWERED_BY.keys()


def test_an_evaluation_reads_the_questions_as_they_are_written() -> None:
    questions = parse_questions(lines().encode(), QUESTIONS)

    assert [question.text for question in questions] == list(ANSWERED_BY)
    assert all(source.startswith(f"{CONTAINER}/") for question in questions for source in question.sources)


def test_questions_are_not_among_the_documents_that_jobs_embed() -> None:
    assert QUESTIONS_CONTAINER != CONTAINER
