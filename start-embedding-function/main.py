"""Submits an embedding job and answers at once where its status can be read."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.http_api import accepted, guarded, json_body, public_origin
from shared_code.job_instances import start_job
from shared_code.jobs import EmbedFilesJob
from shared_code.settings import settings


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """`POST orchestrators/start {"env", "version", "filesPath"[, "dryRun"]}`: 202, or 400, 403 or 429."""
    return await guarded(_submit, req, df.DurableOrchestrationClient(starter))


async def _submit(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    config = settings()
    origin = public_origin(req, config)
    body = json_body(req, "a JSON object with env, version and filesPath")
    job = EmbedFilesJob.parse(body, config.embedding_plan, config.budgets)
    config.source_containers.require(job.container)
    started = await start_job(client, job, idempotency_key=req.headers.get("idempotency-key"))
    return accepted(started.id, started.runtime_status, origin=origin)
