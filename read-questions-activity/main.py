"""Reads the golden questions of an evaluation, and stages them."""

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import ReadQuestions


@at_edge
async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`ReadQuestions` to `QuestionsRead`."""
    opened = await clients()
    from shared_code.activities.evaluate import read_questions
    from shared_code.activities.results import answer

    return await answer(opened, ReadQuestions, payload, read_questions)
