"""The embeddings client against servers in this process: the project's own, and one on script."""

import json
import math
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from local.emulators.embeddings.app import API_KEY, create_app
from local.emulators.embeddings.behaviour import Behaviour
from local.emulators.embeddings.models import HashingModel
from shared_code.clients.composition import Clients
from shared_code.embeddings.client import (
    Bill,
    Embedding,
    EmbeddingInvalid,
    EmbeddingRefused,
    EmbeddingsStrange,
    EmbeddingsUnusable,
    WrongDimensions,
)
from shared_code.http_pool import ConnectionLost, ResponseNotJson, StatusError
from shared_code.settings import Settings

MODEL = "text-embedding-3-small"


@asynccontextmanager
async def client_of(app: web.Application, path: str = "/v1", key: str = API_KEY) -> Any:
    """A client of the app's own making for a server in this process."""
    async with TestServer(app) as server:
        endpoint = str(server.make_url(path))
        clients = Clients(Settings({"EMBEDDINGS_ENDPOINT": endpoint, "EMBEDDINGS_API_KEY": key}))
        try:
            yield clients.embeddings
        finally:
            await clients.close()


def scripted(*answers: Any) -> Any:
    """A server that gives these answers in turn, the last one for ever; it keeps the bodies it was sent."""
    asked: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.json())
        status, body = answers[min(len(asked), len(answers)) - 1]
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/v1/embeddings", answer)
    return app, asked


def saying(text: str, content_type: str, status: int = 200) -> web.Application:
    """A server with one answer."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=content_type, status=status)

    app = web.Application()
    app.router.add_post("/v1/embeddings", answer)
    return app


def pages(status: int) -> web.Application:
    """A website, or a gateway with pages of its own."""
    return saying("<!doctype html><title>Welcome</title>", "text/html", status)


def vectors(*values: Any, tokens: int = 6) -> Any:
    data = [{"index": index, "embedding": value} for index, value in enumerate(values)]
    return 200, {"data": data, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def refusal(status: int, message: str = "no", **details: str) -> Any:
    return status, {"error": {"message": message, **details}}


@pytest.mark.parametrize("path", ["/v1", "/openai/deployments/any?api-version=2024-10-21"])
async def test_both_forms_of_the_api_give_the_same_vectors(path):
    async with client_of(create_app(HashingModel()), path) as client:
        [found] = await client.embed(["a text"], model=MODEL, dimensions=8)

    assert isinstance(found, Embedding)
    numbers = json.loads(found.vector.json)
    assert len(numbers) == found.vector.dimensions == 8
    assert math.isclose(sum(number * number for number in numbers), 1, rel_tol=1e-5)


async def test_vectors_are_put_in_order_by_their_index():
    behaviour = Behaviour()
    async with client_of(create_app(HashingModel(), behaviour)) as client:
        straight = await client.embed(["one", "two", "three"], model=MODEL, dimensions=8)
        behaviour.configure({"faults": [{"kind": "reversed"}]})
        assert await client.embed(["one", "two", "three"], model=MODEL, dimensions=8) == straight


@pytest.mark.parametrize("answered", [[0.5, 0.25], "AAAAPwAAgD4="], ids=["numbers", "base64"])
async def test_numbers_are_asked_for_and_base64_is_taken_too(answered):
    app, asked = scripted(vectors(answered))
    async with client_of(app) as client:
        [found] = await client.embed(["x"], model=MODEL, dimensions=2)

    assert json.loads(found.vector.json) == [0.5, 0.25]
    assert (found.tokens, found.requests) == (6, 1)
    assert asked[0]["encoding_format"] == "float"


async def test_charged_tokens_are_shared_out_by_length_without_a_rest():
    app, _ = scripted(vectors([1.0], [1.0], [1.0], tokens=100))
    async with client_of(app) as client:
        found = await client.embed(["a", "a" * 7, "aa"], model=MODEL, dimensions=1)

    assert [each.tokens for each in found] == [10, 70, 20]


@pytest.mark.parametrize("model", [MODEL, "embeddings-prod", "text-embedding-ada-002", "own"])
@pytest.mark.parametrize("dimensions", [1, None])
async def test_dimensions_are_sent_when_they_are_set_whatever_the_model_is_called(model, dimensions):
    app, asked = scripted(vectors([1.0]))
    async with client_of(app) as client:
        await client.embed(["x"], model=model, dimensions=dimensions)

    assert asked[0].get("dimensions") == dimensions


async def test_vectors_that_all_have_another_size_are_a_settings_fault_and_paid_for_once():
    app, asked = scripted(vectors([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]))
    bill = Bill()
    async with client_of(app) as client:
        with pytest.raises(WrongDimensions, match="of 3 numbers, and EMBEDDINGS_DIMENSIONS asks for 2"):
            await client.embed(["a", "b"], model=MODEL, dimensions=2, bill=bill)

    assert (len(asked), bill) == (1, Bill(tokens=6, requests=1))


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, message="This model does not support specifying dimensions."),
        refusal(400, message="Model does not support matryoshka, changing output dimensions fails"),
        refusal(422, message="dimensions: extra field"),
        refusal(400, param="dimensions"),
    ],
)
async def test_model_that_refuses_dimensions_stops_the_job_and_the_setting_is_named(answer):
    app, asked = scripted(answer)
    async with client_of(app) as client:
        with pytest.raises(EmbeddingsUnusable, match="EMBEDDINGS_DIMENSIONS, which is 2"):
            await client.embed(["a", "b"], model=MODEL, dimensions=2)

    assert len(asked) == 1


async def test_only_the_texts_whose_vectors_are_garbled_are_asked_for_again():
    app, asked = scripted(vectors([1.0], [float("nan")], tokens=20), vectors([2.0], tokens=7))
    bill = Bill()
    async with client_of(app) as client:
        found = await client.embed(["a", "b"], model=MODEL, dimensions=1, bill=bill)

    assert [body["input"] for body in asked] == [["a", "b"], ["b"]]
    assert [(each.vector.json, each.tokens) for each in found] == [(b"[1.0]", 10), (b"[2.0]", 17)]
    assert bill == Bill(tokens=27, requests=2)


async def test_answer_that_does_not_tell_its_tokens_is_on_the_bill_as_unknown():
    app, _ = scripted((200, {"data": [{"index": 0, "embedding": [1.0]}]}))
    bill = Bill()
    async with client_of(app) as client:
        await client.embed(["abc"], model=MODEL, dimensions=1, bill=bill)

    assert bill == Bill(requests=1, unknown=3)


@pytest.mark.parametrize(("lost", "raises"), [(1, False), (2, True)])
async def test_request_whose_answer_is_lost_is_on_the_bill_and_sent_again_but_not_for_ever(lost, raises):
    behaviour = Behaviour()
    behaviour.configure({"faults": [{"kind": "disconnect"}] * lost})
    bill = Bill()
    async with client_of(create_app(HashingModel(), behaviour)) as client:
        asking = client.embed(["four", "more"], model=MODEL, dimensions=8, bill=bill)
        if raises:
            with pytest.raises(ConnectionLost):
                await asking
        else:
            await asking

    assert bill == Bill(tokens=behaviour.counters.tokens, requests=int(not raises), unknown=8 * lost)


@pytest.mark.parametrize("status", [200, 204, 301, 307])
async def test_website_at_the_address_is_waited_for_and_is_paid_nothing(status):
    app, bill = pages(status), Bill()
    async with client_of(app) as client:
        with pytest.raises(EmbeddingsStrange, match="EMBEDDINGS_ENDPOINT"):
            await client.embed(["a text"], model=MODEL, dimensions=8, bill=bill)
    assert bill == Bill()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_page_of_a_gateway_is_no_refusal_of_key_model_or_text(status):
    app, bill = pages(status), Bill()
    async with client_of(app) as client:
        with pytest.raises(StatusError):
            await client.embed(["a", "b"], model=MODEL, dimensions=8, bill=bill)
    assert bill == Bill()


async def test_page_that_refuses_a_request_for_its_size_is_taken_at_its_word():
    async with client_of(pages(413)) as client:
        found = await client.embed(["a", "b"], model=MODEL, dimensions=8)
    assert [type(each) for each in found] == [EmbeddingRefused, EmbeddingRefused]


@pytest.mark.parametrize("begin", ["", '{"data": ', '{"usage": ', '{"data": [{"index": 0, "embedding": '])
async def test_answer_of_no_sensible_depth_is_no_fault_of_the_app(begin):
    async with client_of(saying(begin + "[" * 100_000, "application/json")) as client:
        with pytest.raises((EmbeddingsStrange, ResponseNotJson)):
            await client.embed(["a"], model=MODEL, dimensions=8)


@pytest.mark.parametrize(
    ("usage", "bill"),
    [
        ({"total_tokens": None, "prompt_tokens": 7}, Bill(tokens=7, requests=1)),
        ({"total_tokens": 0}, Bill(tokens=0, requests=1)),
        ({"total_tokens": -3}, Bill(requests=1, unknown=4)),
        ({"total_tokens": "7"}, Bill(requests=1, unknown=4)),
        ({"total_tokens": True}, Bill(requests=1, unknown=4)),
        ({}, Bill(requests=1, unknown=4)),
        ([7], Bill(requests=1, unknown=4)),
        (None, Bill(requests=1, unknown=4)),
    ],
)
async def test_tokens_are_counted_as_told_or_else_estimated(usage, bill):
    app, _ = scripted((200, {"data": [{"index": 0, "embedding": [1.0]}], "usage": usage}))
    told = Bill()
    async with client_of(app) as client:
        await client.embed(["text"], model=MODEL, dimensions=1, bill=told)
    assert told == bill


async def test_vectors_in_another_order_belong_to_their_texts():
    data = [{"index": n, "embedding": [float(n), 1.0]} for n in (2, 0, 1, 1)]
    app, _ = scripted((200, {"data": data, "usage": {"total_tokens": 6}}))
    async with client_of(app) as client:
        found = await client.embed(["a", "b", "c"], model=MODEL, dimensions=2)
    assert [each.vector.numbers()[0] for each in found] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_request_that_is_refused_at_first_is_not_on_the_bill(status):
    behaviour = Behaviour()
    behaviour.configure({"faults": [{"kind": "status", "status": status, "retry_after": 0}]})
    bill = Bill()
    async with client_of(create_app(HashingModel(), behaviour)) as client:
        await client.embed(["one"], model=MODEL, dimensions=8, bill=bill)

    assert bill == Bill(tokens=behaviour.counters.tokens, requests=1)


async def test_batch_that_is_too_large_is_halved_until_it_passes():
    behaviour = Behaviour()
    async with client_of(create_app(HashingModel(), behaviour)) as client:
        found = await client.embed(["word"] * 5_000, model=MODEL, dimensions=8)

    assert len(found) == 5_000
    assert behaviour.counters.requests == 1 + 2 + 4
    assert behaviour.counters.inputs == 5_000


async def test_single_text_that_is_refused_fails_alone():
    async with client_of(create_app(HashingModel())) as client:
        before, refused, after = await client.embed(["a", "word " * 9_000, "b"], model=MODEL, dimensions=8)

    assert isinstance(refused, EmbeddingRefused)
    assert str(refused).startswith("The embeddings service answered 400: ")
    assert isinstance(before, Embedding)
    assert isinstance(after, Embedding)


@pytest.mark.parametrize(
    "answer",
    [
        vectors([1.0, 2.0], [float("nan"), 1.0]),
        vectors([1.0, 2.0], [float("inf"), 1.0]),
        vectors([1.0, 2.0], [1.0]),
        vectors([1.0, 2.0], []),
        vectors([1.0, 2.0], None),
        vectors([1.0, 2.0], "no base64"),
    ],
)
async def test_vector_that_stays_wrong_is_a_failure_of_its_text_only(answer):
    app, asked = scripted(answer)
    async with client_of(app) as client:
        right, wrong = await client.embed(["a", "b"], model=MODEL, dimensions=2)

    assert isinstance(right, Embedding)
    assert isinstance(wrong, EmbeddingInvalid)
    assert len(asked) == 2


@pytest.mark.parametrize("body", [{}, [], {"data": "x"}, vectors([1.0])[1], vectors([1.0], [1.0], [1.0])[1]])
async def test_answers_without_the_vectors_of_their_texts_are_no_fault_of_the_texts(body):
    app, asked = scripted((200, body))
    bill = Bill()
    async with client_of(app) as client:
        with pytest.raises(EmbeddingsStrange, match="EMBEDDINGS_ENDPOINT"):
            await client.embed(["a", "b"], model=MODEL, dimensions=1, bill=bill)

    assert (len(asked), bill.requests) == (2, 2)


async def test_sizes_may_be_the_models_own_as_long_as_they_agree():
    app, _ = scripted(vectors([1.0, 2.0], [1.0, 2.0, 3.0]))
    async with client_of(app) as client:
        right, wrong = await client.embed(["a", "b"], model=MODEL, dimensions=None)

    assert right.vector.dimensions == 2
    assert "3 numbers instead of 2" in str(wrong)


@pytest.mark.parametrize(
    "answer",
    [
        refusal(401),
        refusal(403),
        refusal(404, code="model_not_found"),
        refusal(400, param="dimensions"),
        refusal(400, param="model"),
    ],
)
async def test_refusal_that_holds_for_every_text_stops_the_job_and_names_the_settings(answer):
    app, asked = scripted(answer)
    async with client_of(app) as client:
        with pytest.raises(EmbeddingsUnusable, match="EMBEDDINGS_ENDPOINT, EMBEDDINGS_API_KEY"):
            await client.embed(["a", "b"], model=MODEL, dimensions=1)

    assert len(asked) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_words_of_a_service_that_refuses_the_key_are_not_repeated(status):
    app, _ = scripted(refusal(status, message="Incorrect API key provided: sk-one...two"))
    async with client_of(app) as client:
        with pytest.raises(
            EmbeddingsUnusable, match=f"answered {status}; check EMBEDDINGS_ENDPOINT"
        ) as refused:
            await client.embed(["a"], model=MODEL, dimensions=1)

    assert "sk-one" not in str(refused.value)
    assert refused.value.refused_by == "embeddings"


async def test_key_is_sent_in_the_way_of_each_form():
    seen: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.headers.get("Authorization"), request.headers.get("api-key")))
        return web.json_response(vectors([1.0])[1])

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    for path in ("/v1", "/openai/deployments/any"):
        async with client_of(app, path, key="k") as client:
            await client.embed(["a"], model=MODEL, dimensions=1)

    assert seen == [("Bearer k", None), (None, "k")]
