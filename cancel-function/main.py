"""Cancels a job: its lanes and its running steps stop, what it staged goes, what it paid stays counted."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.answers import accepted, guarded, json_answer, public_origin
from shared_code.api.job_control import CLIENT, cancel_job, name_of_client
from shared_code.api.job_instances import ENDED
from shared_code.api.job_status import read_status
from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.settings import settings


@at_edge
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """`DELETE status/{id}[?by=<name>]`: 202, the job stops; 200, it has ended; 404 for anything else."""
    return await guarded(_cancel, req, df.DurableOrchestrationClient(starter))


async def _cancel(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    config = settings()
    job_id, origin = req.route_params["id"], public_origin(req, config)
    by = name_of_client(req.params.get("by", CLIENT))
    decisions = (await clients()).decisions_of_requests
    status = await cancel_job(client, decisions, job_id, by=by)
    if status and status not in ENDED:
        return accepted(job_id, status, origin=origin)
    ended = await read_status(client, job_id, retention_days=config.job_retention_days, origin=origin)
    return json_answer(ended.to_json())
