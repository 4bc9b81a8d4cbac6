"""What an operator does to running jobs: docs/operations.md tells it, and here it is tried."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from local.emulators.azurite import Azurite
from shared_code.network import Network
from tests.support.api_client import ApiClient
from tests.support.app_time import AppTime
from tests.support.corpus import DATABASE, SELF_CERTIFIED, SHORT_VECTORS, Corpus, corpus
from tests.support.instant_app import InstantApp, instant_app
from tests.support.service_proxy import Call, Reply, ServiceProxy

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED


@pytest.fixture
async def app(
    storage: Azurite, embedding_settings: dict[str, str], embeddings_on_the_way: ServiceProxy
) -> AsyncIterator[InstantApp]:
    own = {
        "COSMOS_DATABASE": DATABASE,
        "EMBEDDINGS_ENDPOINT": f"{embeddings_on_the_way.origin}/v1",
        "PATIENCE_HOURS": "1",
    }
    time = AppTime()
    settings = embedding_settings | SHORT_VECTORS | own
    async with instant_app(storage.connection_string, settings, Network(clock=time)) as running:
        time.follow(running.running.clock)
        yield running


@pytest.fixture
async def waiting(app: InstantApp, corpus: Corpus, embeddings_on_the_way: ServiceProxy) -> str:
    """A job whose lane waits for the embeddings service, which is well again."""
    embeddings_on_the_way.rule = lambda _: Reply.of({}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    submitted = await asyncio.to_thread(corpus.submit, ApiClient(app.running.host.origin))
    await app.running.advance(timedelta(minutes=10))
    embeddings_on_the_way.rule = Call.pass_on
    job: str = submitted.json()["id"]
    assert (await status_of(app, job))["progress"]["phase"] == "waiting"
    return job


async def status_of(app: InstantApp, job: str) -> dict[str, Any]:
    api = ApiClient(app.running.host.origin)
    status: dict[str, Any] = (await asyncio.to_thread(api.status, job)).json()
    return status


async def test_suspended_job_spends_nothing_beyond_its_patience_and_goes_on_when_it_is_resumed(
    app, corpus, waiting, embeddings_server
):
    await app.running.host.hub.suspend(waiting, "an operator")
    await app.running.advance(timedelta(hours=3))
    spent = embeddings_server.counters()["requests"]
    await app.running.host.hub.resume(waiting, "an operator")
    await app.running.run_until_idle()
    status = await status_of(app, waiting)

    assert spent == 0
    assert (status["status"], status["result"]["embedded"]) == ("Completed", 3)
    usage = await asyncio.to_thread(ApiClient(app.running.host.origin).usage, corpus.env)
    assert usage["months"][0]["tokens"] == embeddings_server.counters()["tokens"]


async def test_terminated_job_spends_nothing_more_and_a_new_one_does_its_work(
    app, corpus, waiting, embeddings_server
):
    await app.running.host.hub.terminate(waiting, "an operator")
    await app.running.run_until_idle()
    spent = embeddings_server.counters()["requests"]
    status = await status_of(app, waiting)
    lane = await app.running.instance(f"{waiting}:lane:0")

    assert (status["status"], spent, lane.status) == ("Terminated", 0, "Completed")
    assert (await app.run(corpus))["result"]["embedded"] == 3


async def test_rewound_job_fails_again_by_what_it_remembers_and_a_new_one_does_its_work(
    app, corpus, embeddings_on_the_way, embeddings_server
):
    embeddings_on_the_way.rule = lambda _: Reply.of({}, status=HTTPStatus.UNAUTHORIZED)
    failed = await app.run(corpus)
    embeddings_on_the_way.rule = Call.pass_on
    await app.running.host.hub.rewind(failed["id"], "an operator")
    await app.running.run_until_idle()
    rewound = await status_of(app, failed["id"])

    assert failed["error"]["code"] == rewound["error"]["code"] == "EmbeddingsUnusable"
    assert embeddings_server.counters()["requests"] == 0
    assert (await app.run(corpus))["result"]["embedded"] == 3


async def test_lane_that_is_terminated_fails_its_job_which_a_new_one_does_again(app, corpus, waiting):
    await app.running.host.hub.terminate(f"{waiting}:lane:0", "an operator")
    await app.running.run_until_idle()
    status = await status_of(app, waiting)

    assert (status["status"], status["error"]["code"]) == ("Failed", "LaneEnded")
    assert (await app.run(corpus))["result"]["embedded"] == 3
