"""Jobs that meet half a minute of an outage, of any service, in any way; `make soak` tries all pairs."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from azure.storage.queue import QueueClient

from tests.support.corpus import OUTAGES_DATABASE, SELF_CERTIFIED, empty_corpus
from tests.support.outage_world import TEXT, OutageWorld, outage_world
from tests.support.outages import FAULTS, Outage
from tests.support.service_proxy import Call, Reply, Rule

pytestmark = SELF_CERTIFIED


@pytest.fixture(scope="module")
async def world(stack_settings, storage, cosmos_emulator, embeddings_process) -> AsyncIterator[OutageWorld]:
    async with outage_world(stack_settings, storage, cosmos_emulator, embeddings_process) as made:
        yield made


@pytest.mark.parametrize(
    ("job", "service", "fault"),
    [
        ("audit", "table", "503"),
        ("audit", "blobs", "executes"),
        ("file", "blobs", "hangs"),
        ("file", "cosmos", "429-86400"),
        ("file", "cosmos", "executes"),
        ("file", "embeddings", "429-1"),
        ("event", "queues", "503"),
        ("event", "events", "429-61"),
        ("file", "blobs", "cut"),
        ("file", "cosmos", "page"),
        ("event", "events", "page-404"),
        ("event", "blobs", "503"),
        ("evaluation", "cosmos", "executes"),
        ("audit", "table", "401"),
        ("file", "cosmos", "401"),
        ("file", "embeddings", "401"),
        ("event", "events", "401"),
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


@pytest.mark.parametrize(("job", "fault"), [("file", "503"), ("event", "429-61")])
async def test_tokens_of_a_job_whose_embeddings_fail_unanswered_are_counted_once(world, job, fault):
    meeting = await world.meet(job, "embeddings", fault, 30, seed=2)

    assert meeting.has_completed, meeting
    assert meeting.charged == meeting.counted > 0


@pytest.fixture(scope="module")
async def searched(world) -> AsyncIterator[str]:
    """The path of a search that finds something."""
    with empty_corpus(world.storage, world.cosmos_client, database=OUTAGES_DATABASE) as corpus:
        corpus.put(bern=TEXT)
        submitted = await asyncio.to_thread(corpus.submit, world.api)
        await world.app.running.run_until_idle()
        await asyncio.to_thread(world.api.finished, submitted.json()["id"])
        yield f"/api/search?env={corpus.env}&version=v1&q=train&mode=text&around=1"


def told(status: int, substatus: int = 0, **headers: str) -> Rule:
    """Cosmos DB says that it cannot, or not yet."""
    reply = Reply.of({}, status=status, x_ms_activity_id="1", x_ms_substatus=str(substatus), **headers)
    return lambda _: reply


def emptied(call: Call) -> Reply:
    reply = call.pass_on()
    return Reply(reply.status, reply.headers)


@pytest.mark.parametrize(
    ("rule", "retry_after"),
    [
        (told(429, 3200, x_ms_retry_after_ms="61000"), "61"),
        (told(429, 3200, x_ms_retry_after_ms="soon"), "5"),
        (told(449), "5"),
        (told(404, 1002), "5"),
        (told(404, 1013), "5"),
        (lambda _: Reply(404, {"Content-Type": "text/html"}, b"<html>"), "5"),
        (lambda _: Reply(200, {"Content-Type": "text/html"}, b"<html>"), "5"),
        (lambda _: Reply(200, {"Content-Type": "application/json"}, b"{}"), "5"),
        (emptied, "5"),
    ],
)
async def test_search_says_that_the_index_is_away_and_answers_as_soon_as_it_is_back(
    world, searched, rule, retry_after
):
    world.proxies["cosmos"].rule = rule
    try:
        refused = await asyncio.to_thread(world.api.send, "GET", searched)
    finally:
        world.proxies["cosmos"].rule = Call.pass_on
    found = await asyncio.to_thread(world.api.send, "GET", searched)

    assert (refused.status, refused.json()["code"]) == (503, "IndexUnavailable")
    assert refused.headers["retry-after"] == retry_after
    assert [each["text"] for each in found.json()["results"]] == [TEXT]


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
