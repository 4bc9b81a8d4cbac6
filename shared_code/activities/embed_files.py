"""The steps of an embedding job. Each finds what an earlier try of it has done."""

from functools import partial
from time import monotonic
from typing import Any

from shared_code.activities.failures import Stopped
from shared_code.activities.results import milliseconds_since
from shared_code.activities.spending import pay_for_page
from shared_code.activities.stopping import JobLife, ends_with_its_job
from shared_code.api.job_instances import is_live
from shared_code.clients.composition import Clients
from shared_code.documents import DocumentLimits
from shared_code.errors import HostUnavailable
from shared_code.files.ingestion import Ingestion, PageResult
from shared_code.files.listing import list_part
from shared_code.files.planner import Planner
from shared_code.files.spending import PageSpending
from shared_code.files.vanished import delete_vanished
from shared_code.jobs import LEDGER_LIMIT, DurableClient
from shared_code.jobs.steps import DeleteStale, EmbedPage, ItemDone, ListFiles, PartListed
from shared_code.storage.source_files import SourceFile
from shared_code.storage.staging import discard_ledger, keep_ledger, read_staged_json
from shared_code.telemetry import log_event


@ends_with_its_job
async def list_files(clients: Clients, step: ListFiles) -> PartListed:
    """Lists one part of the files, and stages what changed and what vanished."""
    began = monotonic()
    job = step.job
    if job.watch and step.marker is None:
        await discard_ledger(clients.jobs_container, step.job_id)  # that of the last round
    part = await list_part(
        clients.source_files(job.container),
        clients.index(job.env, job.index_version),
        clients.jobs_container,
        step=step,
        most_bytes=clients.settings.max_file_bytes,
    )
    await clients.index_container.shape()  # if it lacks something, the log says so
    log_event(
        "files.listed",
        milliseconds=milliseconds_since(began),
        files=part.files,
        unchanged=part.unchanged,
        vanished=part.vanished,
    )
    return part


async def embed_page(clients: Clients, step: EmbedPage, *, host: DurableClient) -> ItemDone:
    """Brings one staged page of files into the index, unless the job is stopped."""
    began = monotonic()
    result, spending = await pay_for_page(clients, step, host, partial(_embed, clients, step, host))
    spent = spending.counts
    if result.error:
        raise Stopped(result.error, {**result.counts, **spent}, spending.unwritten)
    if result.lacks:
        tokens = spent.get("tokens", 0)
        log_event("page.lacks_tokens", env=step.job.env, page=step.page, tokens=tokens, lacks=result.lacks)
        return ItemDone(counts=spent, lacks=result.lacks, tallies=spending.unwritten)
    if result.ledger:
        entries = [entry.to_json() for entry in result.ledger]
        await keep_ledger(clients.jobs_container, step.job_id, f"{step.page}.json", entries)
    counts = {**result.counts, **spent}
    log_event(
        "page.embedded",
        env=step.job.env,
        page=step.page,
        milliseconds=milliseconds_since(began),
        **dict[str, Any](counts),
    )
    return ItemDone(counts=counts, ledger=tuple(result.ledger[:LEDGER_LIMIT]))


async def _embed(
    clients: Clients, step: EmbedPage, host: DurableClient, spending: PageSpending, life: JobLife
) -> PageResult:
    job, job_id = step.job, step.job_id
    staged = await read_staged_json(clients.jobs_container, job_id, f"pages/{step.page}.json")
    index = clients.index(job.env, job.index_version)
    planner = Planner(
        job_id,
        job,
        files=clients.source_files(job.container),
        index=index,
        limits=DocumentLimits(file_bytes=clients.settings.max_file_bytes),
        slots=clients.files_at_once,
    )
    ingestion = Ingestion(
        job_id,
        job,
        planner=planner,
        index=index,
        embeddings=clients.file_embeddings,
        spending=spending,
        is_live=partial(_may_be_live, host),
        require_wanted=life.require_known,
        previous=clients.previous_index(job.env, job.index_version),
    )
    async with clients.large_steps:
        return await ingestion.embed([SourceFile.from_json(file) for file in staged])


async def _may_be_live(host: DurableClient, job_id: str) -> bool:
    """Whether a job may still go on; where the host cannot say, it may."""
    try:
        return await is_live(host, job_id)
    except HostUnavailable:
        return True


@ends_with_its_job
async def delete_stale(clients: Clients, step: DeleteStale, *, host: DurableClient) -> ItemDone:
    """Takes one staged page of vanished files out of the index."""
    job = step.job
    names = await read_staged_json(clients.jobs_container, step.job_id, f"stale/{step.page}.json")
    index = clients.index(job.env, job.index_version)
    deleted = await delete_vanished(
        clients.source_files(job.container),
        index,
        names,
        job_id=step.job_id,
        is_live=partial(_may_be_live, host),
    )
    log_event("sources.deleted", page=step.page, deleted=deleted)
    return ItemDone(counts={"deleted": deleted})
