"""Decides whether a job may go on that waits for an approval; its key is not that of who starts jobs."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.answers import accepted, guarded, json_answer, json_body, public_origin
from shared_code.api.job_control import APPROVAL_BODY, decide, parse_decision
from shared_code.api.job_status import read_status
from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.settings import settings


@at_edge
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """`POST status/{id}/approval`: 202; 200, it was decided so before; 404; 409, nothing waits for this."""
    return await guarded(_decide, req, df.DurableOrchestrationClient(starter))


async def _decide(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    config = settings()
    job_id, origin = req.route_params["id"], public_origin(req, config)
    decision = parse_decision(json_body(req, APPROVAL_BODY))
    decisions = (await clients()).decisions_of_requests
    is_news = await decide(client, decisions, job_id, decision)
    status = await read_status(client, job_id, retention_days=config.job_retention_days, origin=origin)
    if is_news:
        return accepted(job_id, status.status, origin=origin)
    return json_answer(status.to_json())
