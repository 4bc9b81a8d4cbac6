"""Submits an embedding job or an evaluation and answers at once where its status can be read."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.answers import guarded, json_body, public_origin
from shared_code.api.job_instances import JobStarter, start_job
from shared_code.api.job_retry import is_retry, retry_job
from shared_code.api.waiting import Wait, submitted
from shared_code.clients import clients, forget_decisions, job_table
from shared_code.edge import at_edge
from shared_code.jobs import EMBEDDING_BODY, EmbedEventJob, Job, parse_embedding
from shared_code.settings import settings


@at_edge
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """`POST orchestrators/start` of files, of an event, of questions, or `{"retryOf"}`: 202."""
    return await guarded(_submit, req, df.DurableOrchestrationClient(starter))


async def _submit(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    config, key = settings(), req.headers.get("idempotency-key")
    origin = public_origin(req, config)
    body, defaults = json_body(req, EMBEDDING_BODY), config.event_defaults
    job: Job
    if is_retry(body):
        job = await retry_job(client, body, defaults, (await clients()).ledger, idempotency_key=key)
    else:
        job = parse_embedding(body, defaults)
    if not isinstance(job, EmbedEventJob):
        config.source_containers.require(job.container)
    starter = JobStarter(client, job_table, forget_decisions)
    started = await start_job(starter, job, idempotency_key=key)
    wait, retention_days = Wait.asked_for(req.headers), config.job_retention_days
    return await submitted(client, started, wait, origin=origin, retention_days=retention_days)
