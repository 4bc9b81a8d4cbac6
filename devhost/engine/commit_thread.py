"""The thread that owns a database connection, and commits what it is asked for before anyone hears of it.

What is asked while it commits joins the next commit, so that many small changes share the price of reaching
the disk. It knows nothing of what the changes are. What can wait is done while nothing is asked, a little at
a time.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import groupby
from typing import Any, Final, TypeVar

logger = logging.getLogger(__name__)

_BATCH: Final = 256  # changes in one commit: bounds how long the first of them waits
_REST: Final = 0.05  # seconds in which nothing is asked, before what can wait is done
_Result = TypeVar("_Result")
_Operation = tuple[Callable[[], Any], "asyncio.Future[Any]"]
_Outcome = tuple["asyncio.Future[Any]", Any, Exception | None]


class CommitThread:
    """Runs operations on a connection, each whole or not at all; safe to call from any event loop."""

    def __init__(
        self, connection: sqlite3.Connection, *, at_rest: Callable[[], bool] = lambda: False
    ) -> None:
        """Takes over a connection; `at_rest` does a little of what can wait, and tells if more is left."""
        self._connection = connection
        self._at_rest = at_rest
        self._is_tidy = False
        self._operations: queue.SimpleQueue[_Operation | None] = queue.SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="devhost-store", daemon=True)
        self._thread.start()

    async def run(self, operation: Callable[[], _Result]) -> _Result:
        """Runs an operation on the thread and returns its result when it is on the disk."""
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._operations.put((operation, future))
        return await future

    def close(self) -> None:
        """Finishes what was asked before and closes the connection."""
        self._operations.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while not self._closing:
            _tell_loops(self._commit(self._next_batch()))
            self._is_tidy = False
        self._connection.close()

    def _next_batch(self) -> list[_Operation]:
        """Waits for an operation and takes what has queued up after it; empty when it is to close."""
        batch: list[_Operation] = []
        while len(batch) < _BATCH and not (batch and self._operations.empty()):
            operation = self._next()
            if operation is None:
                self._closing = True
                break
            batch.append(operation)
        return batch

    def _next(self) -> _Operation | None:
        """Waits for an operation, and does meanwhile what can wait; `None` when it is to close."""
        while not self._is_tidy:
            try:
                return self._operations.get(timeout=_REST)
            except queue.Empty:
                self._tidy_up()
        return self._operations.get()

    def _tidy_up(self) -> None:
        try:
            self._is_tidy = not self._at_rest()
        except sqlite3.Error as error:  # such as a full disk
            logger.warning("The state file is not tidied up: %s", error)
            self._is_tidy = True

    def _commit(self, batch: list[_Operation]) -> list[_Outcome]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._attempt(operation, future) for operation, future in batch]
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return [(future, None, error) for _, future in batch]
        return outcomes

    def _attempt(self, operation: Callable[[], Any], future: asyncio.Future[Any]) -> _Outcome:
        """Runs one operation; what a failed one has changed is undone without touching the others."""
        self._connection.execute("SAVEPOINT operation")
        try:
            return future, operation(), None
        except Exception as error:  # noqa: BLE001 - it is raised again where the operation was asked for
            self._connection.execute("ROLLBACK TO operation")
            return future, None, error
        finally:
            self._connection.execute("RELEASE operation")


def _tell_loops(outcomes: Iterable[_Outcome]) -> None:
    """Wakes each loop once for all that its tasks wait for."""
    for loop, of_loop in groupby(outcomes, lambda outcome: outcome[0].get_loop()):
        with suppress(RuntimeError):  # it is closed: nobody waits any more
            loop.call_soon_threadsafe(_tell, list(of_loop))


def _tell(outcomes: Iterable[_Outcome]) -> None:
    for future, result, failure in outcomes:
        if future.done():  # who waited has been cancelled
            continue
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)
