"""Answers the whole ledger of a job, page by page."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.answers import guarded, json_answer
from shared_code.api.job_ledger import place_after, read_ledger
from shared_code.clients import clients
from shared_code.edge import at_edge


@at_edge
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """`GET status/{id}/ledger?after=`: 200, or 404 for anything that is not a job."""
    return await guarded(_read, req, df.DurableOrchestrationClient(starter))


async def _read(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    job_id, after = req.route_params["id"], place_after(req.params)
    ledger_of = (await clients()).ledger
    return json_answer(await read_ledger(client, job_id, ledger_of, after=after))
