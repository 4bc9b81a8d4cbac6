"""Blobs that a request needs: its client gets an answer soon, or an error that says what to do."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from azure.core.exceptions import AzureError, HttpResponseError

from shared_code.errors import AccessDenied, Passing, Unavailable
from shared_code.http_pool import DENIED

# The SDK's own tries would last longer than a client waits for an answer.
_SECONDS = 15

Result = TypeVar("Result")


async def soon(answer: Awaitable[Result], unavailable: type[Unavailable]) -> Result:
    """What storage answers within the time of a request.

    Args:
        answer: of the storage account.
        unavailable: the error to raise where it does not come.

    Raises:
        Unavailable: storage does not answer; the class is the one that was asked for.
        AccessDenied: it refuses the app.
    """
    try:
        async with asyncio.timeout(_SECONDS):
            return await answer
    except HttpResponseError as error:
        if error.status_code in DENIED:
            raise AccessDenied("Storage refused access to what jobs keep: check the app's role.") from error
        raise unavailable from error
    except (AzureError, Passing, TimeoutError) as error:  # what passes of the app is that there is no token
        raise unavailable from error
