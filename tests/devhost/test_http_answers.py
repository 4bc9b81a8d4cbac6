"""What HTTP functions answer, as it was measured on the Functions host of Azure."""

import gzip

import pytest

from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import SampleApp


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("true", "True"),
        ("1.0", "1"),
        ("0.10", "0.1"),
        ("1e15", "1E+15"),
        ("-0.00001", "-1E-05"),
        ("123456.5", "123456.5"),
        ("12345678901234567890", "12345678901234567890"),
        ('"quoted"', "quoted"),
        ("null", ""),
        ("", ""),
        ('{"a": 1}', '{\n  "a": 1\n}'),
        ('[1,{"a":[]}]', '[\n  1,\n  {\n    "a": []\n  }\n]'),
        ("plain text", "plain text"),
        ("{not json}", "{not json}"),
        ("1 2", "1 2"),
        ("<p>true</p>", "<p>true</p>"),
        ("[" * 65 + "]" * 65, "[" * 65 + "]" * 65),
    ],
)
async def test_text_is_read_as_json_and_its_value_shown(
    app: SampleApp, start: StartHost, text: str, shown: str
):
    app.http("says", f"def main(req) -> str: return {text!r}\n")
    answer = await (await start()).get("/api/says")
    assert (answer.status, answer.text) == (200, shown)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("text", "status", "body"),
    [
        ('{"status": 404, "body": "gone"}', 404, "gone"),
        ('{"statusCode": "201", "Body": {"a": 1}}', 201, '{"a":1}'),
        ('{"body": true}', 200, "True"),
        ('{"status": "ok"}', 200, '{\n  "status": "ok"\n}'),
        ('{"status": true, "body": null}', 200, ""),
        ('{"status": 404}', 200, '{\n  "status": 404\n}'),
        ('{"statusCode": 99}', 200, '{\n  "statusCode": 99\n}'),
        ('{"headers": {"a b": "c"}}', 200, '{\n  "headers": {\n    "a b": "c"\n  }\n}'),
        ('{"status": 99, "body": "x"}', 500, ""),
    ],
)
async def test_text_may_describe_a_whole_answer(
    app: SampleApp, start: StartHost, text: str, status: int, body: str
):
    app.http("says", f"def main(req) -> str: return {text!r}\n")
    answer = await (await start()).get("/api/says")
    assert (answer.status, answer.text) == (status, body)


async def test_text_may_name_headers(app: SampleApp, start: StartHost):
    text = '{"body": "<p>", "headers": {"content-type": "text/html", "X-n": 5}}'
    app.http("says", f"def main(req) -> str: return {text!r}\n")
    answer = await (await start()).get("/api/says")
    assert (answer.headers["Content-Type"], answer.headers["X-n"]) == ("text/html", "5")


async def test_body_of_an_http_response_is_left_as_it_is(app: SampleApp, start: StartHost):
    app.http("says", "import azure.functions as func\ndef main(req): return func.HttpResponse('{\"a\":1}')\n")
    assert (await (await start()).get("/api/says")).text == '{"a":1}'


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("content-language", "Content-Language"),
        ("CACHE-CONTROL", "Cache-Control"),
        ("last-modified", "Last-Modified"),
        ("x-my-header", "x-my-header"),
    ],
)
async def test_known_header_names_are_sent_in_their_usual_spelling(
    app: SampleApp, start: StartHost, written: str, sent: str
):
    code = f"return func.HttpResponse('x', headers={{{written!r}: 'a'}})"
    app.http("says", f"import azure.functions as func\ndef main(req):\n    {code}\n")
    answer = await (await start()).get("/api/says")
    assert {sent, "Content-Type"} <= set(answer.headers)


@pytest.mark.parametrize(
    ("set_to", "sent"),
    [
        ("a=b", "a=b; domain=; path="),
        ("a=b|c; Path=/", "a=b%7Cc; domain=; path=/"),
        (
            "a=1; HttpOnly; Secure; Path=/x; Domain=b.c; Max-Age=60; SameSite=Strict",
            "a=1; max-age=60; domain=b.c; path=/x; secure; samesite=strict; httponly",
        ),
        (
            "a=1; Expires=Thu, 12-Jan-2027 13:55:08 GMT",
            "a=1; expires=Tue, 12 Jan 2027 13:55:08 GMT; domain=; path=",
        ),
    ],
)
async def test_cookie_is_written_as_asp_net_writes_it(
    app: SampleApp, start: StartHost, set_to: str, sent: str
):
    code = f"return func.HttpResponse('x', headers={{'Set-Cookie': {set_to!r}}})"
    app.http("says", f"import azure.functions as func\ndef main(req):\n    {code}\n")
    assert (await (await start()).get("/api/says")).headers["Set-Cookie"] == sent


async def test_cookie_with_an_unreadable_date_is_an_empty_500(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    code = (
        "return func.HttpResponse('x', headers={'Set-Cookie': 'a=b; Expires=Mon, 99-Foo-2027 13:55:08 GMT'})"
    )
    app.http("says", f"import azure.functions as func\ndef main(req):\n    {code}\n")
    assert (await (await start()).get("/api/says")).status == 500


async def test_compressed_body_arrives_as_it_came(app: SampleApp, start: StartHost):
    code = "import gzip\ndef main(req): return gzip.decompress(req.get_body()).decode()\n"
    app.http("unpacks", code)
    body, headers = gzip.compress(b"packed"), {"Content-Encoding": "gzip"}
    assert (await (await start()).post("/api/unpacks", data=body, headers=headers)).text == "packed"
