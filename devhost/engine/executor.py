"""What the engine asks of the host that embeds it: run the app's functions by name."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol, TypeVar

from devhost.engine.errors import FunctionFailed, describe_error

logger = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")


def nothing() -> None:
    """What to call where nobody waits for the call."""


async def answer_of(call: Awaitable[_Answer]) -> _Answer:
    """What a call of the app comes to; nothing else that it raises reaches the engine's loops.

    Raises:
        FunctionFailed: it raised, or ended with what is not an `Exception`.
    """
    try:
        return await call
    except FunctionFailed:
        raise
    except BaseException as error:
        if is_cancelled(error):
            raise
        logger.exception("A call of the app failed")
        raise FunctionFailed(describe_error(error)) from error


def is_cancelled(error: BaseException) -> bool:
    """Whether an error ends the running task because someone has cancelled it, and not the app's code."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


class FunctionExecutor(Protocol):
    """Runs an app's durable functions and their HTTP calls; a method may run for as long as those do."""

    @property
    def orchestrators(self) -> Collection[str]:
        """Names of the orchestrator functions."""

    @property
    def activities(self) -> Collection[str]:
        """Names of the activity functions."""

    @property
    def entities(self) -> Collection[str]:
        """Names of the entity functions."""

    async def run_orchestrator(self, name: str, instance_id: str, context: str) -> str:
        """Returns the orchestrator's state as JSON text.

        Raises:
            FunctionFailed: the function raised; `error` is the text of the exception alone.
        """

    async def run_activity(
        self, name: str, instance_id: str, input_text: str | None, has_read: Callable[[], None] = nothing
    ) -> str | None:
        """Returns the activity's result as JSON text.

        `has_read` is called, from whatever thread, when the function has its input and begins.

        Raises:
            FunctionFailed: the function raised; `error` reads `ValueError: boom`.
        """

    async def call_http(self, request: str) -> str:
        """Sends the request of a `call_http`; request and answer are JSON texts.

        Raises:
            FunctionFailed: there was no answer.
        """

    async def run_entity(self, name: str, instance_id: str, context: str) -> str:
        """Returns the entity's state and results as JSON text.

        Raises:
            FunctionFailed: the function raised outside of an operation.
        """
