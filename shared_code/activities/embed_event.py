"""The steps of a live event's job.

An event's text is not in their results: what the one step fetched waits in memory for the other, which
fetches it again where another process did or where it has to repeat itself.

ADR 19 has the reasons.
"""

import json
from functools import partial
from time import monotonic
from typing import Any, Protocol

from shared_code.activities.failures import Stopped
from shared_code.activities.results import milliseconds_since
from shared_code.activities.stopping import JobLife, unless_canceled
from shared_code.clients.composition import Clients
from shared_code.events.documents import EventDocuments
from shared_code.events.ingestion import ingest_event, most_tokens
from shared_code.events.source import Event
from shared_code.events.spending import EventSpending
from shared_code.jobs import Counts
from shared_code.jobs.steps import Done, EmbedEvent, EventFetched, FetchEvent, ItemDone, PoisonEvent
from shared_code.telemetry import log_event


class TextOutput(Protocol):
    """An output binding for one text."""

    def set(self, val: str, /) -> None:
        """Has the host write it when the activity has ended."""


async def fetch_event(clients: Clients, step: FetchEvent) -> EventFetched:
    """Looks an event up and checks its details."""
    # The next step looks before it pays: of two looks an event can do without the first.
    return await unless_canceled(clients, step, partial(_fetch, clients, step), looks_first=False)


async def _fetch(clients: Clients, step: FetchEvent) -> EventFetched:
    began = monotonic()
    job = step.job
    event = await clients.events.event(job.tracking_id, job.session_id)
    clients.fetched_events.keep(job.id, job.submission, event)
    characters = len(event.text)
    log_event("event.fetched", characters=characters, milliseconds=milliseconds_since(began))
    return EventFetched(characters=characters, tokens=most_tokens(event, job.plan))


async def poison_event(_clients: Clients, step: PoisonEvent, *, poison: TextOutput) -> Done:
    """Puts the message of an event that could not be embedded on the poison queue."""
    poison.set(json.dumps(step.job.message))
    log_event("event.poisoned", env=step.job.env)
    return Done()


async def embed_event(clients: Clients, step: EmbedEvent) -> ItemDone:
    """Brings an event into the index."""
    began = monotonic()
    job = step.job
    documents = clients.event_documents(job.env, job.index_version)
    fetched = clients.fetched_events.take(job.id, job.submission)
    life = JobLife(clients, step.job_id)
    spending = EventSpending(documents, job, step.paid, step.tallies, life.require)
    try:
        work = partial(_embed, clients, step, fetched, documents, spending)
        counts = await life.unless_over(work, has_paid=spending.is_under_way, looks_first=False)
    except Exception as error:
        counted = spending.counts if spending.is_known else {}
        raise Stopped(error, counted, spending.unwritten) from error
    try:
        await life.finish()
    except Exception as error:
        raise Stopped(error, counts) from error
    log_event("event.embedded", env=job.env, milliseconds=milliseconds_since(began), **dict[str, Any](counts))
    return ItemDone(counts=counts)


async def _embed(
    clients: Clients,
    step: EmbedEvent,
    fetched: Event | None,
    documents: EventDocuments,
    spending: EventSpending,
) -> Counts:
    job = step.job
    event = fetched or await clients.events.event(job.tracking_id, job.session_id)
    return await ingest_event(
        event,
        job,
        documents=documents,
        embeddings=clients.event_embeddings,
        previous=clients.previous_documents(job.env, job.index_version),
        spending=spending,
    )
