"""Requests of SDKs: how long they wait for an answer, and for a service that throttles them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from typing import Any

import pytest
from azure.core.exceptions import ServiceResponseTimeoutError
from azure.core.rest import HttpRequest

from shared_code.network import Network, StrangeAnswer
from tests.unit.http_pool.scripted_service import JumpingClock, Step, answer, serving, silence, trickle


@asynccontextmanager
async def sending(*script: Step, **bounds: Any) -> AsyncIterator[Any]:
    """A service, the transport, and a clock on which nobody waits."""
    clock = JumpingClock()
    network = Network(clock=clock, **bounds)
    async with serving(*script) as service, network.transport() as transport:
        yield service, lambda **options: transport.send(HttpRequest("GET", service.url), **options), clock


async def test_moment_that_a_throttled_answer_asks_for_is_waited_for():
    busy = answer(429, x_ms_retry_after_ms="1500")
    async with sending(busy, busy, answer(x_ms_request_id="1")) as (service, send, clock):
        response = await send()

    assert (response.status_code, len(service.received), clock.slept) == (200, 3, [1.5, 1.5])


@pytest.mark.parametrize("asked", ["61000", "86400000"])
async def test_longer_pause_is_left_to_whoever_asked(asked: str):
    async with sending(answer(429, x_ms_retry_after_ms=asked)) as (service, send, clock):
        response = await send()

    assert (response.status_code, len(service.received), clock.slept) == (429, 1, [])


async def test_service_that_throttles_for_long_by_moments_is_left_to_whoever_asked():
    async with sending(answer(429, retry_after="4")) as (service, send, clock):
        response = await send()

    assert (response.status_code, len(service.received), clock.slept) == (429, 3, [4, 4])


async def test_service_that_throttles_on_and_on_is_asked_ten_times():
    async with sending(answer(429, x_ms_retry_after_ms="1")) as (service, send, _):
        assert (await send()).status_code == 429
        assert len(service.received) == 10


async def test_throttled_answer_without_a_time_is_passed_on():
    async with sending(answer(429)) as (service, send, _):
        assert (await send()).status_code == 429
        assert len(service.received) == 1


@pytest.mark.parametrize("asked", [300, None])
async def test_wait_for_an_answer_is_bounded_whatever_the_sdk_asks_for(asked):
    async with sending(silence, answer=0.05) as (_, send, _), asyncio.timeout(30):
        with pytest.raises(ServiceResponseTimeoutError):
            await send(read_timeout=asked)


async def test_wait_between_two_tries_of_an_sdk_goes_by_the_clock():
    clock = JumpingClock()
    async with Network(clock=clock).transport() as transport:
        await transport.sleep(61)

    assert clock.slept == [61]


@pytest.mark.parametrize(
    ("status", "content_type"),
    [
        *product((200, 204, 301, 307, 400, 404, 409, 412), ("text/html; charset=utf-8", "application/json")),
        *product((401, 403), ("text/html; charset=utf-8",)),
    ],
)
async def test_answer_without_a_header_of_azure_is_not_that_of_a_service(status: int, content_type: str):
    async with sending(answer(status, b"", content_type=content_type)) as (_, send, _):
        with pytest.raises(StrangeAnswer):
            await send()


@pytest.mark.parametrize("body", [b"", b"null", b" \n"])
@pytest.mark.parametrize("content_type", ["application/json", "application/xml;charset=utf-8"])
async def test_json_or_xml_in_which_nothing_is_is_no_answer(body: bytes, content_type: str):
    nothing = answer(200, body, content_type=content_type, x_ms_request_id="1")
    async with sending(nothing) as (_, send, _):
        with pytest.raises(StrangeAnswer):
            await send()


async def test_refusal_of_a_gateway_in_the_form_of_an_api_is_taken_at_its_word():
    async with sending(answer(403, b"{}", content_type="application/json")) as (_, send, _):
        assert (await send()).status_code == 403


async def test_absence_that_the_service_itself_tells_is_passed_on():
    async with sending(answer(404, b"", X_MS_Request_Id="1")) as (_, send, _):
        assert (await send()).status_code == 404


async def test_answer_that_comes_byte_by_byte_is_not_waited_for_without_end():
    async with sending(trickle, whole=0.1) as (_, send, _), asyncio.timeout(30):
        with pytest.raises(ServiceResponseTimeoutError):
            await send()


async def test_file_that_is_a_page_is_taken_from_a_service():
    page = answer(200, b"<html>", content_type="text/html", x_ms_request_id="1")
    async with sending(page) as (_, send, _):
        assert (await send()).status_code == 200


@pytest.mark.parametrize("status", [408, 413, 429, 500, 502, 503, 504, 520])
async def test_page_of_a_gateway_while_a_service_is_away_is_an_error_like_any_other(status: int):
    async with sending(answer(status, b"<html>", content_type="text/html")) as (_, send, _):
        assert (await send()).status_code == status
