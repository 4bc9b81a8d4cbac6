"""Answers which versions an environment's index has, and which one is live."""

from collections.abc import Awaitable, Callable
from functools import partial

import azure.functions as func

from shared_code.api.answers import guarded, json_answer
from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs import Json, label


@at_edge
async def main(req: func.HttpRequest) -> func.HttpResponse:
    """`GET index/{env}`: 200, or 400 for what is not an environment's label."""
    opened = await clients()
    from shared_code.activities.versions import read_versions

    return await guarded(_answer, req, partial(read_versions, opened))


async def _answer(req: func.HttpRequest, read: Callable[[str], Awaitable[Json]]) -> func.HttpResponse:
    return json_answer(await read(label(req.route_params["env"], "env")))
