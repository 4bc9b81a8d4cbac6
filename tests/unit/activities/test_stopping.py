"""Steps end with their job: told apart by what they have paid for, and by whether storage can say."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from shared_code.activities.failures import Stopped
from shared_code.activities.stopping import JobLife, ends_with_its_job
from shared_code.clients.identity import IdentityUnavailable
from shared_code.errors import JobCanceled
from shared_code.jobs.steps import CountDistinct
from shared_code.storage.decisions import CancelWatches


@dataclass
class World:
    """Decisions about one job, and a clock of the test's; it stands in for the clients."""

    is_over: bool = False
    failure: Exception | None = None
    looks: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        decisions: Any = self
        self.cancel_watches = CancelWatches(lambda: decisions, between_looks=0)

    async def is_canceled(self, _job_id: str) -> bool:
        self.looks += 1
        if self.failure:
            raise self.failure
        return self.is_over

    async def close(self, _job_id: str) -> str | None:
        return "ann" if await self.is_canceled("job") else None

    def life(self) -> JobLife:
        clients: Any = self
        return JobLife(clients, "job")


@pytest.fixture
def world() -> World:
    return World()


def endless(world: World, on_cancel: list[str]) -> Callable[[], Any]:
    async def work() -> str:
        world.is_over = True
        world.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            on_cancel.append("cut off")
        return "never"

    return work


def finishing(world: World, until: Awaitable[Any]) -> Callable[[], Any]:
    async def work() -> str:
        world.is_over = True
        world.begun.set()
        await until
        return "done"

    return work


async def test_step_of_a_cancelled_job_does_not_begin(world):
    world.is_over = True
    with pytest.raises(JobCanceled):
        await world.life().unless_over(endless(world, []))
    assert not world.begun.is_set()


async def test_step_is_cut_off_while_it_runs(world):
    cut: list[str] = []
    with pytest.raises(JobCanceled):
        await world.life().unless_over(endless(world, cut))
    assert cut == ["cut off"]


async def test_step_may_wait_for_what_it_has_paid(world):
    answered = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, answered.set)
    work = finishing(world, answered.wait())
    assert await world.life().unless_over(work, has_paid=lambda: not answered.is_set()) == "done"


async def test_step_that_has_paid_for_nothing_more_is_cut_off(world):
    cut: list[str] = []
    with pytest.raises(JobCanceled):
        await world.life().unless_over(endless(world, cut), has_paid=lambda: False)
    assert cut == ["cut off"]


async def test_what_is_known_costs_no_look(world):
    life = world.life()
    world.is_over = True
    for check in (life.require, life.require):
        with pytest.raises(JobCanceled):
            await check()
    with pytest.raises(JobCanceled):
        life.require_known()
    assert world.looks == 1


async def test_steps_of_one_job_share_their_looks_and_end_together(world):
    one, other = world.life(), world.life()
    waits = [asyncio.create_task(life.unless_over(asyncio.Event().wait)) for life in (one, other)]
    while world.looks < 5:
        await asyncio.sleep(0)
    world.is_over = True
    looks = world.looks
    for wait in waits:
        with pytest.raises(JobCanceled):
            await wait
    assert world.looks == looks + 1


async def test_step_that_ends_leaves_the_looks_to_another_one(world):
    ending, one, other = asyncio.Event(), world.life(), world.life()
    first = asyncio.create_task(one.unless_over(ending.wait))
    second = asyncio.create_task(other.unless_over(endless(world, [])))
    ending.set()
    assert await first
    with pytest.raises(JobCanceled):
        await second


async def test_run_of_the_same_id_is_not_over_with_an_earlier_one(world):
    earlier, world.is_over = world.life(), True
    with pytest.raises(JobCanceled):
        await earlier.require()
    world.is_over = False  # forgotten, since it is to run again
    await world.life().require()


@pytest.mark.parametrize("failure", [ServiceRequestError("nobody answers"), IdentityUnavailable()])
async def test_work_goes_on_where_storage_cannot_say(world, failure):
    world.failure = failure

    async def work() -> str:
        while world.looks < 5:
            await asyncio.sleep(0)
        return "done"

    assert await world.life().unless_over(work) == "done"


async def test_look_that_fails_is_no_cancel(world):
    world.failure = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await world.life().unless_over(endless(world, []), looks_first=False)


async def test_error_of_the_work_is_raised_as_it_is(world):
    async def work() -> None:
        raise KeyError("a")

    with pytest.raises(KeyError):
        await world.life().unless_over(work)


async def test_call_that_the_host_cancels_ends_its_work(world):
    cut: list[str] = []
    task = asyncio.create_task(world.life().unless_over(endless(world, cut), has_paid=lambda: True))
    await world.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cut == ["cut off"]


async def test_step_that_is_cut_off_has_nothing_to_count(world):
    @ends_with_its_job
    async def count(_clients: Any, _step: CountDistinct) -> None:
        """Never begins."""

    world.is_over = True
    with pytest.raises(Stopped) as stopped:
        await count(world, CountDistinct(job_id="job", runs=1))
    assert (type(stopped.value.cause), stopped.value.counts) == (JobCanceled, {})


async def test_work_that_is_done_after_a_cancel_is_not_taken_for_done(world):
    await world.life().finish()
    world.is_over = True
    with pytest.raises(JobCanceled):
        await world.life().finish()


async def test_work_is_not_done_before_storage_says_whether_there_was_a_cancel(world):
    world.failure = ServiceRequestError("nobody answers")
    with pytest.raises(ServiceRequestError):
        await world.life().finish()


async def test_work_is_done_of_an_app_that_may_not_write_down_a_cancel(world):
    world.failure = ClientAuthenticationError("This request is not authorized.")
    world.failure.status_code = HTTPStatus.FORBIDDEN
    await world.life().finish()


def test_many_jobs_of_a_process_share_twenty_looks_a_second() -> None:
    decisions: Any = World
    watches = CancelWatches(decisions, between_looks=0.5)

    held = [watches.of(f"job-{number}") for number in range(10)]
    assert held[0].seconds_to_next_look() == 0.5
    held += [watches.of(f"event-{number}") for number in range(30)]
    assert held[0].seconds_to_next_look() == 2.0
    del held[10:]
    assert held[0].seconds_to_next_look() == 0.5
