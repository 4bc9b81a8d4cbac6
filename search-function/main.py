"""Answers a question with the texts of an index that fit it best."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.answers import guarded, json_answer
from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.search import Query


@at_edge
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """`GET search?env=&q=`: 200, 400 for what is not a question, 404 where there is no such version."""
    return await guarded(_search, req, df.DurableOrchestrationClient(starter))


async def _search(req: func.HttpRequest, host: df.DurableOrchestrationClient) -> func.HttpResponse:
    query, opened = Query.parse(req.params), await clients()
    from shared_code.activities.search import answer_question

    return json_answer(await answer_question(opened, query, host=host))
