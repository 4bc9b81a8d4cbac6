"""Questions to the index over HTTP, and an index that moves into another container."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from azure.cosmos import CosmosClient
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient

from local.emulators.cosmos.service import KEY, Cosmos
from local.http_client import Answer, request
from local.ports import free_port
from tests.support.api_client import ApiClient, StartHost
from tests.support.corpus import SEARCHED_DATABASE, SELF_CERTIFIED, Corpus, corpus, empty_corpus
from tests.support.old_container import create_old_container

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED
TRAVEL = "# Handbook\n\n## Travel\n\nTrains are preferred to planes.\n"
LEAVE = "# Handbook\n\n## Leave\n\nEverybody has 25 days a year.\n"


@pytest.fixture(scope="module")
def settings(embedding_settings: dict[str, str]) -> dict[str, str]:
    return {**embedding_settings, "COSMOS_DATABASE": SEARCHED_DATABASE}


@pytest.fixture(scope="module")
def api(start_host: StartHost, settings: dict[str, str]) -> Iterator[ApiClient]:
    with start_host(**settings, MONTHLY_BUDGETS="poor=0.000001") as (client, _):
        yield client


@pytest.fixture(scope="module")
def handbook(storage: Any, cosmos_client: CosmosClient, api: ApiClient) -> Iterator[Corpus]:
    """Two files in version v1, which is live."""
    with empty_corpus(storage, cosmos_client) as made:
        for name, text in {"travel": TRAVEL, "leave": LEAVE}.items():
            made.files.upload_blob(f"docs/{name}.md", text)
        made.run(api)
        put = request("PUT", f"{api.origin}/api/index/{made.env}", body={"live": "v1", "force": True})
        assert put.status == 200
        yield made


def ask(api: ApiClient, env: str, question: str, **more: Any) -> Answer:
    return api.send("GET", f"/api/search?{urlencode({'env': env, 'q': question, **more})}")


@pytest.mark.parametrize("mode", ["hybrid", "vector", "text"])
def test_live_version_answers_with_the_text_and_where_it_stands(api, handbook, mode):
    answer = ask(api, handbook.env, "Are trains preferred to planes?", mode=mode, top=1)
    body = answer.json()

    assert answer.status == 200
    assert (body["index"], body["mode"], "notice" in body) == (f"{handbook.env}|v1", mode, False)
    [best] = body["results"]
    assert best["source"] == f"{handbook.files.container_name}/docs/travel.md"
    assert (best["text"].splitlines()[-1], best["ordinal"]) == ("Trains are preferred to planes.", 0)
    assert (best["position"], best["score"] > 0) == ({"line": 1, "section": "Handbook"}, True)


def test_question_costs_its_tokens_and_they_are_in_the_usage(api, handbook, embeddings_server):
    month = f"{datetime.now(UTC):%Y-%m}"
    before = next(one for one in api.usage(handbook.env)["months"] if one["month"] == month)["tokens"]
    told = ask(api, handbook.env, "How many days of leave?").json()["tokens"]

    usage = api.usage_after(handbook.env, {"tokens": before + told})
    assert told == embeddings_server.counters()["tokens"] > 0
    assert usage["months"][0]["tokens"] == before + told


@pytest.mark.usefixtures("handbook")  # without an index, no question is embedded
def test_environment_at_its_budget_asks_by_words_alone(api):
    spending = {"tokens": 60, "requests": 1}
    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda _: ask(api, "poor", "x " * 500, version="v1"), range(20)))
    api.usage_after("poor", spending)
    refused = ask(api, "poor", "Trains?", version="v1")
    by_words = ask(api, "poor", "Trains?", version="v1", mode="text")

    assert {answer.status for answer in answers} <= {404, 429}
    assert (refused.status, refused.json()["code"]) == (429, "BudgetReached")
    assert (by_words.status, by_words.json()["code"]) == (404, "VersionNotFound")


def test_twenty_questions_at_once_are_all_answered(api, handbook):
    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda _: ask(api, handbook.env, "Trains or planes?"), range(20)))

    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()["results"][0]["source"] for answer in answers}) == 1


@pytest.mark.parametrize("status", [401, 503])
def test_embeddings_service_that_fails_leaves_a_search_by_words(api, handbook, embeddings_server, status):
    embeddings_server.configure({"kind": "status", "status": status, "times": 9})
    answer = ask(api, handbook.env, "Are trains preferred?").json()

    assert (answer["mode"], answer["tokens"]) == ("text", 0)
    assert "words alone" in answer["notice"]["message"]
    assert answer["results"][0]["source"].endswith("travel.md")


@pytest.mark.parametrize(
    ("params", "code"),
    [({"version": "v9"}, "VersionNotFound"), ({"env": "nobody"}, "NoLiveVersion")],
)
def test_what_cannot_be_searched_is_a_404(api, handbook, params, code):
    answer = ask(api, question="Trains?", **{"env": handbook.env, **params})

    assert (answer.status, answer.json()["code"]) == (404, code)


@pytest.mark.parametrize(
    "query",
    [
        "q=",
        "q=%3F%21",
        f"q={'x' * 1001}",
        "q=a&top=0",
        "q=a&mode=both",
        "q=a&kind=x",
        "q=a%00b",
        "q=%ED%A0%BD",
    ],
)
def test_what_is_no_question_is_a_400(api, query):
    answer = api.send("GET", f"/api/search?env=nobody&{query}")

    assert (answer.status, answer.json()["code"]) == (400, "InvalidField")


def test_cosmos_db_that_is_down_is_a_503_that_says_when_to_ask_again(start_host, settings):
    with start_host(**settings | {"COSMOS_ENDPOINT": f"https://127.0.0.1:{free_port()}"}) as (api, _):
        answer = ask(api, "prod", "Trains?", version="v1", mode="text")

    assert (answer.status, answer.json()["code"]) == (503, "IndexUnavailable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0


def test_index_in_an_old_container_moves_over_with_no_token(
    start_host, settings, handbook, cosmos_emulator, embeddings_server
):
    old, new = f"old-{uuid4().hex}", f"new-{uuid4().hex}"
    asyncio.run(make_old(cosmos_emulator, old, int(settings["EMBEDDINGS_DIMENSIONS"])))
    with start_host(**settings, COSMOS_CONTAINER=old) as (api, _):
        first = handbook.run(api)["result"]
        before = ask(api, handbook.env, "Trains?", version="v1").json()
    embeddings_server.reset()
    with start_host(**settings, COSMOS_CONTAINER=new, COSMOS_PREVIOUS_CONTAINER=old) as (api, _):
        moved = handbook.run(api)["result"]
        after = ask(api, handbook.env, "Trains?", version="v1", mode="text").json()

    assert (before["mode"], before["notice"]["code"]) == ("vector", "NoFullTextIndex")
    assert (moved["embedded"], moved["tokens"], moved["chunks"]) == (2, 0, first["chunks"])
    assert embeddings_server.counters()["requests"] == 0
    assert (after["mode"], "notice" in after) == ("text", False)
    assert after["results"][0]["source"].endswith("travel.md")


async def make_old(cosmos: Cosmos, name: str, dimensions: int) -> None:
    async with AsyncCosmosClient(cosmos.endpoint, KEY) as client:
        database = await client.create_database_if_not_exists(SEARCHED_DATABASE)
        await create_old_container(database, name, dimensions=dimensions)
