"""The edge of the Functions host, as it was measured on the real one."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from multidict import CIMultiDict

from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import RETURN, SampleApp, http_trigger

ECHO = """
    import json
    import azure.functions as func
    def main(req: func.HttpRequest) -> func.HttpResponse:
        seen = {"method": req.method, "url": req.url, "body": req.get_body().decode(),
                "headers": dict(req.headers), "params": dict(req.params), "route": dict(req.route_params)}
        return func.HttpResponse(json.dumps(seen), mimetype="application/json")
"""


def returning(expression: str) -> str:
    return f"import azure.functions as func\ndef main(req):\n    return {expression}\n"


async def test_function_without_route_answers_below_its_folder_name(app: SampleApp, start: StartHost):
    app.http("say-hello")
    client = await start()
    answer = await client.get("/api/say-hello")
    assert (answer.status, answer.text) == (200, "hello")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_unknown_route_is_empty_404(app: SampleApp, start: StartHost):
    app.http("hello")
    answer = await (await start()).get("/api/nothing")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (404, b"", "0")


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "DELETE"])
async def test_wrong_method_is_empty_404_without_allow(app: SampleApp, start: StartHost, method: str):
    app.http("hello", methods=["get"])
    answer = await (await start()).call(method, "/api/hello")
    assert (answer.status, answer.body, "Allow" in answer.headers) == (404, b"", False)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "PURGE"])
async def test_function_without_methods_gets_every_method(app: SampleApp, start: StartHost, method: str):
    app.http("echo", ECHO)
    answer = await (await start()).call(method, "/api/echo")
    assert answer.json["method"] == method


async def test_head_answer_has_no_body(app: SampleApp, start: StartHost):
    app.http("hello")
    answer = await (await start()).call("HEAD", "/api/hello")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("path", ["/api/status/7", "/API/STATUS/7", "/api/Status/7/", "/api/status/7?x="])
async def test_route_is_case_insensitive_and_takes_a_trailing_slash(
    app: SampleApp, start: StartHost, path: str
):
    app.http("echo", ECHO, route="status/{id}")
    answer = await (await start()).get(path)
    assert answer.json["route"] == {"id": "7"}


async def test_missing_route_parameter_is_404(app: SampleApp, start: StartHost):
    app.http("echo", ECHO, route="status/{id}")
    assert (await (await start()).get("/api/status")).status == 404


async def test_encoded_slash_in_a_route_value_stays_encoded(app: SampleApp, start: StartHost):
    app.http("echo", ECHO, route="status/{id}")
    answer = await (await start()).get("/api/status/a%20b%2Fc")
    assert answer.json["route"] == {"id": "a b%2Fc"}


async def test_same_route_with_other_method_is_another_function(app: SampleApp, start: StartHost):
    app.http("read", returning("'read'"), route="status/{id}", methods=["get"])
    app.http("stop", returning("'stop'"), route="status/{id}", methods=["delete"])
    client = await start()
    assert (await client.get("/api/status/1")).text == "read"
    assert (await client.call("DELETE", "/api/status/1")).text == "stop"


async def test_route_prefix_comes_from_host_json(app: SampleApp, start: StartHost):
    app.file("host.json", {"version": "2.0", "extensions": {"http": {"routePrefix": "v1/jobs"}}})
    app.http("hello")
    client = await start()
    assert (await client.get("/v1/jobs/hello")).status == 200
    assert (await client.get("/api/hello")).status == 404


async def test_empty_route_prefix_serves_at_the_root(app: SampleApp, start: StartHost):
    app.file("host.json", {"extensions": {"http": {"routePrefix": ""}}})
    app.http("hello")
    assert (await (await start()).get("/hello")).text == "hello"


async def test_dots_are_taken_out_of_every_path(app: SampleApp, start: StartHost):
    app.http("echo")
    client = await start()
    for path in ("/api/./echo", "/x/%2e%2e/api/echo", "/./admin/host/ping"):
        assert (await client.get(path)).status == 200, path
    assert (await client.get("/./runtime/webhooks/durabletask/instances/x/../")).json == []


async def test_request_url_is_host_header_and_raw_path(app: SampleApp, start: StartHost):
    app.http("echo", ECHO, route="x/{id}")
    headers = {"Host": "127.0.0.1:81", "X-Forwarded-Host": "ignored", "X-Forwarded-Proto": "https"}
    answer = await (await start()).get("/api/x/a%20b?s=1%2F2&y=", headers=headers)
    assert answer.json["url"] == "http://127.0.0.1:81/api/x/a%20b?s=1%2F2&y="
    assert answer.json["headers"]["x-forwarded-host"] == "ignored"


async def test_repeated_query_keys_are_joined_and_empty_ones_dropped(app: SampleApp, start: StartHost):
    app.http("echo", ECHO)
    answer = await (await start()).get("/api/echo?s=1&S=2&y=&flag&t=a+b%26")
    assert answer.json["params"] == {"s": "1,2", "t": "a b&"}


async def test_header_names_arrive_in_lower_case_and_duplicates_joined(app: SampleApp, start: StartHost):
    app.http("echo", ECHO)
    headers = CIMultiDict([("X-Mark", "1"), ("X-Mark", "2")])
    answer = await (await start()).get("/api/echo", headers=headers)
    assert answer.json["headers"]["x-mark"] == "1,2"


async def test_body_of_a_get_request_is_delivered(app: SampleApp, start: StartHost):
    app.http("echo", ECHO)
    assert (await (await start()).get("/api/echo", data=b"kept")).json["body"] == "kept"


async def test_chunked_upload_reaches_the_function_empty(app: SampleApp, start: StartHost):
    app.http("echo", ECHO)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"lost"

    assert (await (await start()).post("/api/echo", data=chunks())).json["body"] == ""


async def test_json_body_is_read_as_json(app: SampleApp, start: StartHost):
    app.http("size", returning("str(len(req.get_json()['items']))"))
    assert (await (await start()).post("/api/size", json={"items": [1, 2]})).text == "2"


@pytest.mark.parametrize("expression", ["None", "{'a': 1}", "5", "[1]", "b'bytes'", "1 / 0"])
async def test_value_that_is_no_answer_is_empty_500(app: SampleApp, start: StartHost, expression: str):
    app.http("broken", returning(expression))
    answer = await (await start()).get("/api/broken")
    assert (answer.status, answer.body) == (500, b"")


async def test_text_is_answered_as_plain_text(app: SampleApp, start: StartHost):
    app.http("text", returning("'gr\u00fc\u00df'"))
    answer = await (await start()).get("/api/text")
    assert (answer.status, answer.text) == (200, "gr\u00fc\u00df")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_function_without_return_binding_answers_204_for_none(app: SampleApp, start: StartHost):
    app.function("quiet", http_trigger(), code="def main(req):\n    return None\n")
    app.function("loud", http_trigger(), code="def main(req):\n    return 'x'\n")
    client = await start()
    assert (await client.get("/api/quiet")).status == 204
    assert (await client.get("/api/loud")).status == 500


async def test_answer_can_be_set_on_an_out_parameter(app: SampleApp, start: StartHost):
    code = """
        import azure.functions as func
        def main(req: func.HttpRequest, res: func.Out[func.HttpResponse]) -> None:
            res.set(func.HttpResponse("set", status_code=201))
    """
    app.function("out", http_trigger(), {**RETURN, "name": "res"}, code=code)
    answer = await (await start()).get("/api/out")
    assert (answer.status, answer.text) == (201, "set")


async def test_nonempty_answer_is_chunked_and_empty_one_has_length_zero(app: SampleApp, start: StartHost):
    app.http("full")
    app.http("empty", returning("func.HttpResponse()"))
    client = await start()
    full, empty = await client.get("/api/full"), await client.get("/api/empty")
    assert full.headers["Transfer-Encoding"] == "chunked"
    assert empty.headers["Content-Length"] == "0"
    assert empty.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "answer",
    [
        "func.HttpResponse('abc', headers={'Content-Length': '2'})",
        "func.HttpResponse('abc', headers={'X-Name': 'gr\u00fcn'})",
        "func.HttpResponse('abc', status_code=42)",
    ],
)
async def test_answer_that_azure_would_not_send_is_500(app: SampleApp, start: StartHost, answer: str):
    app.http("wrong", returning(answer))
    assert (await (await start()).get("/api/wrong")).status == 500


async def test_cookies_of_an_answer_are_sent_one_by_one(app: SampleApp, start: StartHost):
    code = """
        import azure.functions as func
        def main(req):
            answer = func.HttpResponse("x")
            answer.headers.add("Set-Cookie", "a=1; Path=/")
            answer.headers.add("Set-Cookie", "b=2")
            return answer
    """
    app.http("cookies", code)
    client = await start()
    async with client.session.get(f"http://127.0.0.1:{client.host.port}/api/cookies") as response:
        assert response.headers.getall("Set-Cookie") == ["a=1; domain=; path=/", "b=2; domain=; path="]


async def test_request_line_over_8192_bytes_is_414(app: SampleApp, start: StartHost):
    app.http("hello")
    client = await start()
    assert (await client.get(f"/api/hello?q={'x' * 8000}")).status == 200
    assert (await client.get(f"/api/hello?q={'x' * 9000}")).status == 414


async def test_too_long_body_is_empty_500(app: SampleApp, start: StartHost):
    app.http("hello", returning("str(len(req.get_body()))"))
    client = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", client.host.port)
    writer.write(b"POST /api/hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 110000000\r\n\r\n")
    status_line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert status_line.split()[1] == b"500"


async def test_home_page_tells_that_the_app_runs(app: SampleApp, start: StartHost):
    app.http("hello")
    answer = await (await start()).get("/")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_home_page_can_be_disabled(app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AzureWebJobsDisableHomepage", "true")
    answer = await (await start()).get("/")
    assert (answer.status, answer.body) == (204, b"")


async def test_host_tells_its_state_and_its_functions(app: SampleApp, start: StartHost):
    app.http("hello", route="greet/{name}")
    client = await start()
    assert (await client.get("/admin/host/ping")).body == b""
    assert (await client.get("/admin/host/status")).json["state"] == "Running"
    functions = (await client.get("/admin/functions")).json
    assert [(f["name"], f["invoke_url_template"]) for f in functions] == [("hello", "api/greet/{name}")]


async def test_client_that_hangs_up_does_not_stop_the_function(app: SampleApp, start: StartHost):
    code = """
        import asyncio, pathlib
        async def main(req):
            pathlib.Path("started").touch()
            while not pathlib.Path("go-on").exists():
                await asyncio.sleep(0.01)
            pathlib.Path("finished").touch()
            return "x"
    """
    app.http("slow", code)
    client = await start()
    call = asyncio.create_task(client.get("/api/slow"))
    await app.wrote("started")
    call.cancel()
    app.file("go-on", "")
    await app.wrote("finished")


async def test_client_binding_names_this_host(app: SampleApp, start: StartHost):
    client_binding = {"name": "starter", "type": "durableClient", "direction": "in"}
    app.function(
        "links",
        http_trigger(),
        RETURN,
        client_binding,
        code="def main(req, starter: str):\n    return starter\n",
    )
    client = await start()
    links = json.loads((await client.get("/api/links")).text)
    assert links["rpcBaseUrl"] == f"http://127.0.0.1:{client.host.port}/durabletask/"
    assert links["managementUrls"]["statusQueryGetUri"] == (
        f"http://localhost:{client.host.port}/runtime/webhooks/durabletask/instances/INSTANCEID"
        "?taskHub=TestHubName&connection=Storage&code=devhost"
    )
