"""Answers which jobs there are, newest first."""

from functools import partial

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.answers import guarded, json_answer
from shared_code.api.job_filling import fill
from shared_code.api.job_list import ListQuery, list_jobs
from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.durable import host_address
from shared_code.settings import settings


@at_edge
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """`GET jobs?env&kind&status&createdAfter&top&after`: 200, or 400 for a parameter that cannot be used."""
    client = df.DurableOrchestrationClient(starter)
    return await guarded(partial(_list, address=host_address(starter)), req, client)


async def _list(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, *, address: str
) -> func.HttpResponse:
    query = ListQuery.parse(req.params)
    opened = await clients()
    await fill(opened.job_table, opened.instances(address))
    found = await list_jobs(client, opened.job_table, query, retention_days=settings().job_retention_days)
    return json_answer(found)
