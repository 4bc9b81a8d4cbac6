"""A path that is watched: each round embeds what is new or changed, and takes out what is gone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from local.emulators.azurite import Azurite
from local.http_client import request
from shared_code.network import Network
from tests.support.api_client import ApiClient
from tests.support.app_time import AppTime, months_ago
from tests.support.corpus import DATABASE, SELF_CERTIFIED, SHORT_VECTORS, Corpus, corpus, prose
from tests.support.instant_app import InstantApp, instant_app
from tests.support.service_proxy import Call, Reply, ServiceProxy

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED


@pytest.fixture
async def app(
    storage: Azurite, embedding_settings: dict[str, str], embeddings_on_the_way: ServiceProxy
) -> AsyncIterator[InstantApp]:
    own = {"COSMOS_DATABASE": DATABASE, "EMBEDDINGS_ENDPOINT": f"{embeddings_on_the_way.origin}/v1"}
    time = AppTime()
    settings = embedding_settings | SHORT_VECTORS | own
    async with instant_app(storage.connection_string, settings, Network(clock=time)) as running:
        time.follow(running.running.clock)
        yield running


async def submitted(app: InstantApp, corpus: Corpus, **fields: Any) -> str:
    api = ApiClient(app.running.host.origin)
    answer = await asyncio.to_thread(corpus.submit, api, **{"watchMinutes": 30, **fields})
    assert answer.status == 202
    job: str = answer.json()["id"]
    return job


async def watched(app: InstantApp, corpus: Corpus, **fields: Any) -> str:
    """A watch whose first round has ended."""
    job = await submitted(app, corpus, **fields)
    await app.running.settle()
    return job


async def status_of(app: InstantApp, job: str) -> dict[str, Any]:
    api = ApiClient(app.running.host.origin)
    status: dict[str, Any] = (await asyncio.to_thread(api.status, job)).json()
    return status


async def next_round(app: InstantApp, job: str) -> dict[str, Any]:
    """The counts of the next round of a watch, which has ended."""
    await app.running.advance(timedelta(minutes=30))
    last: dict[str, Any] = (await status_of(app, job))["progress"]["watch"]["last"]
    return last


async def cancel(app: InstantApp, job: str) -> dict[str, Any]:
    api = ApiClient(app.running.host.origin)
    assert (await asyncio.to_thread(api.send, "DELETE", f"/api/status/{job}")).status == 202
    await app.running.settle()
    return await status_of(app, job)


async def test_each_round_embeds_what_changed_and_takes_out_what_is_gone(app, corpus, embeddings_server):
    job = await watched(app, corpus)
    first = await status_of(app, job)
    spent = embeddings_server.counters()["tokens"]
    idle = await next_round(app, job)
    assert embeddings_server.counters()["tokens"] == spent
    corpus.put(apples=prose("green apples", paragraphs=2), dates=prose("dates", paragraphs=2))
    corpus.drop("bears")
    changed = await next_round(app, job)

    progress = first["progress"]
    assert (first["status"], progress["phase"], progress["watch"]["last"]["embedded"]) == (
        "Running", "watching", 3,
    )  # fmt: skip
    assert progress["watch"]["next"] == {"round": 2, "at": f"{months_ago():%Y-%m-%dT00:30:00Z}"}
    assert (idle["round"], idle["embedded"], idle["unchanged"], idle["tokens"]) == (2, 0, 3, 0)
    assert (changed["round"], changed["embedded"], changed["deleted"]) == (3, 2, 1)
    assert changed["chunks"] == len([c for c in corpus.chunks() if "cedars" not in c["source"]])
    assert set(corpus.searchable()) == {"apples", "cedars", "dates"}


async def test_several_submissions_of_a_watch_are_one_and_it_can_begin_anew(app, corpus):
    same = {await watched(app, corpus) for _ in range(3)} | {await submitted(app, corpus, watchMinutes=5)}
    other = await submitted(app, corpus, version="v2")
    ended = await cancel(app, job := same.pop())
    again = await watched(app, corpus, watchMinutes=5)

    assert (same, other == job, again == job) == (set(), False, True)
    assert (ended["status"], ended["result"]["rounds"], ended["result"]["embedded"]) == ("Canceled", 1, 3)
    assert (await status_of(app, job))["progress"]["watch"]["minutes"] == 5


async def test_watch_ends_while_a_round_waits_for_a_service(app, corpus, embeddings_on_the_way):
    embeddings_on_the_way.rule = lambda _: Reply.of({}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    job = await watched(app, corpus)
    waiting = await status_of(app, job)
    ended = await cancel(app, job)

    assert waiting["progress"]["phase"] == "waiting"
    assert (ended["status"], ended["result"]["rounds"], ended["result"]["embedded"]) == ("Canceled", 1, 0)


async def test_round_that_fails_for_good_is_told_and_the_watch_goes_on(app, corpus, embeddings_on_the_way):
    embeddings_on_the_way.rule = lambda _: Reply.of({}, status=HTTPStatus.NOT_FOUND)
    job = await watched(app, corpus)
    failed = (await status_of(app, job))["progress"]["watch"]["last"]
    embeddings_on_the_way.rule = Call.pass_on
    last = await next_round(app, job)

    assert (failed["round"], failed["error"]["code"]) == (1, "EmbeddingsUnusable")
    assert (last["round"], last["embedded"], "error" in last) == (2, 3, False)


async def test_round_waits_for_a_service_that_is_away(app, corpus, embeddings_on_the_way):
    job = await watched(app, corpus)
    embeddings_on_the_way.rule = lambda _: Reply.of({}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    corpus.put(dates=prose("dates", paragraphs=2))
    await app.running.advance(timedelta(hours=2))
    waiting = (await status_of(app, job))["progress"]
    embeddings_on_the_way.rule = Call.pass_on
    last = await next_round(app, job)

    assert (waiting["phase"], waiting["watch"]["round"], waiting["watch"]["next"]) == ("waiting", 2, None)
    assert (last["embedded"], "error" in last) == (1, False)


async def test_history_of_a_watch_does_not_grow(app, corpus):
    job = await watched(app, corpus)
    lengths = []
    for _ in range(12):
        await next_round(app, job)
        lengths.append(len(await app.running.history(job)))
    assert len(set(lengths)) == 1


async def test_ledger_is_that_of_the_last_round(app, corpus, storage):
    corpus.put(broken="")
    job = await watched(app, corpus)
    first = (await status_of(app, job))["progress"]["watch"]["last"]
    kept = await asyncio.to_thread(ledger_of, storage, job)
    corpus.drop("broken")
    last = await next_round(app, job)

    assert (first["failed"], len(kept)) == (1, 1)
    assert (last["failed"], await asyncio.to_thread(ledger_of, storage, job)) == (0, [])


def ledger_of(storage: Azurite, job: str) -> list[str]:
    with ContainerClient.from_connection_string(storage.connection_string, "jobs") as jobs:
        return list(jobs.list_blob_names(name_starts_with=f"ledger/{job}/"))


async def test_each_round_above_the_limit_waits_for_an_approval_of_its_own(app, corpus):
    job = await watched(app, corpus, approvalAbove=0)
    uri = f"{app.running.host.origin}/api/status/{job}/approval"
    codes = []
    for approved in (True, False):
        answer = await asyncio.to_thread(request, "POST", uri, body={"approved": approved})
        codes.append(answer.status)
        await app.running.settle()
        corpus.put(dates=prose("dates", paragraphs=2))
        last = await next_round(app, job)

    assert codes == [202, 202]
    assert (await status_of(app, job))["progress"]["phase"] == "awaiting-approval"
    assert last["error"]["code"] == "ApprovalRejected"


@pytest.mark.parametrize("fields", [{"watchMinutes": n} for n in (0, -1, 1.5, "5", True, None, 10**9)])
async def test_interval_that_is_none_is_refused(app, corpus, fields):
    answer = await asyncio.to_thread(corpus.submit, ApiClient(app.running.host.origin), **fields)
    assert (answer.status, answer.json()["code"]) == (400, "InvalidField")


async def test_dry_run_is_not_watched(app, corpus):
    api = ApiClient(app.running.host.origin)
    answer = await asyncio.to_thread(corpus.submit, api, dryRun=True, watchMinutes=5)
    assert (answer.status, "dry run" in answer.json()["error"]) == (400, True)
