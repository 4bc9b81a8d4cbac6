import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest

from shared_code.api.answers import (
    MAX_BODY_BYTES,
    accepted,
    guarded,
    json_answer,
    json_body,
    problem,
    public_origin,
)
from shared_code.errors import (
    AppError,
    BudgetReached,
    ContainerNotAllowed,
    EmptyStartDate,
    HostUnavailable,
    IdempotencyKeyReused,
    InvalidDateRange,
    InvalidField,
    InvalidIdempotencyKey,
    JobNotFound,
    MissingSetting,
    RequestTooLarge,
)
from shared_code.settings import Settings

URL = "http://jobs.local:7071/api/submit/query?s=1&e=2"


def request(url: Any = URL, **headers: Any) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return func.HttpRequest("GET", url, headers=named, body=b"")


def origin(request_: Any, **environment: Any) -> Any:
    return public_origin(request_, Settings(environment))


def test_accepted_job_tells_where_and_how_soon_to_look():
    answer = accepted("id", "Pending", origin="http://jobs.local")
    assert answer.status_code == 202
    assert json.loads(answer.get_body()) == {
        "id": "id",
        "statusUri": "http://jobs.local/api/status/id",
        "status": "Pending",
    }
    assert answer.headers["Location"] == answer.headers["Operation-Location"]
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.mimetype == "application/json"


def test_problem_carries_code_and_sentence_for_old_and_new_clients():
    answer = problem(EmptyStartDate())
    assert answer.mimetype == "application/problem+json"
    assert json.loads(answer.get_body()) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "Empty start date.",
        "code": "EmptyStartDate",
        "error": "Empty start date.",
    }


def test_problem_of_a_budget_tells_figures_and_when_the_next_month_begins():
    begins = datetime(2026, 12, 1, tzinfo=UTC)
    answer = problem(BudgetReached("prod", spent=50.25, budget=50, renews_at=begins))
    body = json.loads(answer.get_body())
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "Tue, 01 Dec 2026 00:00:00 GMT"
    assert (body["code"], body["spent"], body["budget"]) == ("BudgetReached", 50.25, 50)
    assert body["renewsAt"] == "2026-12-01T00:00:00Z"
    assert "50.25 of 50 are spent" in body["error"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidDateRange(), 400),
        (InvalidIdempotencyKey(), 400),
        (ContainerNotAllowed("jobs", "is reserved"), 403),
        (JobNotFound(), 404),
        (RequestTooLarge(10), 413),
        (IdempotencyKeyReused(), 422),
        (MissingSetting("AUDIT_STORAGE", "set it"), 500),
        (HostUnavailable(), 503),
        (AppError("unforeseen"), 500),
    ],
)
async def test_each_error_of_the_app_has_its_http_status(error, status):
    async def fail(_request: Any, _client: Any) -> Any:
        raise error

    answer = await guarded(fail, request(), None)
    assert answer.status_code == status
    assert json.loads(answer.get_body())["code"] == type(error).__name__


async def test_problem_of_a_setting_names_it():
    body = json.loads(problem(MissingSetting("AUDIT_STORAGE", "set it")).get_body())
    assert "AUDIT_STORAGE" in body["detail"]


async def test_unavailable_host_tells_when_to_try_again():
    assert problem(HostUnavailable()).headers["Retry-After"] == "5"


class PanicException(BaseException):
    """What a library in Rust raises: it is no Exception."""


@pytest.mark.parametrize("fault", [ZeroDivisionError, PanicException, SystemExit, asyncio.CancelledError])
async def test_fault_of_the_app_is_a_problem_and_its_traceback_is_in_the_log(caplog, fault):
    async def fail(_request: func.HttpRequest, _client: None) -> func.HttpResponse:
        raise fault("AccountKey=secret")

    answer = await guarded(fail, request(), None)
    body = json.loads(answer.get_body())

    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert (body["code"], "secret" in answer.get_body().decode()) == ("RequestFailed", False)
    assert fault.__name__ in caplog.text


async def test_request_that_the_host_ends_has_no_answer():
    async def wait(_request: func.HttpRequest, _client: None) -> func.HttpResponse:
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(guarded(wait, request(), None))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_good_answer_passes_the_guard_untouched():
    answer = json_answer({"id": "x"})

    async def succeed(_request: Any, client: Any) -> Any:
        return client

    assert await guarded(succeed, request(), answer) is answer


@pytest.mark.parametrize("size", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1])
async def test_body_beyond_the_bound_is_refused_before_it_is_read(size):
    async def succeed(_request: Any, _client: Any) -> Any:
        return json_answer({})

    large = func.HttpRequest("POST", URL, body=b"x" * size)
    answer = await guarded(succeed, large, None)
    assert answer.status_code == (200 if size == MAX_BODY_BYTES else 413)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 50_000])
def test_body_that_is_no_json_is_told_what_to_send(body):
    with pytest.raises(InvalidField, match="Field body cannot be used: send a JSON object"):
        json_body(func.HttpRequest("POST", URL, body=body), "a JSON object")


def test_origin_is_that_of_the_request():
    assert origin(request(host="jobs.local:7071")) == "http://jobs.local:7071"


def test_configured_origin_wins_over_the_request():
    assert origin(request(host="inner"), PUBLIC_ORIGIN="https://jobs.example.com/") == (
        "https://jobs.example.com"
    )


def test_forwarded_headers_are_ignored_unless_trusted():
    forwarded = request(host="inner", x_forwarded_host="a.example.com, b", x_forwarded_proto="https,http")
    assert origin(forwarded) == "http://inner"
    assert origin(forwarded, TRUST_FORWARDED_HEADERS="true") == "https://a.example.com"


@pytest.mark.parametrize("host", ["", "a b", "evil.com/path", "user@evil.com", "a\r\nX: y", "[::1"])
def test_unusable_host_gives_no_origin(host):
    assert origin(request(host=host)) == ""


def test_ipv6_host_is_usable():
    assert origin(request(host="[::1]:7071")) == "http://[::1]:7071"
