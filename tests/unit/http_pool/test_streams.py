import asyncio
from typing import Any

import pytest

from shared_code.http_pool import (
    AttemptTimeout,
    Limits,
    ResponseBroken,
    RetryPolicy,
    ServiceError,
    StatusError,
    Timeouts,
)
from tests.unit.http_pool.scripted_service import answer, calling, eventually, half_a_body, raw, silence

BODY = bytes(range(256)) * 4_000


async def test_body_is_handed_out_as_it_arrives():
    async with calling(answer(body=BODY, etag="1")) as (_, caller), caller.stream("GET", "/file") as response:
        parts = [part async for part in response]
    assert (response.status, response.headers["ETag"]) == (200, "1")
    assert len(parts) > 1
    assert b"".join(parts) == BODY


async def test_stream_is_retried_until_it_begins():
    script = [answer(503), answer(body=b"begun")]
    async with calling(*script) as (_, caller), caller.stream("GET", "/") as response:
        assert [part async for part in response] == [b"begun"]


async def test_stream_that_breaks_off_is_an_error_and_not_retried():
    broken = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ")
    async with calling(broken) as (service, caller):
        with pytest.raises(ResponseBroken, match="answered in part"):
            async with caller.stream("GET", "/") as response:
                [part async for part in response]
    assert len(service.received) == 1


async def test_refused_stream_is_an_error_with_its_body():
    async with calling(answer(404, b"none")) as (_, caller):
        with pytest.raises(StatusError) as caught:
            async with caller.stream("GET", "/"):
                pass
    assert caught.value.body == b"none"


@pytest.mark.parametrize("step", [silence, half_a_body])
async def test_silent_stream_times_out_before_and_between_its_parts(step):
    options: Any = {"timeouts": Timeouts(attempt=0.05), "retries": RetryPolicy(attempts=1)}
    async with calling(step, **options) as (_, caller):
        with pytest.raises(AttemptTimeout):
            async with caller.stream("GET", "/") as response:
                [part async for part in response]


async def test_stream_keeps_its_slot_until_it_is_closed():
    async with calling(answer(body=BODY), limits=Limits(max_connections=1)) as (service, caller):
        async with caller.stream("GET", "/"):
            waiting = asyncio.create_task(caller.get("/"))
            await asyncio.sleep(0)
            assert len(service.received) == 1
        assert (await waiting).body == BODY


async def test_unread_stream_leaves_no_connection_open():
    async with calling(answer(body=BODY * 20)) as (service, caller):
        async with caller.stream("GET", "/"):
            pass
        await eventually(lambda: not service.open_connections)
        assert caller.figures().in_flight == 0


async def test_failed_streams_give_their_slots_back():
    async with calling(answer(500), limits=Limits(max_connections=1)) as (_, caller):
        for _ in range(3):
            with pytest.raises(ServiceError):
                async with caller.stream("GET", "/"):
                    pass
