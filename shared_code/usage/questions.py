"""What a question costs, added to the usage of its environment while somebody waits for the answer.

A question is not an orchestration and has no meter: the usage entity adds each reading that it gets. One that
is sent again, since the host did not answer, may count twice: a few tokens, which is better than none.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from azure.durable_functions import EntityId

from shared_code.errors import HostUnavailable
from shared_code.jobs import Account, DurableClient, month_of
from shared_code.jobs.host import of_host
from shared_code.telemetry import log_event
from shared_code.usage.metering import ADD, USAGE_ENTITY, entity_key
from shared_code.usage.report import utc_now

_TRIES, _PAUSE, _ANSWER = 3, 0.3, 5.0


class QuestionSpending:
    """Pays for one question."""

    def __init__(
        self,
        host: DurableClient,
        account: Account,
        *,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Sends nothing yet."""
        self._host = host
        self._account = account
        self._clock = clock
        self._sleep = sleep
        self._reports: list[asyncio.Task[None]] = []
        self._under_way = 0
        self._is_settled = False

    async def sending(self, most: int) -> None:
        """Notes what is under way: if the search is given up meanwhile, nobody hears what it was charged."""
        self._under_way += most

    async def charged(self, most: int, *, tokens: int, requests: int, estimated: int) -> None:
        """Begins to add what was charged; the search goes on meanwhile."""
        if self._is_settled:
            return  # the estimate stands
        self._under_way -= most
        self._add(tokens=tokens, requests=requests, estimated=estimated)

    def _add(self, *, tokens: int, requests: int, estimated: int) -> None:
        total = tokens + estimated
        if total or requests:
            reading = {"tokens": total, "requests": requests, "estimated": estimated}
            reading["cost"] = total * self._account.price
            self._reports.append(asyncio.create_task(self._report(reading)))

    async def settled(self) -> None:
        """Waits until the host has taken what was charged; what was not answered counts by its estimate."""
        self._is_settled = True
        self._add(tokens=0, requests=0, estimated=self._under_way)
        await asyncio.gather(*self._reports)

    async def _report(self, reading: dict[str, int]) -> None:
        entity = EntityId(USAGE_ENTITY, entity_key(self._account.env, month_of(self._clock())))
        for left in reversed(range(_TRIES)):
            try:
                return await of_host(self._host.signal_entity(entity, ADD, reading), seconds=_ANSWER)
            except HostUnavailable as error:
                if not left:
                    name, tokens = type(error.__cause__).__name__, reading["tokens"]
                    log_event("question.uncounted", level=logging.ERROR, error=name, tokens=tokens)
            await self._sleep(_PAUSE)
        return None
