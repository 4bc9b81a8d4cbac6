"""The steps of an embedding job as its activities run them: a dict in, a dict out, JSON values only.

A failure that a retry does not cure is a value, `{"ok": false, "error": {"code", "message"}}`; any other
exception goes up to the host and the step is run again, which is safe: each step finds what it did before.
"""

from collections.abc import Awaitable
from time import monotonic
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.cosmos.exceptions import CosmosHttpResponseError

from shared_code.activities.discard import discard
from shared_code.activities.results import as_value, failure, milliseconds_since
from shared_code.clients import Clients
from shared_code.documents import Limits
from shared_code.files.ingestion import Ingestion
from shared_code.files.listing import list_part
from shared_code.files.planner import Planner
from shared_code.files.vanished import delete_vanished
from shared_code.jobs import EmbedFilesJob
from shared_code.settings import COSMOS_KEY, FILES_STORAGE
from shared_code.storage.source_files import SourceFile
from shared_code.storage.staging import keep_ledger, read_staged_json
from shared_code.telemetry import log_event


async def list_files(clients: Clients, payload: dict[str, Any]) -> dict[str, Any]:
    """Lists one part of the files, and stages what changed and what vanished."""
    return await _as_value(_list_files(clients, payload), "list-files", payload)


async def embed_page(clients: Clients, payload: dict[str, Any]) -> dict[str, Any]:
    """Brings one staged page of files into the index."""
    return await _as_value(_embed_page(clients, payload), "embed-page", payload)


async def delete_stale(clients: Clients, payload: dict[str, Any], host: Any) -> dict[str, Any]:
    """Takes one staged page of vanished files out of the index; or discards all that the job staged."""
    if payload.get("discard"):
        return await _as_value(discard(clients, payload, host), "discard", payload)
    return await _as_value(_delete_page(clients, payload), "delete-stale", payload)


async def _as_value(work: Awaitable[dict[str, Any]], step: str, payload: dict[str, Any]) -> dict[str, Any]:
    return await as_value(work, kind=EmbedFilesJob.KIND, step=step, job_id=payload["jobId"], denied=_denied)


async def _list_files(clients: Clients, payload: dict[str, Any]) -> dict[str, Any]:
    began = monotonic()
    job = EmbedFilesJob.from_json(payload["job"])
    part = await list_part(
        clients.source_files(job.container),
        clients.index(job.env, job.index_version),
        clients.jobs_container,
        job_id=payload["jobId"],
        job=job,
        marker=payload["marker"],
        first_page=payload["firstPage"],
        first_stale_page=payload["firstStalePage"],
        most_bytes=clients.settings.max_file_bytes,
    )
    figures = {name: part[name] for name in ("files", "unchanged", "vanished")}
    log_event("files.listed", milliseconds=milliseconds_since(began), **figures)
    return part


async def _embed_page(clients: Clients, payload: dict[str, Any]) -> dict[str, Any]:
    began = monotonic()
    job_id, number = payload["jobId"], payload["page"]
    job = EmbedFilesJob.from_json(payload["job"])
    staged = await read_staged_json(clients.jobs_container, job_id, f"pages/{number}.json")
    index = clients.index(job.env, job.index_version)
    planner = Planner(
        job_id,
        job,
        files=clients.source_files(job.container),
        index=index,
        limits=Limits(file_bytes=clients.settings.max_file_bytes),
        slots=clients.files_at_once,
    )
    ingestion = Ingestion(job_id, job, planner=planner, index=index, embeddings=clients.file_embeddings)
    async with clients.large_steps:
        result = await ingestion.embed([SourceFile.from_json(file) for file in staged])
    if result.ledger:
        await keep_ledger(clients.jobs_container, job_id, f"{number}.json", result.ledger)
    counts: dict[str, Any] = dict(result.counts)
    if result.error:
        return {**failure(result.error), "counts": counts}
    log_event("page.embedded", env=job.env, page=number, milliseconds=milliseconds_since(began), **counts)
    return {"counts": counts, "ledger": result.ledger}


async def _delete_page(clients: Clients, payload: dict[str, Any]) -> dict[str, Any]:
    job = EmbedFilesJob.from_json(payload["job"])
    names = await read_staged_json(clients.jobs_container, payload["jobId"], f"stale/{payload['page']}.json")
    index = clients.index(job.env, job.index_version)
    deleted = await delete_vanished(clients.source_files(job.container), index, names)
    log_event("sources.deleted", page=payload["page"], deleted=deleted)
    return {"counts": {"deleted": deleted}}


def _denied(error: HttpResponseError) -> str:
    if isinstance(error, CosmosHttpResponseError):
        fix = f"check {COSMOS_KEY.name} or the app's data role; a role cannot create the container"
        return f"Cosmos DB refused access: {fix}."
    return f"Storage refused access: check keys and roles behind {FILES_STORAGE.name}."
