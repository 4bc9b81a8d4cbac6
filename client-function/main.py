"""Submits an audit query and answers at once where its status can be read."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.answers import guarded, public_origin
from shared_code.api.job_instances import JobStarter, start_job
from shared_code.api.waiting import Wait, submitted
from shared_code.clients import job_table
from shared_code.edge import at_edge
from shared_code.jobs import AuditQueryJob
from shared_code.jobs.date_range import DateRange
from shared_code.settings import settings


@at_edge
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """`GET|POST submit/query?s=<date>&e=<date>`: 202, or 400 for unusable dates."""
    return await guarded(_submit, req, df.DurableOrchestrationClient(starter))


async def _submit(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    config = settings()
    origin = public_origin(req, config)
    dates = DateRange.parse(req.params.get("s", ""), req.params.get("e", ""), max_days=config.max_range_days)
    plan = AuditQueryJob.plan(dates, patience=config.patience)
    key, wait = req.headers.get("idempotency-key"), Wait.asked_for(req.headers)
    job = await start_job(JobStarter(client, job_table), plan, idempotency_key=key)
    return await submitted(client, job, wait, origin=origin, retention_days=config.job_retention_days)
