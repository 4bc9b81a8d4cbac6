"""What the Durable host answers to its client, soon: workflows reach the host by their context instead."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from shared_code.errors import HostUnavailable

# Most clients wait for half a minute; the SDK would wait for the host for four.
_SECONDS = 20.0

Result = TypeVar("Result")


async def of_host(call: Awaitable[Result], *, seconds: float = _SECONDS) -> Result:
    """What the host answers to a call of its client.

    Raises:
        HostUnavailable: it does not answer soon, or answers what the SDK did not expect; what it was asked
            to do it may do all the same.
    """
    try:
        async with asyncio.timeout(seconds):
            return await call
    except Exception as error:
        # The SDK raises a bare Exception for whatever the host answers.
        raise HostUnavailable from error
