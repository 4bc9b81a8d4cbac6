"""The steps of a live event's job one by one: in one process, in two, and once more."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from shared_code.clients.composition import Clients
from shared_code.events.documents import EventTally
from shared_code.jobs import EmbedEventJob
from shared_code.settings import Settings
from tests.support.activities import embed_event, fetch_event
from tests.support.corpus import DATABASE, SELF_CERTIFIED, prose
from tests.support.events_service import EventsService, events_service
from tests.support.live_events import LiveEvents, events

__all__ = ["events"]
pytestmark = SELF_CERTIFIED


@pytest.fixture
def service() -> Iterator[EventsService]:
    with events_service() as serving:
        yield serving


@asynccontextmanager
async def process(service: EventsService, settings: dict[str, str]) -> AsyncIterator[Clients]:
    """What the activities of one process share."""
    opened = Clients(Settings({**settings, "COSMOS_DATABASE": DATABASE, "EVENTS_ENDPOINT": service.origin}))
    try:
        yield opened
    finally:
        await opened.close()


def payload_of(events: LiveEvents, name: str, clients: Clients, *, run: str = "first") -> dict[str, Any]:
    body = {**events.named(name), "env": events.env}
    job = replace(EmbedEventJob.parse(body, clients.settings.event_defaults), submission=run)
    return {"jobId": job.id, "job": job.to_json()}


async def test_text_that_was_fetched_is_not_asked_for_again(service, events, embedding_settings):
    events.put(service, "one", "A text.")
    async with process(service, embedding_settings) as clients:
        payload = payload_of(events, "one", clients)
        assert await fetch_event(clients, payload) == {"ok": True, "characters": 7, "tokens": 5}
        embedded = await embed_event(clients, payload)

    assert embedded["counts"]["embedded"] == 1
    assert len(service.asked) == 1


async def test_step_that_runs_in_another_process_fetches_the_text_itself(service, events, embedding_settings):
    events.put(service, "two", "A text.")
    async with process(service, embedding_settings) as clients:
        payload = payload_of(events, "two", clients)
        await fetch_event(clients, payload)
    async with process(service, embedding_settings) as other:
        assert (await embed_event(other, payload))["counts"]["embedded"] == 1

    assert len(service.asked) == 2


async def test_step_that_runs_twice_embeds_once_and_answers_the_same(
    service, events, embedding_settings, embeddings_server
):
    events.put(service, "twice", prose("trains", paragraphs=8))
    async with process(service, embedding_settings) as clients:
        payload = payload_of(events, "twice", clients)
        first = await embed_event(clients, payload)
        embeddings_server.reset()
        again = await embed_event(clients, payload)

    assert again == first
    assert first["counts"]["documents"] > 1
    assert embeddings_server.counters()["requests"] == 0


async def test_step_that_lost_a_document_embeds_that_one_alone(
    service, events, embedding_settings, embeddings_server
):
    events.put(service, "lost", prose("ships", paragraphs=8))
    async with process(service, embedding_settings) as clients:
        payload = payload_of(events, "lost", clients)
        first = await embed_event(clients, payload)
        lost = events.documents("lost")[1]
        events.index.delete_item(lost["id"], lost["pk"])
        embeddings_server.reset()
        again = await embed_event(clients, payload)

    assert again["counts"]["embedded"] == first["counts"]["embedded"]
    assert embeddings_server.counters()["inputs"] == 1
    assert len(events.documents("lost")) == first["counts"]["documents"]


async def test_account_of_an_event_lies_beside_its_documents_only_while_it_is_embedded(
    service, events, embedding_settings
):
    events.put(service, "paid", prose("trains", paragraphs=8))
    async with process(service, embedding_settings) as clients:
        embedded = await embed_event(clients, payload_of(events, "paid", clients))

    first, *others = events.documents("paid")
    query = "SELECT VALUE c.id FROM c WHERE c.pk = @pk"
    parameters: list[dict[str, object]] = [{"name": "@pk", "value": first["pk"]}]
    ids = events.index.query_items(query, parameters=parameters, partition_key=first["pk"])
    assert set(ids) == {document["id"] for document in (first, *others)}
    assert first["account"]["tokens"] == embedded["counts"]["tokens"] > 0
    assert all("account" not in document for document in others)


async def test_what_another_instance_paid_before_it_died_is_counted_by_the_one_that_has_the_text(
    service, events, embedding_settings
):
    events.put(service, "died", "A text.")
    died = EventTally(submission="first", counts={"tokens": 100, "estimated": 100})
    async with process(service, embedding_settings) as clients:
        await embed_event(clients, payload_of(events, "died", clients, run="before"))  # creates the container
        events.put(service, "died", "Another text.")
        payload = payload_of(events, "died", clients)
        await fetch_event(clients, payload)
        job = EmbedEventJob.from_json(payload["job"])
        assert await clients.event_documents(job.env, job.index_version).write_tally(job, died, None)
        counts = (await embed_event(clients, payload))["counts"]

    assert counts["estimated"] == 100
    assert counts["tokens"] > 100
