"""Answers a question with the texts of an index that fit it best."""

from collections.abc import Awaitable, Callable
from functools import partial

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.answers import guarded, json_answer
from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs import Json
from shared_code.jobs.search import Query


@at_edge
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """`GET search?env=&q=`: 200, 400 for what is not a question, 404 where there is no such version."""
    opened = await clients()
    from shared_code.activities.search import answer_question

    answer = partial(answer_question, opened, host=df.DurableOrchestrationClient(starter))
    return await guarded(_search, req, answer)


async def _search(req: func.HttpRequest, answer: Callable[[Query], Awaitable[Json]]) -> func.HttpResponse:
    return json_answer(await answer(Query.parse(req.params)))
