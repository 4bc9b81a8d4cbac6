"""A step ends with its job: what a client cancels stops at its next request, in whatever process it runs.

Before a step begins, before each request that costs money, and twice a second meanwhile (less often where a
process works for many jobs) it is looked up whether the job was cancelled; the steps of one job in a process
share those looks. A step that has requests under way may wait for their answers, count them, and write what
can be written at once; any other is cut off.
ADR 42 has the reasons, and ADR 69 what happens to a cancel that comes at the end.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from shared_code.activities.failures import Stopped
from shared_code.activities.results import StepInput
from shared_code.api.job_instances import require_running
from shared_code.clients.composition import Clients
from shared_code.errors import JobCanceled
from shared_code.jobs import DurableClient
from shared_code.jobs.steps import CheckJob, Done

# Requests that are under way have been paid for: so long they are waited for, and counted by their estimate
# after that. What they bring is written as far as that is done soon; the rest another job pays for again.
_SECONDS_FOR_ANSWERS = 5.0
_SECONDS_TO_WRITE = 0.3
_TICK = 0.05

Step = TypeVar("Step", bound=StepInput)
Result = TypeVar("Result")
More = ParamSpec("More")


class JobLife:
    """Whether one job still wants its work done."""

    def __init__(self, clients: Clients, job_id: str) -> None:
        self._watch = clients.cancel_watches.of(job_id)

    async def require(self) -> None:
        """Looks it up; where storage cannot say, the job is taken to go on.

        Raises:
            JobCanceled: nothing more is to be done.
        """
        await self._watch.look()
        self.require_known()

    async def finish(self) -> None:
        """Says that all of the job's work is done, so that a cancel comes too late from now on.

        Raises:
            JobCanceled: one came before.
            AzureError: storage cannot say whether one did, nor can the job end before it can.
            TimeoutError: likewise.
        """
        await self._watch.close()
        self.require_known()

    def require_known(self) -> None:
        """Checks what is known already, which costs nothing.

        Raises:
            JobCanceled: nothing more is to be done.
        """
        if self._watch.is_over:
            raise JobCanceled

    async def unless_over(
        self,
        work: Callable[[], Coroutine[Any, Any, Result]],
        *,
        has_paid: Callable[[], bool] | None = None,
        looks_first: bool = True,
    ) -> Result:
        """Does a piece of work, which is cut off when its job is cancelled.

        Args:
            work: what to do.
            has_paid: of work that costs money, whether requests are under way: it may bring them to an end.
            looks_first: not for short work that looks itself before it pays, of which there is a lot.

        Raises:
            JobCanceled: the job was cancelled.
        """
        if looks_first:
            await self.require()
        working, watching = asyncio.create_task(work()), asyncio.create_task(self._watch.wait())
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
            if has_paid:
                await _let_finish(working, has_paid)
            if working.done():
                return working.result()
            watching.result()  # no cancel if it has failed
        finally:
            await _end(watching)
            await _end(working)
        raise JobCanceled


def ends_with_its_job(
    step_function: Callable[Concatenate[Clients, Step, More], Coroutine[Any, Any, Result]],
) -> Callable[Concatenate[Clients, Step, More], Coroutine[Any, Any, Result]]:
    """Cuts a step off when its job is cancelled; it may have nothing to count then."""

    @wraps(step_function)
    async def ended(clients: Clients, step: Step, /, *args: More.args, **kwargs: More.kwargs) -> Result:
        return await unless_canceled(clients, step, partial(step_function, clients, step, *args, **kwargs))

    return ended


async def unless_canceled(
    clients: Clients,
    step: StepInput,
    work: Callable[[], Coroutine[Any, Any, Result]],
    *,
    looks_first: bool = True,
) -> Result:
    """Does the work of a step that has nothing to count, unless its job is cancelled.

    Raises:
        Stopped: it was.
    """
    try:
        return await JobLife(clients, step.job_id).unless_over(work, looks_first=looks_first)
    except JobCanceled as error:
        raise Stopped(error, {}) from error


async def _let_finish(working: "asyncio.Task[Any]", has_paid: Callable[[], bool]) -> None:
    """Waits for answers that are under way, and then a moment for what is made of them."""
    for _ in range(int(_SECONDS_FOR_ANSWERS / _TICK)):
        if working.done() or not has_paid():
            break
        await asyncio.wait({working}, timeout=_TICK)
    await asyncio.wait({working}, timeout=_SECONDS_TO_WRITE)


async def _end(task: "asyncio.Task[Any]") -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait({task})


@ends_with_its_job
async def check_job(_clients: Clients, step: CheckJob, *, host: DurableClient) -> Done:
    """Whether a job is to go on: neither cancelled nor ended by an operator."""
    await require_running(host, step.job_id)
    return Done()
