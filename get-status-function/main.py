"""Answers what a client may see of its job."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.answers import POLL_SECONDS, guarded, json_answer, public_origin
from shared_code.api.job_status import read_status
from shared_code.api.waiting import Wait
from shared_code.edge import at_edge
from shared_code.settings import settings


@at_edge
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """`GET status/{id}`: 200 in every state of a job, 404 for anything else; may wait for its end."""
    return await guarded(_read, req, df.DurableOrchestrationClient(starter))


async def _read(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    config, wait = settings(), Wait.asked_for(req.headers)
    job_id, origin = req.route_params["id"], public_origin(req, config)
    await wait.until_ended(client, job_id)
    status = await read_status(client, job_id, retention_days=config.job_retention_days, origin=origin)
    headers = {} if status.ended else {"Retry-After": POLL_SECONDS}
    return json_answer(status.to_json(), headers={**headers, **wait.applied})
