"""What an activity answers: the step's result, or the failure that stopped it, always as a value.

Nothing but the end of the process gets past this: the Durable engine makes an opaque text of an exception,
and on Azure a call never ends whose exception is not an `Exception`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import monotonic
from typing import ClassVar, Protocol, Self, TypeVar

from shared_code.activities.failures import STEP_FAILED, failed
from shared_code.clients.composition import Clients
from shared_code.edge import is_cancelled
from shared_code.jobs import Counts, Json
from shared_code.telemetry import log_event, log_scope, name_of


class StepInput(Protocol):
    """The input of an activity."""

    NAME: ClassVar[str]
    FAILED: ClassVar[Counts]

    @property
    def KIND(self) -> str:  # noqa: N802 - most steps have it as a constant
        """The kind of the job."""

    @property
    def job_id(self) -> str:
        """The job that it belongs to."""

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads the activity's input."""


class StepResult(Protocol):
    """What a step has to say when it is done."""

    def to_json(self) -> Json:
        """JSON values only."""


Input = TypeVar("Input", bound=StepInput)


async def answer(
    clients: Clients,
    step: type[Input],
    payload: Json,
    work: Callable[[Clients, Input], Awaitable[StepResult]],
) -> Json:
    """Runs a step: `{"ok": true, ...}`, or `{"ok": false, "error"[, "trouble", "counts"]}`.

    Args:
        clients: what the activities of the process share.
        step: the class of the activity's input.
        payload: that input; the job's id, its kind and the step are in every line that is logged meanwhile.
        work: does the step, and may do it again: each try finds what one before it has done.
    """
    counts: Counts = {}
    try:
        given = step.from_json(payload)
        counts = given.FAILED
        with log_scope(jobId=given.job_id, kind=given.KIND, step=given.NAME):
            return await _value(clients, work(clients, given), counts)
    except Exception as error:  # noqa: BLE001 - an input that cannot be read is a fault of the app
        return _failed(clients, error, counts)


async def _value(clients: Clients, work: Awaitable[StepResult], counts: Counts) -> Json:
    try:
        return {"ok": True, **(await work).to_json()}
    except BaseException as error:  # a library that panics raises what is not an Exception
        if isinstance(error, asyncio.CancelledError) and is_cancelled():
            raise
        return _failed(clients, error, counts)


def milliseconds_since(began: float) -> int:
    """How long ago a reading of the monotonic clock was."""
    return round(1_000 * (monotonic() - began))


def _failed(clients: Clients, error: BaseException, counts: Counts) -> Json:
    now = datetime.fromtimestamp(clients.network.clock.wall(), UTC)
    result = failed(error, counts, now=now)
    failure = result.failure
    cause = error if failure == STEP_FAILED else None
    log_event(
        "step.failed",
        level=logging.WARNING,
        cause=cause,
        waitsFor=result.trouble.service if result.trouble else None,
        error=name_of(error) if cause else failure.code,
        message=failure.message,
    )
    return result.to_json()
