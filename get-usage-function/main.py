"""Answers what an environment has used, month by month."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.answers import guarded, json_answer
from shared_code.edge import at_edge
from shared_code.jobs import label
from shared_code.settings import settings
from shared_code.usage.report import read_usage


@at_edge
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """`GET usage/{env}`: 200, or 400 for what is not an environment's label."""
    return await guarded(_read, req, df.DurableOrchestrationClient(starter))


async def _read(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    env = label(req.route_params["env"], "env")
    report = await read_usage(client, env, settings().budgets.get(env))
    return json_answer(report)
