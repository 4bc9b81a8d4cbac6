"""What somebody waits for over HTTP: the index answers, or an error of the app says why not."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TypeVar

from shared_code.activities.failures import failed
from shared_code.clients.composition import Clients
from shared_code.errors import AccessDenied, AppError, IndexUnavailable, IndexUnusable, Passing

Result = TypeVar("Result")

# Many clients wait for half a minute; a search by a container's first use reads much of it.
_SECONDS = 25.0
# Services name times far away and are back sooner.
_LONGEST_PAUSE = 300.0


async def asked(clients: Clients, work: Awaitable[Result]) -> Result:
    """What the index answers.

    Raises:
        IndexUnavailable: what it needs does not answer now.
        IndexUnusable: what it needs is not set up as it has to be.
        AppError: whatever else the work raises.
    """
    try:
        async with asyncio.timeout(_SECONDS):
            return await work
    except Exception as error:
        if isinstance(error, AppError) and not isinstance(error, Passing):
            raise
        now = datetime.fromtimestamp(clients.network.clock.wall(), UTC)
        result = failed(error, {}, now=now)
        if not result.trouble or result.failure.code == AccessDenied.__name__:
            raise IndexUnusable(result.failure.code, result.failure.message) from error
        if result.trouble.service == "app":
            raise
        until = result.trouble.until
        seconds = None if until is None else min((until - now).total_seconds(), _LONGEST_PAUSE)
        raise IndexUnavailable(result.failure.message, seconds=seconds) from error
