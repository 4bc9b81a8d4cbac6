"""Where calls run: synchronous functions on a pool of threads, asynchronous ones on one event loop."""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from devhost.errors import FunctionTimedOut
from devhost.worker.call import Call, FunctionExited, Outcome
from devhost.worker.threads import DaemonThreadPool, LoopThread

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SDK_HTTP = "azure.durable_functions.models.utils.http_utils"


class CallRunner:
    """Runs calls, each for at most `timeout`.

    The loop has a thread of its own, so that code which blocks it stalls neither HTTP nor timers.
    """

    def __init__(self, *, threads: int, timeout: timedelta | None) -> None:
        self._pool = DaemonThreadPool(threads)
        self._loop = LoopThread(at_stop=_close_client_session)
        self._timeout = timeout

    def start(self) -> None:
        """Starts the loop; threads start when they are needed."""
        self._loop.start()

    async def stop(self, *, grace: float) -> None:
        """Cancels asynchronous functions and waits up to `grace` seconds; busy threads are left alone."""
        await self._loop.stop(grace=grace)
        self._pool.shutdown()

    async def on_loop(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the loop of asynchronous functions."""
        return await self._loop.run(coroutine)

    async def run(self, call: Call) -> Outcome:
        """Runs a call.

        Raises:
            FunctionTimedOut: it took longer than the timeout; a thread cannot be ended and goes on.
        """
        limit = asyncio.timeout(None if self._timeout is None else self._timeout.total_seconds())
        try:
            async with limit:
                return await (self._run_on_loop(call) if call.code.is_async else self._run_on_thread(call))
        except TimeoutError as error:
            if self._timeout is None or not limit.expired():
                raise  # the function's own
            raise FunctionTimedOut(call.code.function.name, self._timeout) from error

    async def _run_on_thread(self, call: Call) -> Outcome:
        future = self._pool.submit(call.run)
        try:
            return await future
        except asyncio.CancelledError:
            if self._pool.abandon(future):
                logger.warning(
                    "The thread of this call cannot be ended: it goes on, and a new one takes its place"
                )
            raise

    async def _run_on_loop(self, call: Call) -> Outcome:
        try:
            return await self._loop.run(call.run_async())
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # The function's own task was cancelled, which must not pass for a cancellation of ours.
            raise FunctionExited(error) from error


async def _close_client_session() -> None:
    """Closes the session that the SDK keeps for the life of a process, if it belongs to this loop.

    A loop that was stuck may end after the next host has started, and must not close that one's session.
    """
    session = getattr(sys.modules.get(_SDK_HTTP), "_client_session", None)
    if session is not None and session._loop is asyncio.get_running_loop():  # noqa: SLF001 - no public way
        await session.close()
