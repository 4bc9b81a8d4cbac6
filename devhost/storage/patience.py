"""Asks a storage account that is away again, for about as long as the SDKs of Azure's host do.

The waits follow the host's clock, so that a test in which days pass at once waits for no outage either.

ADR 63 has the reasons.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TypeVar

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from devhost.engine.clock import Clock

PATIENCE = timedelta(seconds=30)

_FIRST_DELAY = timedelta(seconds=0.8)
_LONGEST_DELAY = timedelta(seconds=5)
_AWAY = (ServiceRequestError, ServiceResponseError, IncompleteReadError)  # nothing, or half an answer, came
_PASSING = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)

T = TypeVar("T")


class Patience:
    """How long this host waits for storage; shared by everything that asks some."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waits: dict[asyncio.Event, datetime] = {}
        self._is_over = False
        self._begun = asyncio.Event()

    async def ask(self, operation: Callable[[], Awaitable[T]], failed: Callable[[AzureError], None]) -> T:
        """Does something that may be done again; `failed` hears of each time that the storage was away.

        Raises:
            AzureError: it was refused, or the storage was away all the time.
        """
        end = self._clock.now() + PATIENCE
        delay = _FIRST_DELAY
        while True:
            try:
                return await operation()
            except AzureError as error:
                now = self._clock.now()
                if not is_away(error) or now >= end or self._is_over:
                    raise
                failed(error)
                await self._wait_until(min(now + delay, end))
                delay = min(2 * delay, _LONGEST_DELAY)

    def end(self) -> None:
        """Waits no more: what is being asked fails if it fails once more."""
        self._is_over = True
        for wake in self._waits:
            wake.set()

    async def next_wait(self) -> datetime:
        """When the first of those that wait for storage asks again; comes when somebody waits."""
        while not self._waits:
            self._begun.clear()
            await self._begun.wait()
        return min(self._waits.values())

    async def _wait_until(self, when: datetime) -> None:
        wake = asyncio.Event()
        self._waits[wake] = when
        self._begun.set()
        try:
            while self._clock.now() < when and not self._is_over:
                wake.clear()
                await self._clock.wait_until(when, wake)
        finally:
            del self._waits[wake]


def is_away(error: AzureError) -> bool:
    """Whether the storage did not answer, or not now; a refusal would be one again."""
    return isinstance(error, _AWAY) or (
        isinstance(error, HttpResponseError) and error.status_code in _PASSING
    )
