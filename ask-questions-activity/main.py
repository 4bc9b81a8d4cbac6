"""Asks one staged page of golden questions."""

from functools import partial

import azure.durable_functions as df

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import AskQuestions


@at_edge
async def main(payload: dict, starter: str) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`AskQuestions` to `ItemDone`."""
    opened = await clients()
    from shared_code.activities.evaluate import ask_questions
    from shared_code.activities.spending import spends_on_page

    host = df.DurableOrchestrationClient(starter)
    return await spends_on_page(opened, AskQuestions, payload, partial(ask_questions, host=host), host)
