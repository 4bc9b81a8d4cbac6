"""The edge between the functions and their host: what leaves a function is something the host can take.

On Azure a call never ends whose exception is not an `Exception`, such as a panic of a Rust library, or whose
text holds half a surrogate pair: the worker cannot pass either on. A text without end would be kept in each
history that hears of it. Each folder's `main` is wrapped in this.
"""

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from shared_code.telemetry import can_be_written, log_event

# Characters of a text that are passed on.
_LONGEST = 8_000

Main = TypeVar("Main", bound=Callable[..., Any])


class FunctionFailed(Exception):
    """A function raised what its host cannot take; the text is what of it can be passed on."""


def at_edge(main: Main) -> Main:
    """The function, which raises ordinary exceptions alone; its signature stays as the host reads it."""
    if inspect.iscoroutinefunction(main):

        @wraps(main)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            with _ordinary_errors(can_be_closed=True):
                return await main(*args, **kwargs)
    else:

        @wraps(main)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            with _ordinary_errors(can_be_closed=False):
                return main(*args, **kwargs)

    return guarded  # type: ignore[return-value] # wraps keeps the signature, which mypy cannot see


@contextmanager
def _ordinary_errors(*, can_be_closed: bool) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if (can_be_closed and isinstance(error, GeneratorExit)) or can_leave(error):
            raise
        raise _ordinary(error) from None


def can_leave(error: BaseException) -> bool:
    """Whether the host can take an exception, or itself ended the call by it."""
    if isinstance(error, asyncio.CancelledError):
        return ends_call(error)
    return isinstance(error, Exception) and has_text(error) and can_be_written(error)


def ends_call(error: BaseException) -> bool:
    """Whether the host ends the present call by an exception, so that it needs no answer."""
    if isinstance(error, asyncio.CancelledError):
        return is_cancelled()
    return isinstance(error, GeneratorExit)


def is_cancelled() -> bool:
    """Whether the host wants the present call to end; a library may raise CancelledError all by itself."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is None or task.cancelling() > 0


def has_text(error: BaseException) -> bool:
    """Whether the class of an exception makes a text of it without raising something itself."""
    try:
        str(error)
    except BaseException:  # noqa: BLE001 - a foreign class may raise anything
        return False
    return True


def _ordinary(error: BaseException) -> FunctionFailed:
    said = str(error) if has_text(error) else "it has no text"
    text = f"{type(error).__name__}: {said}"[:_LONGEST].encode("utf-8", "backslashreplace").decode()
    log_event("function.panicked", level=logging.ERROR, error=type(error).__name__)
    return FunctionFailed(text)
