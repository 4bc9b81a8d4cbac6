"""Blobs that are read whole or not at all, whatever lies between here and their service."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from azure.core.exceptions import DecodeError, IncompleteReadError
from azure.storage.blob.aio import ContainerClient

from shared_code.clients.composition import Clients
from shared_code.settings import Settings
from shared_code.storage import reading
from shared_code.storage.reading import TooManyBytes, chunks_of_blob, read_blob, read_json
from tests.unit.http_pool.scripted_service import Step, answer, serving, trickle
from tests.unit.storage_stub import KEY


def part(body: bytes, *, of: int) -> Step:
    """The answer to a request for the beginning of a blob of that many bytes."""
    last = max(of, 1) - 1
    return answer(206, body, content_range=f"bytes 0-{last}/{of}", etag='"1"', x_ms_request_id="1")


@asynccontextmanager
async def container_of(*script: Step) -> AsyncIterator[ContainerClient]:
    async with serving(*script) as service:
        storage = f"AccountName=account;AccountKey={KEY};BlobEndpoint={service.url}/account"
        clients = Clients(Settings({"AZURE_STORAGE_CONNECTION_STRING": storage}))
        try:
            yield clients.jobs_container
        finally:
            await clients.close()


async def test_blob_is_read_with_its_etag():
    async with container_of(part(b"whole", of=5)) as container:
        blob = await read_blob(container, "a")
    assert (blob.data, blob.etag) == (b"whole", "1")


async def test_half_a_blob_is_none_although_its_answer_ends_well():
    async with container_of(part(b"hal", of=5)) as container:
        with pytest.raises(IncompleteReadError):
            await read_blob(container, "a")
        with pytest.raises(IncompleteReadError):
            _ = [chunk async for chunk in chunks_of_blob(container, "a")]


async def test_blob_that_is_too_large_is_not_read():
    async with container_of(part(b"whole", of=5)) as container:
        with pytest.raises(TooManyBytes):
            await read_blob(container, "a", limit=4)


async def test_answer_that_does_not_say_which_part_it_is_is_strange():
    async with container_of(answer(200, b"", x_ms_request_id="1")) as container:
        with pytest.raises(DecodeError):
            await read_blob(container, "a")


@pytest.mark.parametrize("body", [b"", b"[1, 2", b"<html>", b"[" * 100_000, b"\xff"])
async def test_json_that_is_none_is_strange(body: bytes):
    async with container_of(part(body, of=len(body))) as container:
        with pytest.raises(DecodeError):
            await read_json(container, "a")


async def test_blob_that_comes_byte_by_byte_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "_LEAST_TIME", 0.1)
    async with container_of(trickle) as container, asyncio.timeout(30):
        with pytest.raises(TimeoutError):
            await read_blob(container, "a")
    # The SDK leaves the connection of a download that is cancelled to the garbage collector.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
