"""Answers which versions an environment's index has, and which one is live."""

import azure.functions as func

from shared_code.api.answers import guarded, json_answer
from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs import label


@at_edge
async def main(req: func.HttpRequest) -> func.HttpResponse:
    """`GET index/{env}`: 200, or 400 for what is not an environment's label."""
    return await guarded(_answer, req, None)


async def _answer(req: func.HttpRequest, _: None) -> func.HttpResponse:
    env, opened = label(req.route_params["env"], "env"), await clients()
    from shared_code.activities.versions import read_versions

    return json_answer(await read_versions(opened, env))
