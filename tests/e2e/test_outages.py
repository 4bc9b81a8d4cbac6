"""Jobs that meet half a minute of an outage, of any service, in any way; `make soak` tries all pairs."""

from collections.abc import AsyncIterator

import pytest

from tests.support.corpus import SELF_CERTIFIED
from tests.support.outage_world import OutageWorld, outage_world

pytestmark = SELF_CERTIFIED


@pytest.fixture(scope="module")
async def world(stack_settings, storage, cosmos_emulator, embeddings_process) -> AsyncIterator[OutageWorld]:
    async with outage_world(stack_settings, storage, cosmos_emulator, embeddings_process) as made:
        yield made


@pytest.mark.parametrize(
    ("job", "service", "fault"),
    [
        ("audit", "table", "503"),
        ("audit", "table", "closes"),
        ("audit", "blobs", "refused"),
        ("audit", "blobs", "executes"),
        ("file", "blobs", "hangs"),
        ("file", "cosmos", "429-86400"),
        ("file", "cosmos", "executes"),
        ("file", "cosmos", "closes"),
        ("file", "embeddings", "429-1"),
        ("file", "embeddings", "refused"),
        ("event", "queues", "503"),
        ("event", "events", "429-61"),
        ("event", "cosmos", "closes"),
        ("event", "embeddings", "429-86400"),
    ],
)
async def test_job_outlasts_half_a_minute_of_an_outage_and_is_right(world, job, service, fault):
    meeting = await world.meet(job, service, fault, 30, seed=1)

    assert meeting.has_completed, meeting
    assert meeting.met > 0


@pytest.mark.parametrize("job", ["file", "event"])
async def test_tokens_of_requests_that_were_cut_off_are_counted_by_their_estimate(world, job):
    meeting = await world.meet(job, "embeddings", "refused", 30, seed=2)

    assert meeting.has_completed, meeting
    assert meeting.counted >= meeting.charged > 0


@pytest.mark.parametrize("fault", ["503", "429-61"])
@pytest.mark.parametrize("job", ["file", "event"])
async def test_tokens_of_a_job_whose_embeddings_fail_unanswered_are_counted_once(world, job, fault):
    meeting = await world.meet(job, "embeddings", fault, 30, seed=2)

    assert meeting.has_completed, meeting
    assert meeting.charged == meeting.counted > 0
