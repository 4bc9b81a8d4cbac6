"""The steps of an embedding job one by one, with something happening between them."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from local.emulators.azurite import Azurite
from shared_code.clients.composition import Clients
from shared_code.jobs import EmbedFilesJob
from shared_code.settings import Settings
from tests.support.activities import delete_stale, embed_page, list_files
from tests.support.corpus import DATABASE, SELF_CERTIFIED, Corpus, corpus

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED


@pytest.fixture
async def clients(storage: Azurite, embedding_settings: dict[str, str]) -> AsyncIterator[Clients]:
    environment = {"AzureWebJobsStorage": storage.connection_string, "COSMOS_DATABASE": DATABASE}
    opened = Clients(Settings({**environment, **embedding_settings}))
    yield opened
    await opened.close()


@pytest.fixture
def job(corpus: Corpus, clients: Clients) -> dict[str, Any]:
    """What all steps of one job are told."""
    body = {"env": corpus.env, "version": "v1", "filesPath": f"{corpus.files.container_name}/docs"}
    parsed = EmbedFilesJob.parse(body, clients.settings.embedding_plan, {})
    return {"jobId": uuid4().hex, "job": parsed.to_json()}


async def listed(clients: Clients, job: dict[str, Any]) -> dict[str, Any]:
    part = await list_files(clients, {**job, "marker": None, "firstPage": 0, "firstStalePage": 0})
    assert part["ok"], part
    listed: dict[str, Any] = part
    return listed


async def test_file_that_vanishes_before_it_is_read_is_in_the_ledger_and_its_blob(corpus, clients, job):
    await listed(clients, job)
    corpus.drop("bears")
    answer = await embed_page(clients, {**job, "page": 0})
    kept = await clients.jobs_container.download_blob(f"ledger/{job['jobId']}/0.json")

    assert (answer["counts"]["completed"], answer["counts"]["failed"]) == (2, 1)
    assert [entry["code"] for entry in answer["ledger"]] == ["FileVanished"]
    assert json.loads(await kept.readall()) == answer["ledger"]


async def test_page_that_runs_twice_answers_the_same(corpus, clients, job, embeddings_server):
    await listed(clients, job)
    first = await embed_page(clients, {**job, "page": 0})
    embeddings_server.reset()

    assert await embed_page(clients, {**job, "page": 0}) == first
    assert embeddings_server.counters()["requests"] == 0


async def test_file_that_comes_back_before_its_deletion_is_kept(corpus, clients, job):
    await listed(clients, job)
    await embed_page(clients, {**job, "page": 0})
    corpus.drop("bears")
    part = await listed(clients, {**job, "jobId": "next"})
    corpus.put(bears="Bears are back.")
    answer = await delete_stale(clients, {**job, "jobId": "next", "page": 0})

    assert (part["vanished"], part["stale_pages"], answer["counts"]) == (1, 1, {"deleted": 0})
    assert set(corpus.searchable()) == {"apples", "bears", "cedars"}


async def test_job_that_lost_its_first_attempt_sends_each_text_once(corpus, clients, job, embeddings_server):
    await listed(clients, job)
    embeddings_server.configure({"kind": "status", "status": 401})
    refused = await embed_page(clients, {**job, "page": 0})
    answer = await embed_page(clients, {**job, "page": 0})

    assert (refused["ok"], answer["ok"]) == (False, True)
    assert embeddings_server.counters()["inputs"] == answer["counts"]["chunks"] == len(corpus.chunks())
