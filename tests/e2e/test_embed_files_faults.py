"""Embedding jobs while something fails: the job ends, its ledger tells, and a second run mends it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from local.embeddings import Embeddings
from tests.e2e.api_client import ApiClient
from tests.e2e.conftest import StartHost
from tests.e2e.corpus import DATABASE, SELF_CERTIFIED, Corpus, corpus

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED


@pytest.fixture(scope="module")
def api(start_host: StartHost, embedding_settings: dict[str, str]) -> Iterator[ApiClient]:
    with start_host(**embedding_settings, COSMOS_DATABASE=DATABASE) as (client, _):
        yield client


def is_whole(corpus: Corpus, api: ApiClient) -> bool:
    """Whether the index is what one undisturbed run would have made, nothing lost and nothing doubled."""
    corpus.run(api, version="undisturbed")
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
def test_passing_fault_of_the_embeddings_service_is_not_noticed(corpus, api, embeddings_server, fault):
    embeddings_server.configure(fault)
    result = corpus.run(api)["result"]

    assert (result["embedded"], result["failed"]) == (3, 0)
    assert is_whole(corpus, api)


def test_vector_that_stays_wrong_is_in_the_ledger_and_mended_by_the_next_run(corpus, api, embeddings_server):
    embeddings_server.configure({"kind": "nan", "times": 2})
    first = corpus.run(api)["result"]
    second = corpus.run(api)["result"]

    assert (first["embedded"], first["failed"]) == (2, 1)
    assert [entry["code"] for entry in first["ledger"]] == ["EmbeddingInvalid"]
    assert (second["embedded"], second["unchanged"], second["chunks"]) == (1, 2, 1)
    assert is_whole(corpus, api)


def test_refused_key_stops_the_job_with_a_sentence_that_names_the_setting(corpus, api, embeddings_server):
    embeddings_server.configure({"kind": "status", "status": 401})
    status = corpus.run(api)

    assert (status["status"], status["error"]["code"]) == ("Failed", "EmbeddingsUnusable")
    assert "EMBEDDINGS_API_KEY" in status["error"]["message"]


def test_indexed_source_keeps_its_vectors_while_its_new_text_cannot_be_embedded(
    corpus, api, embeddings_server
):
    corpus.run(api)
    before = corpus.searchable()
    corpus.put(bears="A new text about bears, which nobody can embed today.")
    embeddings_server.configure({"kind": "nan", "times": 2})
    result = corpus.run(api)["result"]

    assert result["failed"] == 1
    assert corpus.searchable() == before


def some_request(_: Corpus, server: Embeddings) -> bool:
    return server.counters()["requests"] > 0


def some_chunk(corpus: Corpus, _: Embeddings) -> bool:
    try:
        return bool(corpus.chunks())
    except CosmosResourceNotFoundError:
        return False


@pytest.mark.parametrize("reached", [some_request, some_chunk])
def test_killed_host_goes_on_and_loses_or_doubles_no_chunk_and_no_token(  # noqa: PLR0917 - fixtures
    corpus, start_host, embedding_settings, embeddings_server, tmp_path: Path, reached: Callable[..., bool]
):
    settings = {**embedding_settings, "COSMOS_DATABASE": DATABASE, "COSMOS_CONCURRENCY": "1"}
    embeddings_server.configure(latency=0.2)
    with start_host(tmp_path / "state.db", **settings) as (api, service):
        job = corpus.submit(api).json()["id"]
        deadline = time.monotonic() + 30
        while not reached(corpus, embeddings_server):
            assert time.monotonic() < deadline
        service.kill()
    with start_host(tmp_path / "state.db", **settings) as (api, _):
        result = api.finished(job, seconds=120)["result"]
        (month,) = api.usage_after(corpus.env, result)["months"]
        chunks = corpus.chunks()
        whole = is_whole(corpus, api)

    assert (result["embedded"], result["failed"]) == (3, 0)
    assert result["chunks"] == len(chunks)
    assert result["tokens"] == month["tokens"] == sum(chunk["tokens"] for chunk in chunks)
    assert result["requests"] == month["requests"] == sum(chunk["requests"] for chunk in chunks)
    assert whole
