"""Jobs that meet half a minute of an outage, of any service, in any way; `make soak` tries all pairs."""

import json
from collections.abc import AsyncIterator

import pytest
from azure.storage.queue import QueueClient

from tests.support.corpus import SELF_CERTIFIED
from tests.support.outage_world import OutageWorld, outage_world
from tests.support.outages import FAULTS, Outage
from tests.support.service_proxy import Call, Reply

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


class PoisonQueueAway(Outage):
    """Begins when a message is about to be put on the poison queue."""

    def __call__(self, call: Call) -> Reply:
        return super().__call__(call) if self.met or "-poison" in call.target else call.pass_on()


@pytest.mark.parametrize("fault", ["refused", "503"])
async def test_event_that_gives_up_while_the_poison_queue_is_away_is_there_when_it_is_back(
    world, storage, embeddings_server, fault
):
    embeddings_server.configure({"kind": "nan", "times": 2})
    away = PoisonQueueAway(world.proxies["queues"], world.time, FAULTS[fault], seconds=600)
    away.proxy.rule = away
    try:
        events, status = await world.run_event()
    finally:
        away.end()
        away.proxy.rule = Call.pass_on
    poison = QueueClient.from_connection_string(storage.connection_string, "live-events-poison")
    with poison:
        left = [json.loads(message.content)["trackingId"] for message in poison.receive_messages()]

    assert (status["status"], status["error"]["code"]) == ("Failed", "EmbeddingInvalid")
    assert away.met > 0
    assert events.named("one")["trackingId"] in left
