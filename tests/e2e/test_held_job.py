"""A job that is held at its budget until the next month, while other jobs begin and end."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from azure.storage.blob import ContainerClient

from local.emulators.azurite import ACCOUNT, Azurite
from local.ports import LOOPBACK
from local.settings import StackSettings
from shared_code.jobs import ORCHESTRATOR, EmbedFilesJob
from shared_code.jobs.source_containers import JOBS_CONTAINER
from shared_code.settings import settings
from tests.support.api_client import ApiClient
from tests.support.corpus import DATABASE, SELF_CERTIFIED, Corpus, corpus
from tests.support.instant_app import InstantApp, instant_app
from tests.support.service_proxy import Call, Reply, ServiceProxy, service_proxy

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED


@pytest.fixture
def blobs_on_the_way(stack_settings: StackSettings, storage: Azurite) -> Iterator[ServiceProxy]:
    with service_proxy(f"http://{LOOPBACK}:{stack_settings.blob.number}") as proxy:
        yield proxy


@pytest.fixture
async def app(
    storage: Azurite, corpus: Corpus, embedding_settings: dict[str, str], blobs_on_the_way: ServiceProxy
) -> AsyncIterator[InstantApp]:
    """An app in which one job is all that the environment of the corpus can pay for in a month."""
    account = storage.connection_string.split("BlobEndpoint")[0]
    own = {
        "AZURE_STORAGE_CONNECTION_STRING": f"{account}BlobEndpoint={blobs_on_the_way.origin}/{ACCOUNT};",
        "COSMOS_DATABASE": DATABASE,
        "MONTHLY_BUDGETS": f"{corpus.env}=0.0006",
        "BUDGET_RECHECK_SECONDS": "86400",
    }
    async with instant_app(storage.connection_string, embedding_settings | own) as running:
        yield running


def seen_years_later(call: Call) -> Reply:
    """Lists blobs as if they had been written long ago."""
    reply = call.pass_on()
    written = re.sub(rb"<Last-Modified>[^<]*", b"<Last-Modified>Sat, 01 Jan 2000 00:00:00 GMT", reply.body)
    return Reply(reply.status, reply.headers, written)


async def held_job(app: InstantApp, corpus: Corpus) -> str:
    """A job that began before another one spent what it needs."""
    await app.run(corpus)
    body = {"env": corpus.env, "version": "v2", "filesPath": f"{corpus.files.container_name}/docs"}
    job = EmbedFilesJob.parse(body, settings().embedding_plan, settings().budgets)
    job_id = await app.running.start(ORCHESTRATOR, job.to_json(), instance_id=uuid4().hex)
    await app.running.settle()
    return job_id


async def test_job_that_is_held_for_long_keeps_what_it_staged(app, corpus, storage, blobs_on_the_way):
    held = await held_job(app, corpus)
    jobs = ContainerClient.from_connection_string(storage.connection_string, JOBS_CONTAINER)
    left_behind = await asyncio.to_thread(jobs.upload_blob, f"staging/{uuid4().hex}/pages/0.json", b"[]")
    blobs_on_the_way.rule = seen_years_later
    api = ApiClient(app.running.host.origin)
    other = await asyncio.to_thread(corpus.submit, api, env="others")
    await app.running.settle()
    waiting = await asyncio.to_thread(api.status, held)

    assert (await app.running.output(other.json()["id"]))["embedded"] == 3
    assert (waiting.json()["progress"]["phase"], left_behind.exists()) == ("held", False)
    await app.running.run_until_idle()
    assert (await app.running.output(held))["embedded"] == 3
