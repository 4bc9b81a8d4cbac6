"""Many jobs at once: over the same files they pay once, and together they keep to their budget."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from azure.cosmos import CosmosClient

from local.emulators.azurite import Azurite
from shared_code.files import listing
from shared_code.jobs import ORCHESTRATOR, EmbedFilesJob
from shared_code.settings import settings
from tests.support.api_client import ApiClient
from tests.support.corpus import DATABASE, SELF_CERTIFIED, SHORT_VECTORS, Corpus, empty_corpus, prose
from tests.support.instant_app import InstantApp, instant_app

pytestmark = SELF_CERTIFIED
PRICE = 0.02 / 1_000_000


@pytest.fixture
async def app(storage: Azurite, embedding_settings: dict[str, str]) -> AsyncIterator[InstantApp]:
    own = {"COSMOS_DATABASE": DATABASE, "CHUNK_TOKENS": "64", "CHUNK_OVERLAP_TOKENS": "0"}
    settings_of_app = embedding_settings | SHORT_VECTORS | own
    async with instant_app(storage.connection_string, settings_of_app) as running:
        yield running


@pytest.fixture
def corpus(storage: Azurite, cosmos_client: CosmosClient, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Files of 8 pages, one for each lane."""
    monkeypatch.setattr(listing, "_FILES_PER_PAGE", 2)
    with empty_corpus(storage, cosmos_client) as made:
        made.put(**{f"file{n}": prose(f"subject {n}", paragraphs=2) for n in range(16)})
        yield made


def job_of(corpus: Corpus, *, version: str = "v1") -> EmbedFilesJob:
    path = f"{corpus.files.container_name}/docs"
    body = {"env": corpus.env, "version": version, "filesPath": path}
    job = EmbedFilesJob.parse(body, settings().embedding_plan, settings().budgets)
    return EmbedFilesJob.from_json({**job.to_json(), "lanes": 8, "pageSize": 1})


async def start(app: InstantApp, job: EmbedFilesJob) -> str:
    return str(await app.running.start(ORCHESTRATOR, job.to_json(), instance_id=uuid4().hex))


async def usage(app: InstantApp, corpus: Corpus) -> Any:
    api = ApiClient(app.running.host.origin)
    answer = await asyncio.to_thread(partial(api.usage, corpus.env))
    return answer["months"][0] if answer["months"] else {"tokens": 0}, answer["budget"]


async def test_eight_jobs_over_the_same_files_pay_once_and_all_complete(app, corpus, embeddings_server):
    await app.run(corpus, version="v0")
    once = embeddings_server.counters()["tokens"]
    jobs = [await start(app, job_of(corpus)) for _ in range(8)]
    await app.running.run_until_idle()
    results = [await app.running.output(job) for job in jobs]
    charged = embeddings_server.counters()["tokens"] - once
    month, _ = await usage(app, corpus)

    assert {result["failed"] for result in results} == {0}
    assert charged <= 1.1 * once
    assert sum(result["embedded"] for result in results) == 16
    assert month["tokens"] == once + charged == once + sum(result["tokens"] for result in results)


@pytest.mark.parametrize("share", [0.1, 0.5, 2])
async def test_budget_holds_whatever_the_number_of_jobs_and_lanes(
    app, corpus, embeddings_server, monkeypatch, share
):
    estimate = (await app.run(corpus, dryRun=True))["progress"]["estimate"]["cost"]
    amount = max(round(share * estimate, 6), 0.000001)
    monkeypatch.setenv("MONTHLY_BUDGETS", f"{corpus.env}={amount:.6f}")
    monkeypatch.setenv("BUDGET_RECHECK_SECONDS", "86400")
    settings.cache_clear()
    jobs = [await start(app, job_of(corpus, version=f"v{n}")) for n in range(3)]
    await app.running.settle()
    tokens = embeddings_server.counters()["tokens"]
    month, budget = await usage(app, corpus)
    assert tokens * PRICE <= 1.1 * amount
    assert (month["tokens"], budget["reserved"]) == (tokens, 0)

    monkeypatch.setenv("MONTHLY_BUDGETS", f"{corpus.env}=1")
    settings.cache_clear()
    await app.running.run_until_idle()
    results = [await app.running.output(job) for job in jobs]
    month, _ = await usage(app, corpus)
    assert {(result["embedded"], result["failed"]) for result in results} == {(16, 0)}
    assert month["tokens"] == embeddings_server.counters()["tokens"]
