"""Jobs that expire while days pass in an instant: the timer function on the real folders."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from azure.data.tables import TableClient
from azure.storage.blob import ContainerClient

from local.emulators.azurite import Azurite
from shared_code.jobs.source_containers import JOBS_CONTAINER
from shared_code.settings import settings
from tests.e2e.test_jobs import HUB
from tests.support.api_client import ApiClient
from tests.support.corpus import DATABASE, SELF_CERTIFIED, Corpus, corpus
from tests.support.instant_app import InstantApp, instant_app

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def app(
    storage: Azurite, corpus: Corpus, embedding_settings: dict[str, str]
) -> AsyncIterator[InstantApp]:
    """An app that keeps its jobs for a day, on a task hub of its own."""
    own = {
        "AzureWebJobs.purge-history-function.Disabled": "false",
        "COSMOS_DATABASE": DATABASE,
        "JOB_RETENTION_DAYS": "1",
        HUB: f"hub{uuid4().hex[:12]}",
    }
    async with instant_app(storage.connection_string, embedding_settings | own) as running:
        yield running


async def suspended_job(app: InstantApp, corpus: Corpus) -> str:
    api = ApiClient(app.running.host.origin)
    job_id: str = (await asyncio.to_thread(corpus.submit, api, version="v2")).json()["id"]
    await app.running.host.hub.suspend(job_id, "an operator")
    await app.running.settle()
    return job_id


async def listed(app: InstantApp) -> list[str]:
    answer = await asyncio.to_thread(ApiClient(app.running.host.origin).send, "GET", "/api/jobs")
    return [job["id"] for job in answer.json()["jobs"]]


def rows_in(storage: Azurite) -> list[Any]:
    table = TableClient.from_connection_string(storage.connection_string, settings().job_table)
    with table:
        return [row["RowKey"] for row in table.list_entities() if row["RowKey"] != "filling"]


async def test_expired_job_goes_with_all_that_was_its_own_and_a_live_one_stays(app, corpus, storage):
    corpus.put(nothing="")
    ended = (await app.run(corpus))["id"]
    live = await suspended_job(app, corpus)
    jobs = ContainerClient.from_connection_string(storage.connection_string, JOBS_CONTAINER)
    for left in (f"staging/{ended}/left/behind", f"decisions/{ended}/approval-0.json"):
        await asyncio.to_thread(jobs.upload_blob, left, b"[]")
    await app.running.advance(DAY - HOUR)
    before = await listed(app)
    await app.running.advance(2 * HOUR)

    assert (before, await listed(app)) == ([live, ended], [live])
    api = ApiClient(app.running.host.origin)
    assert (await asyncio.to_thread(api.status, ended)).status == 404
    assert await app.running.host.hub.get_instance(f"{ended}:lane:0") is None
    assert [name for name in jobs.list_blob_names() if ended in name] == []
    assert {row.rpartition("-")[2] for row in rows_in(storage)} == {live}
    await app.running.advance(10 * DAY)
    assert await listed(app) == [live]


async def test_blob_that_cannot_be_deleted_keeps_its_own_job_alone(app, corpus, storage):
    jobs = [(await app.run(corpus))["id"] for _ in range(3)]
    container = ContainerClient.from_connection_string(storage.connection_string, JOBS_CONTAINER)
    blob = container.get_blob_client(f"staging/{jobs[1]}/left/behind")
    await asyncio.to_thread(blob.upload_blob, b"[]")
    lease = await asyncio.to_thread(blob.acquire_lease)
    await app.running.advance(DAY + HOUR)
    kept = await listed(app)
    await asyncio.to_thread(lease.release)
    await app.running.advance(HOUR)

    assert (kept, await listed(app)) == ([jobs[1]], [])
