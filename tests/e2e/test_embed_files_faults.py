"""Embedding jobs while something fails: the job ends, its ledger tells, and a second run mends it."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from local.emulators.azurite import Azurite
from local.emulators.cosmos.service import Cosmos
from local.emulators.embeddings.service import Embeddings
from shared_code.embeddings import client
from tests.support.corpus import DATABASE, SELF_CERTIFIED, SHORT_VECTORS, Corpus, corpus, prose
from tests.support.cosmos_proxy import cosmos_proxy, is_write
from tests.support.instant_app import InstantApp, instant_app
from tests.support.service_proxy import AnswerLost, Call, Reply

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED

EDITED_BEARS = prose("bears").replace("Paragraph 30 is", "After a long winter, paragraph 30 is")


@pytest.fixture(scope="module")
def settings(embedding_settings: dict[str, str]) -> dict[str, str]:
    return {**embedding_settings, **SHORT_VECTORS, "COSMOS_DATABASE": DATABASE}


@pytest.fixture
async def app(storage: Azurite, settings: dict[str, str]) -> AsyncIterator[InstantApp]:
    async with instant_app(storage.connection_string, settings) as running:
        yield running


async def is_whole(corpus: Corpus, app: InstantApp) -> bool:
    """Whether the index is what one undisturbed run would have made, nothing lost and nothing doubled."""
    await app.run(corpus, version="undisturbed")
    return corpus.searchable() == corpus.searchable("undisturbed")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 429, "retry_after": 0.1, "times": 2},
        {"kind": "status", "status": 500, "times": 2},
        {"kind": "status", "status": 503, "times": 2},
        {"kind": "disconnect"},
        {"kind": "missing"},
        {"kind": "nan"},
        {"kind": "reversed"},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}",
)
async def test_passing_fault_of_the_embeddings_service_is_not_noticed(corpus, app, embeddings_server, fault):
    embeddings_server.configure(fault)
    result = (await app.run(corpus))["result"]

    assert (result["embedded"], result["failed"]) == (3, 0)
    assert await is_whole(corpus, app)


async def test_text_whose_answer_stays_wrong_is_in_the_ledger_and_mended_by_the_next_run(
    corpus, app, embeddings_server
):
    embeddings_server.configure({"kind": "nan", "times": 2})
    first = (await app.run(corpus))["result"]
    second = (await app.run(corpus))["result"]

    assert (first["embedded"], first["failed"]) == (2, 1)
    assert [entry["code"] for entry in first["ledger"]] == ["EmbeddingInvalid"]
    assert (second["embedded"], second["unchanged"], second["failed"]) == (1, 2, 0)
    assert first["chunks"] + second["chunks"] == len(corpus.chunks())
    assert await is_whole(corpus, app)


async def test_answers_without_the_vectors_of_their_texts_are_waited_out(corpus, app, embeddings_server):
    embeddings_server.configure({"kind": "missing", "times": 4})
    result = (await app.run(corpus))["result"]

    assert (result["embedded"], result["failed"]) == (3, 0)
    assert await is_whole(corpus, app)


async def test_refused_key_stops_the_job_with_a_sentence_that_names_the_setting(
    corpus, app, embeddings_server
):
    embeddings_server.configure({"kind": "status", "status": 401, "times": 100})
    status = await app.run(corpus)

    assert (status["status"], status["error"]["code"]) == ("Failed", "EmbeddingsUnusable")
    assert "EMBEDDINGS_API_KEY" in status["error"]["message"]


async def test_job_outlives_a_pause_of_a_day_that_the_service_names_once(
    corpus, app, embeddings_server, monkeypatch
):
    impatient = replace(client._RETRIES, retry_after_max=0.2)
    monkeypatch.setattr(client, "_RETRIES", impatient)
    embeddings_server.configure({"kind": "status", "status": 429, "retry_after": 86_400, "times": 1})
    result = (await app.run(corpus))["result"]

    assert (result["embedded"], result["failed"]) == (3, 0)
    assert await is_whole(corpus, app)


async def test_job_that_the_service_puts_off_for_longer_than_its_patience_ends_and_is_mended_by_the_next(
    corpus, storage, settings, embeddings_server, monkeypatch
):
    with monkeypatch.context() as patched:
        # A deadline before the end of the pause, which the pool would wait out otherwise.
        patched.setattr(client, "_LEAST_SECONDS", 0.0)
        embeddings_server.configure({"kind": "status", "status": 429, "retry_after": 3_000})
        # The pool, whose clock is the real one, asks again after a minute: the job is to end before that.
        brief = {**settings, "EMBEDDINGS_TIMEOUT_SECONDS": "1", "PATIENCE_HOURS": "0.05"}
        async with instant_app(storage.connection_string, brief) as app:
            status = await app.run(corpus)
    asked = embeddings_server.counters()["requests"]
    async with instant_app(storage.connection_string, settings) as later:
        result = (await later.run(corpus))["result"]
        whole = await is_whole(corpus, later)

    assert (status["status"], status["error"]["code"], asked) == ("Failed", "Throttled", 1)
    assert (result["embedded"], result["failed"]) == (3, 0)
    assert whole


@pytest.mark.parametrize(
    ("faults", "failed"),
    [([{"kind": "hang"}], 0), ([{"kind": "nan", "times": 2}], 1)],
    ids=["service-hangs", "service-errs"],
)
async def test_indexed_source_is_found_all_the_time_while_its_new_text_has_no_vectors_yet(  # noqa: PLR0917 - fixtures
    corpus, storage, settings, embeddings_server, faults, failed: int
):
    async with instant_app(storage.connection_string, {**settings, "EMBEDDINGS_TIMEOUT_SECONDS": "1"}) as app:
        await app.run(corpus)
        before = corpus.searchable()["bears"]
        corpus.put(bears=EDITED_BEARS)
        embeddings_server.configure(*faults, latency=0.1)
        running = asyncio.create_task(app.run(corpus))
        seen = await searched_meanwhile(corpus, running)
        mended = (await app.run(corpus))["result"]

        assert running.result()["result"]["failed"] == mended["embedded"] == failed
        assert await is_whole(corpus, app)
    after = corpus.searchable()["bears"]
    assert seen
    assert all(texts.issuperset(before) or texts.issuperset(after) for texts in seen)


async def searched_meanwhile(corpus: Corpus, running: asyncio.Task[Any]) -> list[set[str]]:
    """The texts about bears that a search finds, again and again while a job runs."""
    seen = []
    while not running.done():
        found = await asyncio.to_thread(corpus.searchable)
        seen.append(set(found["bears"]))
    return seen


def some_request(_: Corpus, server: Embeddings) -> bool:
    return server.counters()["requests"] > 0


def some_chunk(corpus: Corpus, _: Embeddings) -> bool:
    try:
        return bool(corpus.chunks())
    except CosmosResourceNotFoundError:
        return False


@pytest.mark.parametrize("reached", [some_request, some_chunk])
def test_killed_host_goes_on_and_loses_or_doubles_no_chunk_and_no_token(  # noqa: PLR0917 - fixtures
    corpus, start_host, settings, embeddings_server, tmp_path: Path, reached: Callable[..., bool]
):
    own = {**settings, "COSMOS_CONCURRENCY": "1"}
    embeddings_server.configure(latency=0.2)
    with start_host(tmp_path / "state.db", **own) as (api, service):
        job = corpus.submit(api).json()["id"]
        deadline = time.monotonic() + 30
        while not reached(corpus, embeddings_server):
            assert time.monotonic() < deadline
        service.kill()
    with start_host(tmp_path / "state.db", **own) as (api, _):
        result = api.finished(job, seconds=120)["result"]
        (month,) = api.usage_after(corpus.env, result)["months"]
        chunks = corpus.chunks()
        charged = embeddings_server.counters()
        corpus.run(api, version="undisturbed")

    assert (result["embedded"], result["failed"]) == (3, 0)
    assert result["chunks"] == len(chunks)
    # Of what was under way when the host was killed nobody but the service knows whether it was charged.
    estimated = month.get("estimated", 0)
    assert result["tokens"] == month["tokens"]
    assert month["tokens"] - estimated <= charged["tokens"] <= month["tokens"]
    assert corpus.searchable() == corpus.searchable("undisturbed")


class HeldAfter:
    """A rule: writes pass up to one that has these words in it; those behind it are lost at `release`."""

    def __init__(self, words: str) -> None:
        self.is_holding = threading.Event()
        self._words = words.encode()
        self._written = threading.Event()
        self._released = threading.Event()

    def __call__(self, call: Call) -> Reply:
        if is_write(call) and self._written.is_set():
            self.is_holding.set()
            self._released.wait(60)
            raise AnswerLost
        reply = call.pass_on()
        if is_write(call) and self._words in call.body:
            self._written.set()
        return reply

    def release(self) -> None:
        """Ends the connections that wait."""
        self._released.set()


def test_host_that_is_killed_before_it_deletes_old_chunks_leaves_them_beside_the_new_ones(
    corpus, start_host, settings, cosmos_emulator: Cosmos, tmp_path: Path
):
    held = HeldAfter("After a long winter")
    with cosmos_proxy(cosmos_emulator) as proxy:
        own = {**settings, "COSMOS_ENDPOINT": proxy.origin}
        with start_host(tmp_path / "state.db", **own) as (api, service):
            corpus.run(api)
            before = corpus.searchable()["bears"]
            corpus.put(bears=EDITED_BEARS)
            proxy.rule = held
            job = corpus.submit(api).json()["id"]
            assert held.is_holding.wait(30)
            service.kill()
        found = corpus.searchable()["bears"]
        held.release()
        proxy.rule = Call.pass_on
        with start_host(tmp_path / "state.db", **own) as (api, _):
            result = api.finished(job, seconds=120)["result"]
            corpus.run(api, version="undisturbed")

    assert set(before) < set(found)
    assert (result["embedded"], result["unchanged"], result["failed"]) == (1, 2, 0)
    assert corpus.searchable() == corpus.searchable("undisturbed")
