"""Makes a version of an environment's index the live one, unless it is worse."""

import azure.functions as func

from shared_code.api.answers import guarded, json_answer, json_body
from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs import label
from shared_code.jobs.promotion import PROMOTION_BODY, PromotionRequest

# App Service puts there who has signed in, where the app asks for that.
SIGNED_IN = "x-ms-client-principal-name"


@at_edge
async def main(req: func.HttpRequest) -> func.HttpResponse:
    """`PUT index/{env}` with `{"live"[, "force", "by"]}`: 200, or 409 for a version that is worse."""
    return await guarded(_answer, req, None)


async def _answer(req: func.HttpRequest, _: None) -> func.HttpResponse:
    env = label(req.route_params["env"], "env")
    wanted = PromotionRequest.parse(json_body(req, PROMOTION_BODY), signed_in=req.headers.get(SIGNED_IN))
    opened = await clients()
    from shared_code.activities.versions import put_live

    return json_answer(await put_live(opened, env, wanted))
