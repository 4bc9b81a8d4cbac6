"""Whatever a client sends, whichever route it is for: a problem that says what is wrong, and never a 500."""

import http.client
import json
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.http_client import Answer
from tests.support.api_client import ApiClient, StartHost

CONTROL = ["%00", "%01", "%0a", "%0d", "%1f", "%7f", "%c2%85"]
# As they stand in a path: halves of characters, other alphabets and digits, escapes of what separates.
IDS = [
    *CONTROL,
    *(f"a{each}b" for each in CONTROL),
    *("%20", "%2F", "a%2Fb", "..%2F..", "%5C", "%25", "%2525", "%3F", "%23", "%27", "%22", "a%27%20or%20%27"),
    *("%ff", "%c3", "%ed%a0%80", "%F0%9F%9A%82", "%c3%bc", "%d9%a1" * 32, "%EF%BC%90" * 32, "%e2%80%ae"),
    *("x" * 1_500, "0" * 1_500, "0" * 33, "-" * 32, "A" * 32, "@", "null", "~", ";a=b", "*"),
]
VALUES = ["", *IDS, "-1", "0", "1e9", "%2B5", "%D9%A5", "1_0", "9" * 400, "NaN", "true"]
VALUES += [
    "9999-12-31T23:59:59%2B00:00",
    "0001-01-01T00:00:00%2B14:00",
    "2026-02-30",
    "2026-11-28T10:00:00-24:00",
]
BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b'{"env": "\xff"}',
    "UTF-16": '{"env": "x"}'.encode("utf-16"),
    "a mark before": b'\xef\xbb\xbf{"env": "x"}',
    "another value after": b'{"env": "x"}{"env": "y"}',
    "deep lists": b"[" * 20_000 + b"]" * 20_000,
    "deep objects": b'{"env":' * 6_000 + b"1" + b"}" * 6_000,
    "a long number": b"9" * 5_000,
    "half a character": b'{"env": "\\ud800", "by": "\\udfff"}',
    "no character": b'{"env": "\\u0000", "live": "\\u0000"}',
    "null": b"null",
    "a list": b"[1]",
    "a text": b'"text"',
    "a number": b"1",
}
MEMBERS = [
    *("env", "version", "filesPath", "dryRun", "approvalAbove", "watchMinutes", "lane", "trackingId"),
    *("sessionId", "force", "retryOf", "questions", "approved", "by", "comment", "live"),
]
ODD = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e999",
    "9" * 5_000,
    "1e-999",
    "-0.0",
    "[]",
    "{}",
    "null",
    "true",
]
ODD += [
    '""',
    '"\\u0000"',
    '"\\ud800"',
    f'"{"x" * 1_500}"',
    f'"{"%2F" * 500}"',
    '"../.."',
    '"a/b|c"',
    "[[[[]]]]",
]
WHOLE: dict[str, dict[str, Any]] = {
    "files": {"env": "odd", "version": "v1", "filesPath": "nowhere/docs"},
    "event": {"trackingId": "odd", "sessionId": "odd"},
    "questions": {"env": "odd", "version": "v1", "questions": "nowhere/golden.jsonl"},
    "retry": {"retryOf": "0" * 32},
    "decision": {"approved": True, "by": "x", "comment": ""},
    "promotion": {"live": "v1", "force": False},
}
WITH_BODY = [
    ("POST", "/api/orchestrators/start", ("files", "event", "questions", "retry")),
    ("POST", f"/api/status/{'0' * 32}/approval", ("decision",)),
    ("PUT", "/api/index/odd", ("promotion",)),
]
WITH_ID = [
    ("GET", "/api/status/{}"),
    ("DELETE", "/api/status/{}"),
    ("GET", "/api/status/{}/ledger"),
    ("POST", "/api/status/{}/approval"),
    ("GET", "/api/usage/{}"),
    ("GET", "/api/index/{}"),
    ("PUT", "/api/index/{}"),
]
WITH_VALUES = [
    ("GET", "/api/submit/query?s={0}&e={0}"),
    ("POST", "/api/submit/query?s=2021-02-03&e={0}"),
    *(
        ("GET", f"/api/jobs?{name}={{0}}")
        for name in ("env", "kind", "status", "createdAfter", "top", "after")
    ),
    ("GET", f"/api/status/{'0' * 32}/ledger?after={{0}}"),
    ("DELETE", f"/api/status/{'0' * 32}?by={{0}}"),
    *(("GET", f"/api/search?env=odd&q=x&{name}={{0}}") for name in ("version", "top", "mode", "source")),
    ("GET", "/api/search?env={0}&q=x&version=v1"),
    ("GET", "/api/search?env=odd&version=v1&q={0}"),
]


@pytest.fixture(scope="module")
def api(start_host: StartHost, embedding_settings: dict[str, str]) -> Iterator[ApiClient]:
    with start_host(**embedding_settings, COSMOS_DATABASE="odd-requests") as (client, _):
        yield client


def send(api: ApiClient, method: str, target: str, body: bytes | None = None, **headers: str) -> Answer:
    """A request as it is written here."""
    connection = http.client.HTTPConnection(urlsplit(api.origin).netloc, timeout=60)
    try:
        connection.request(method, target, body, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read().decode())
    finally:
        connection.close()


def is_right(answer: Answer) -> bool:
    """Whether an answer is a problem of the client's; what is sent may also be right, or for no route."""
    if answer.status < 300:
        return True
    if answer.status == 404 and not answer.text:
        return True  # an escaped slash: the host has no such route
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    return (
        is_problem and 400 <= answer.status < 500 and bool(answer.json()["code"] and answer.json()["error"])
    )


def faults(answers: Iterator[tuple[str, Answer]]) -> list[str]:
    return [f"{what[:120]}: {each.status} {each.text[:200]}" for what, each in answers if not is_right(each)]


@pytest.mark.parametrize(("method", "route"), WITH_ID)
def test_odd_id_is_a_problem(api: ApiClient, method: str, route: str) -> None:
    body = b'{"approved": true}' if method == "POST" else b'{"live": "v1"}' if method == "PUT" else None
    answers = ((each, send(api, method, route.format(each), body)) for each in IDS)
    assert faults(answers) == []


@pytest.mark.parametrize(("method", "target"), WITH_VALUES)
def test_odd_value_of_a_query_is_a_problem(api: ApiClient, method: str, target: str) -> None:
    answers = ((each, send(api, method, target.format(each))) for each in VALUES)
    assert faults(answers) == []


@pytest.mark.parametrize(("method", "target", "_"), WITH_BODY)
def test_body_that_is_no_object_is_a_problem(api: ApiClient, method: str, target: str, _: object) -> None:
    answers = ((name, send(api, method, target, body)) for name, body in BODIES.items())
    assert faults(answers) == []


@pytest.mark.parametrize(
    ("method", "target", "whole"), [(m, t, whole) for m, t, bodies in WITH_BODY for whole in bodies]
)
def test_odd_member_of_a_body_is_a_problem(api: ApiClient, method: str, target: str, whole: str) -> None:
    def answers() -> Iterator[tuple[str, Answer]]:
        for name, odd in product(MEMBERS, ODD):
            rest = "".join(f"{json.dumps(key)}: {json.dumps(value)}, " for key, value in WHOLE[whole].items())
            # Of a name that comes twice the last one counts.
            body = f"{{{rest}{json.dumps(name)}: {odd}}}".encode()
            yield f"{name}: {odd}", send(api, method, target, body)

    assert faults(answers()) == []


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "application/json; charset=utf-16", "", "multipart/form-data"],
)
def test_content_type_changes_nothing(api: ApiClient, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    answers = ((t, send(api, m, t, b'{"env": 1}', **headers)) for m, t, _ in WITH_BODY)
    assert faults(answers) == []
