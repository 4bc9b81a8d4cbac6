"""Steps that the host begins once more while they run, as where its hold on a message was lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest

from devhost.worker.worker import Worker
from tests.support.corpus import SELF_CERTIFIED
from tests.support.outage_world import JOBS, OutageWorld, outage_world

pytestmark = SELF_CERTIFIED


@pytest.fixture(scope="module")
async def world(stack_settings, storage, cosmos_emulator, embeddings_process) -> AsyncIterator[OutageWorld]:
    async with outage_world(stack_settings, storage, cosmos_emulator, embeddings_process) as made:
        yield made


def begun_twice(chance: Random) -> Callable[..., Any]:
    """Runs an activity, and once more some moments later; of the two answers the host takes either."""
    run_once = Worker.run_activity

    async def run_activity(worker: Worker, *call: Any) -> str | None:
        first = asyncio.ensure_future(run_once(worker, *call))
        await asyncio.sleep(chance.choice([0, 0.005, 0.02, 0.05]))
        second = asyncio.ensure_future(run_once(worker, *call))
        await asyncio.wait([first, second])
        return chance.choice([first, second]).result()

    return run_activity


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("job", JOBS)
async def test_job_is_right_and_all_that_it_paid_is_counted(world, monkeypatch, job, seed):
    chance = Random(f"{job} {seed}")  # noqa: S311 - repeatable
    monkeypatch.setattr(Worker, "run_activity", begun_twice(chance))
    meeting = await world.run(job)

    assert meeting.has_completed, meeting
    assert meeting.counted - meeting.estimated <= meeting.charged <= meeting.counted
