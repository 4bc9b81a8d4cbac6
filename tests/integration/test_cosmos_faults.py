"""The index behind a proxy that lets writes of chunks fail now and then, as a busy Cosmos DB does."""

import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from azure.cosmos.exceptions import CosmosHttpResponseError

from local.emulators.cosmos.service import KEY, Cosmos
from shared_code.clients.composition import Clients
from shared_code.embeddings.vectors import Vector
from shared_code.index.cosmos_writer import CosmosIndex
from shared_code.settings import Settings
from tests.integration.test_cosmos_index import DONE, chunk
from tests.support.cosmos_proxy import answer_lost, cosmos_proxy, is_write, refused
from tests.support.service_proxy import Call, Reply, Rule

# Enough for several batches.
CHUNKS = [replace(chunk(str(number)), vector=Vector.of([number, 0.1, 1 / 3])) for number in range(120)]


def operation_refused(status: int) -> Rule:
    """One operation of a batch fails, and all others with it."""

    def answer(call: Call) -> Reply:
        results = [{"statusCode": 424, "requestCharge": 0} for _ in json.loads(call.body)]
        results[len(results) // 2]["statusCode"] = status
        return Reply.of(results, status=207)

    return answer


def half_done(call: Call) -> Reply:
    """A batch is broken off, which a store that is not atomic leaves as it is."""
    operations = json.loads(call.body)
    call.send(json.dumps(operations[: len(operations) // 2]).encode())
    return Reply.of({"code": "busy"}, status=503)


def half_answered(call: Call) -> Reply:
    """Of a part of a batch nothing is done, and nothing is said."""
    operations = json.loads(call.body)
    return call.send(json.dumps(operations[: len(operations) // 2]).encode())


@asynccontextmanager
async def busy(cosmos: Cosmos, *ahead: Rule) -> AsyncIterator[tuple[CosmosIndex, deque[Rule]]]:
    """An index, and the faults that its next writes of chunks meet, one after another."""
    faults = deque(ahead)

    def rule(call: Call) -> Reply:
        is_ill_fated = faults and is_write(call) and b'"embedding":' in call.body
        return faults.popleft()(call) if is_ill_fated else call.pass_on()

    with cosmos_proxy(cosmos, rule) as proxy:
        settings = {"COSMOS_ENDPOINT": proxy.origin, "COSMOS_KEY": KEY, "COSMOS_DATABASE": uuid4().hex}
        clients = Clients(Settings(settings))
        index = clients.index("test", "v1")
        await index.save([DONE], dimensions=3)
        try:
            yield index, faults
        finally:
            await clients.close()


async def is_whole(index: CosmosIndex) -> bool:
    """Whether each chunk is there once, with its own vector."""
    found = [(each.text, each.vector) async for page in index.vectors(DONE.source) for each in page]
    return sorted(found, key=str) == sorted(((each.text, each.vector) for each in CHUNKS), key=str)


@pytest.mark.parametrize(
    "fault",
    [
        *(refused(429), refused(413)),
        *map(operation_refused, (408, 413, 429, 449, 503)),
        *(answer_lost, half_answered),
    ],
    ids=[
        *("429", "413"),
        *(f"operation-{status}" for status in (408, 413, 429, 449, 503)),
        *("answer-lost", "half-answered"),
    ],
)
async def test_batch_that_fails_once_is_written_in_the_end(cosmos_emulator, fault):
    async with busy(cosmos_emulator, fault) as (index, faults):
        await index.write(CHUNKS)

        assert not faults
        assert await is_whole(index)


async def test_single_write_that_is_throttled_is_done_in_the_end(cosmos_emulator):
    async with busy(cosmos_emulator, *[refused(429)] * 3) as (index, faults):
        await index.write([chunk("x")])

        assert not faults
        assert list(await index.chunks(DONE.source)) == ["x"]


@pytest.mark.parametrize("broken_off", [refused(503), half_done], ids=["refused", "half-done"])
async def test_batch_that_the_service_cannot_do_now_is_raised_and_mended_by_another(
    cosmos_emulator, broken_off
):
    async with busy(cosmos_emulator, *[broken_off] * 20) as (index, faults):
        with pytest.raises(CosmosHttpResponseError, match="busy"):
            await index.write(CHUNKS)
        faults.clear()
        await index.write(CHUNKS)

        assert await is_whole(index)
