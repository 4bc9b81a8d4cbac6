"""The versions of an environment's index, read and promoted for who asks over HTTP."""

import asyncio

from shared_code.activities.asking import asked
from shared_code.activities.evaluate import utc_text
from shared_code.clients.composition import Clients
from shared_code.jobs import Json
from shared_code.jobs.promotion import PromotionRequest
from shared_code.search.promotion import promote
from shared_code.search.versions import IndexState, described
from shared_code.telemetry import log_event


async def read_versions(clients: Clients, env: str) -> Json:
    """The versions of an environment, and which one is live.

    Raises:
        IndexUnavailable: Cosmos DB does not answer now.
        Permanent: a setting or a role is wrong.
    """
    return await asked(clients, _described(clients, env))


async def put_live(clients: Clients, env: str, request: PromotionRequest) -> Json:
    """Makes a version the live one, and tells of all versions then.

    Raises:
        VersionNotFound, QualityFell, NotEvaluated: it cannot go live.
        IndexUnavailable: Cosmos DB does not answer now.
        Permanent: a setting or a role is wrong.
    """
    state = await asked(clients, promote(clients.versions, env, request, at=utc_text(clients)))
    log_event("version.live", env=env, version=state.live, by=request.by, forced=request.force)
    return await asked(clients, _described(clients, env))


async def _described(clients: Clients, env: str) -> Json:
    contents, kept = await asyncio.gather(clients.versions.contents(env), clients.versions.state(env))
    return described(env, IndexState.from_json(kept.value), contents)
