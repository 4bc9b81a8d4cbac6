"""The steps of a live event's job as its activities run them: a dict in, a dict out, JSON values only.

An event's text is not in there: what the one step fetched waits in memory for the other, which fetches it
again where another process did or where it has to repeat itself. A failure that a retry does not cure is a
value, `{"ok": false, "error": {"code", "message"}}`; after any other exception the step is run again.
"""

from collections.abc import Awaitable
from time import monotonic
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared_code.activities.results import as_value, milliseconds_since
from shared_code.clients import Clients
from shared_code.events.ingestion import ingest_event
from shared_code.jobs import EmbedEventJob
from shared_code.settings import COSMOS_KEY
from shared_code.telemetry import log_event


async def fetch_event(clients: Clients, payload: dict[str, Any]) -> dict[str, Any]:
    """Looks an event up and checks its details."""
    return await _as_value(_fetch(clients, payload), "fetch-event", payload)


async def embed_event(clients: Clients, payload: dict[str, Any]) -> dict[str, Any]:
    """Brings an event into the index."""
    return await _as_value(_embed(clients, payload), "embed-event", payload)


async def _as_value(work: Awaitable[dict[str, Any]], step: str, payload: dict[str, Any]) -> dict[str, Any]:
    return await as_value(work, kind=EmbedEventJob.KIND, step=step, job_id=payload["jobId"], denied=_denied)


async def _fetch(clients: Clients, payload: dict[str, Any]) -> dict[str, Any]:
    began = monotonic()
    job = EmbedEventJob.from_json(payload["job"])
    event = await clients.events.event(job.tracking_id, job.session_id)
    clients.fetched_events.keep(job.id, job.run, event)
    characters = len(event.text)
    log_event(
        "event.fetched",
        characters=characters,
        milliseconds=milliseconds_since(began),
    )
    return {"characters": characters}


async def _embed(clients: Clients, payload: dict[str, Any]) -> dict[str, Any]:
    began = monotonic()
    job = EmbedEventJob.from_json(payload["job"])
    event = clients.fetched_events.take(job.id, job.run) or await clients.events.event(
        job.tracking_id, job.session_id
    )
    counts: dict[str, Any] = dict(
        await ingest_event(
            event,
            job,
            documents=clients.event_documents(job.env, job.index_version),
            embeddings=clients.event_embeddings,
        )
    )
    log_event("event.embedded", env=job.env, milliseconds=milliseconds_since(began), **counts)
    return {"counts": counts}


def _denied(_error: HttpResponseError) -> str:
    fix = f"check {COSMOS_KEY.name} or the app's data role; a role cannot create the container"
    return f"Cosmos DB refused access: {fix}."
