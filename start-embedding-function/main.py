"""Submits an embedding job or an evaluation and answers at once where its status can be read."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.answers import accepted, guarded, json_body, public_origin
from shared_code.api.job_instances import start_job
from shared_code.edge import at_edge
from shared_code.jobs import EMBEDDING_BODY, EmbedEventJob, parse_embedding
from shared_code.settings import settings


@at_edge
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """`POST orchestrators/start` with filesPath, with questions or with trackingId: 202."""
    return await guarded(_submit, req, df.DurableOrchestrationClient(starter))


async def _submit(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    config = settings()
    origin = public_origin(req, config)
    job = parse_embedding(json_body(req, EMBEDDING_BODY), config.event_defaults)
    if not isinstance(job, EmbedEventJob):
        config.source_containers.require(job.container)
    started = await start_job(client, job, idempotency_key=req.headers.get("idempotency-key"))
    return accepted(started.id, started.runtime_status, origin=origin)
