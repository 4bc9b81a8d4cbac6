"""call_http against a real server: what an orchestration gets to see of an answer."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from devhost.engine.errors import FunctionFailed
from devhost.worker.http_calls import HttpCaller
from local.ports import free_port


@pytest.fixture
async def server() -> AsyncIterator[BaseTestServer]:
    async def echo(request: web.Request) -> web.Response:
        headers = {"X-Custom": "1", "Location": "/elsewhere"}
        body = {
            "method": request.method,
            "said": await request.text(),
            "tenant": request.headers.get("tenant"),
        }
        return web.json_response(body, status=202, headers=headers)

    application = web.Application()
    application.router.add_route("*", "/echo", echo)
    async with TestServer(application) as server:
        yield server


@pytest.fixture
async def caller() -> AsyncIterator[HttpCaller]:
    caller = HttpCaller()
    yield caller
    await caller.close()


async def test_answer_has_status_content_and_no_content_headers(caller: HttpCaller, server: BaseTestServer):
    request = {
        "method": "POST",
        "uri": str(server.make_url("/echo")),
        "content": "hi",
        "headers": {"tenant": "a"},
    }
    answer = json.loads(await caller.call(json.dumps(request)))
    assert answer["statusCode"] == 202
    assert json.loads(answer["content"]) == {"method": "POST", "said": "hi", "tenant": "a"}
    assert answer["headers"]["X-Custom"] == "1"
    assert not {"Content-Type", "Content-Length"} & set(answer["headers"])


async def test_accepted_answer_is_not_polled(caller: HttpCaller, server: BaseTestServer):
    request = {"method": "GET", "uri": str(server.make_url("/echo"))}
    assert json.loads(await caller.call(json.dumps(request)))["headers"]["Location"] == "/elsewhere"


async def test_refused_connection_fails_with_address_and_reason(caller: HttpCaller):
    port = free_port()
    with pytest.raises(FunctionFailed, match=rf"^Connection refused \(127\.0\.0\.1:{port}\)$"):
        await caller.call(json.dumps({"method": "GET", "uri": f"http://127.0.0.1:{port}/"}))


async def test_token_source_fails_and_says_why(caller: HttpCaller):
    request = {"method": "GET", "uri": "http://127.0.0.1:9/", "tokenSource": {"resource": "x"}}
    with pytest.raises(FunctionFailed, match="no managed identity"):
        await caller.call(json.dumps(request))


def served(response: web.Response) -> TestServer:
    async def answer(_request: web.Request) -> web.Response:
        return response

    application = web.Application()
    application.router.add_route("*", "/", answer)
    return TestServer(application)


@pytest.mark.parametrize("charset", ["", "utf-8", "hex", "base64", "idna", "no-such", "utf-16"])
async def test_answer_that_is_no_text_becomes_one(caller: HttpCaller, charset: str):
    kind = f"image/png; charset={charset}" if charset else "image/png"
    async with served(web.Response(body=b"\x89PN\xff", headers={"Content-Type": kind})) as server:
        answer = json.loads(
            await caller.call(json.dumps({"method": "GET", "uri": str(server.make_url("/"))}))
        )
    assert isinstance(answer["content"], str)
    answer["content"].encode()


ODD_REQUESTS = [
    {"headers": {"X": "a\nb"}},
    {"headers": {"X\r": "a"}},
    {"headers": {"X": "a\0b"}},
    {"headers": {"": "a"}},
    {"headers": ["X"]},
    {"method": "G T"},
    {"method": "G\r\nT"},
    {"method": 5},
    {"uri": ""},
    {"uri": "file:///etc/hostname"},
    {"uri": "http://[::1"},
    {"uri": "http://localhost:99999/"},
    {"uri": None},
    {"content": 5},
]


@pytest.mark.parametrize("odd", ODD_REQUESTS, ids=str)
async def test_request_that_cannot_be_sent_fails(caller: HttpCaller, odd: dict[str, object]):
    request = {"method": "POST", "uri": f"http://127.0.0.1:{free_port()}/", **odd}
    with pytest.raises(FunctionFailed):
        await caller.call(json.dumps(request))


@pytest.mark.parametrize("header", ["a\nb", "a\rb", "a\r\nb: c"])
async def test_line_break_in_a_header_fails_in_the_words_of_azure(caller: HttpCaller, header: str):
    request = {"method": "GET", "uri": "http://127.0.0.1:9/", "headers": {"X": header}}
    with pytest.raises(FunctionFailed, match=r"^New-line characters are not allowed in header values"):
        await caller.call(json.dumps(request))
