"""Calls a function for its trigger, and again where it fails and its function.json has a `retry`."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TypeAlias

from azure.functions.meta import Datum

from devhost.app.functions import Function
from devhost.app.retry_policy import FOR_EVER
from devhost.engine.errors import FunctionFailed
from devhost.worker.invocation import FailedAttempt, RetryContext
from devhost.worker.worker import Worker

logger = logging.getLogger(__name__)

# Waits, and tells whether the wait is over: it is not where the host stops first.
Wait: TypeAlias = Callable[[timedelta], Awaitable[bool]]


class RetriedFunction:
    """One function that a queue, a blob or the clock starts."""

    def __init__(self, worker: Worker, function: Function) -> None:
        self.name = function.name
        self._worker = worker
        self._policy = function.retry

    async def run(self, value: Datum, metadata: Mapping[str, Datum], wait: Wait) -> None:
        """Calls the function until it succeeds or may not be tried again.

        Raises:
            FunctionFailed: it failed at the last attempt, or the host stops before the next one.
        """
        retry = 0
        failed: FailedAttempt | None = None
        while True:
            attempt = RetryContext(retry, self._policy.max_retry_count if self._policy else 0, failed)
            try:
                await self._worker.invoke(self.name, value, metadata=metadata, retry=attempt)
            except FunctionFailed as failure:
                retry += 1
                if not await self._may_retry(retry, wait):
                    raise
                failed = FailedAttempt(self.name, failure.stack, failure.error)
            else:
                return

    async def _may_retry(self, retry: int, wait: Wait) -> bool:
        if self._policy is None:
            return False
        if not self._policy.allows(retry):
            logger.error("'%s' is given up after %d attempts.", self.name, retry)
            return False
        delay = self._policy.delay_before(retry)
        of_all = "" if self._policy.max_retry_count == FOR_EVER else f" of {self._policy.max_retry_count}"
        logger.info(
            "'%s' is tried again in %g s: retry %d%s.", self.name, delay.total_seconds(), retry, of_all
        )
        return await wait(delay)


async def no_retry(_delay: timedelta) -> bool:
    """A wait that is never over."""
    return False
