"""Makes a version of an environment's index the live one, unless it is worse."""

from collections.abc import Awaitable, Callable
from functools import partial

import azure.functions as func

from shared_code.api.answers import guarded, json_answer, json_body
from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs import Json, label
from shared_code.jobs.promotion import PROMOTION_BODY, PromotionRequest

# App Service puts there who has signed in, where the app asks for that.
SIGNED_IN = "x-ms-client-principal-name"


@at_edge
async def main(req: func.HttpRequest) -> func.HttpResponse:
    """`PUT index/{env}` with `{"live"[, "force", "by"]}`: 200, or 409 for a version that is worse."""
    opened = await clients()
    from shared_code.activities.versions import put_live

    return await guarded(_answer, req, partial(put_live, opened))


async def _answer(
    req: func.HttpRequest, put: Callable[[str, PromotionRequest], Awaitable[Json]]
) -> func.HttpResponse:
    env = label(req.route_params["env"], "env")
    body = json_body(req, PROMOTION_BODY)
    return json_answer(await put(env, PromotionRequest.parse(body, signed_in=req.headers.get(SIGNED_IN))))
