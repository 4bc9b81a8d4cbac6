"""The threads that the app's functions run on.

None of them keeps the process alive: a stuck function of the app must not keep the host from ending.
"""

import asyncio
import contextlib
import contextvars
import functools
import logging
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")
_Call: TypeAlias = "tuple[asyncio.Future[Any], Callable[[], Any]]"


class DaemonThreadPool:
    """Runs calls on up to `size` daemon threads, each in the context variables of its caller."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0  # threads that no queued call has been promised
        self._running: set[asyncio.Future[Any]] = set()
        self._abandoned: set[asyncio.Future[Any]] = set()
        self._lock = threading.Lock()

    def submit(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Queues a call, which never begins if it is cancelled first; its outcome may be an exit, too."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._calls.put((future, functools.partial(contextvars.copy_context().run, function)))
        with self._lock:
            if self._idle:
                self._idle -= 1
            elif len(self._threads) < self._size:
                self._start_thread()
        return future

    def abandon(self, future: asyncio.Future[Any]) -> bool:
        """Gives up a call: one that waits never runs, one that runs no longer takes a place in the pool.

        Returns:
            Whether the call runs, and will go on to its end.
        """
        future.cancel()
        with self._lock:
            if future not in self._running:
                return False
            self._abandoned.add(future)
            self._size += 1
            self._start_thread()
        return True

    def shutdown(self) -> None:
        """Ends idle threads; a busy one ends with its call, or with the process."""
        for _ in self._threads:
            self._calls.put(None)

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"function-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function = call
            if self._begins(future):
                _tell(future, *_outcome(function))
            if not self._takes_another(future):
                return

    def _begins(self, future: asyncio.Future[Any]) -> bool:
        with self._lock:
            if not future.cancelled():
                self._running.add(future)
            return future in self._running

    def _takes_another(self, ended: asyncio.Future[Any]) -> bool:
        """Counts the thread as idle, or strikes it off the list if its call was abandoned."""
        with self._lock:
            self._running.discard(ended)
            if ended not in self._abandoned:
                self._idle += 1
                return True
            self._abandoned.discard(ended)
            self._size -= 1
            self._threads.remove(threading.current_thread())
            return False


def _outcome(function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return function(), None
    except BaseException as error:  # noqa: BLE001 - the future's owner decides what an exit means
        return None, error


def _tell(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    """Hands an outcome to the loop that waits for it, if it still does."""

    def tell() -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    with contextlib.suppress(RuntimeError):  # the loop is closed
        future.get_loop().call_soon_threadsafe(tell)


class LoopThread:
    """An event loop on a daemon thread of its own; `at_stop` runs on it when all else has ended."""

    def __init__(self, at_stop: Callable[[], Awaitable[None]]) -> None:
        self._loop = asyncio.new_event_loop()
        self._at_stop = at_stop
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="functions-loop", daemon=True)

    def start(self) -> None:
        """Starts the loop."""
        self._thread.start()

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the loop, in the caller's context variables, and waits for it."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    async def stop(self, *, grace: float) -> None:
        """Cancels what runs on the loop and waits up to `grace` seconds for it to end."""
        if not self._thread.is_alive():
            self._loop.close()
            return
        self._loop.call_soon_threadsafe(self._stopped.set)
        await asyncio.to_thread(self._thread.join, grace)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            until_stopped = runner.get_loop().create_task(self._until_stopped())
            while not until_stopped.done():
                self._run_on(until_stopped)

    def _run_on(self, until_stopped: asyncio.Task[None]) -> None:
        """Runs the loop; an exit in a task or callback that the app has left to itself breaks out of it."""
        try:
            self._loop.run_until_complete(until_stopped)
        except BaseException:
            if until_stopped.done():
                raise
            logger.exception(
                "A task of the app has stopped the loop of asynchronous functions, which goes on."
            )

    async def _until_stopped(self) -> None:
        await self._stopped.wait()
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._at_stop()
