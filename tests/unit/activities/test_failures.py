"""Which failures end a job, which are waited for, and how they are named."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import (
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.cosmos.exceptions import CosmosHttpResponseError
from multidict import CIMultiDict

from shared_code.activities import failures
from shared_code.activities.failures import STEP_FAILED, Stopped
from shared_code.embeddings.client import EmbeddingsUnusable
from shared_code.errors import (
    AccessDenied,
    ConfigurationUnavailable,
    EndpointUnusable,
    InvalidSetting,
    JobSuspended,
    Strange,
)
from shared_code.events.source import EventsStrange, EventsUnavailable, EventsUnusable
from shared_code.http_pool import (
    CircuitOpen,
    ConnectionFailed,
    ResponseNotJson,
    StatusError,
    Throttled,
    TlsFailed,
)
from shared_code.index.records import IndexConflict
from shared_code.jobs import Counts, Trouble, Waiting
from shared_code.jobs.steps import Failed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def failed(error: BaseException, counts: Counts) -> Failed:
    return failures.failed(error, counts, now=NOW)


def of_pool(kind: Any, **facts: Any) -> Exception:
    url = "https://example.com"
    error: Exception = kind(
        "failed", service="embeddings", method="POST", url=url, attempts=1, elapsed=1, **facts
    )
    return error


def of_cosmos(status: int) -> Exception:
    answer: Any = CosmosHttpResponseError
    error: Exception = answer(status, "AccountKey=secret")
    return error


def of_storage(status: int) -> HttpResponseError:
    error = HttpResponseError("AccountKey=secret")
    error.status_code = status
    return error


@pytest.mark.parametrize(
    ("error", "service"),
    [
        (of_pool(CircuitOpen), "embeddings"),
        (of_pool(ConnectionFailed), "embeddings"),
        (of_pool(Throttled, status=429, retry_after=61.0), "embeddings"),
        (of_pool(StatusError, status=503), "embeddings"),
        (of_storage(503), "storage"),
        (of_storage(500), "storage"),
        (of_storage(429), "storage"),
        (ServiceRequestError("refused"), "azure"),
        (ServiceResponseError("cut"), "azure"),
        (of_cosmos(429), "index"),
        (of_cosmos(503), "index"),
        (of_cosmos(449), "index"),
        (IndexConflict(), "index"),
        (ConfigurationUnavailable(), "configuration"),
        (EventsUnavailable(), "events"),
        (JobSuspended(), "operator"),
        (IncompleteReadError("broken off"), "network"),
        (ConnectionResetError(), "network"),
        (TimeoutError(), "network"),
    ],
    ids=str,
)
def test_what_passes_is_waited_for_by_the_name_of_its_service(error: Exception, service: str):
    answer = failed(error, {})
    assert answer.trouble
    assert (answer.trouble.service, answer.trouble.most_tries) == (service, None)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidSetting("COSMOS_KEY", "use the key"), "InvalidSetting"),
        (of_pool(TlsFailed), "TlsFailed"),
        (of_pool(StatusError, status=422), "ServiceRefused"),
        (of_storage(400), "EndpointUnusable"),
        (of_cosmos(400), "EndpointUnusable"),
    ],
    ids=str,
)
def test_what_no_try_mends_ends_the_job_and_names_what_to_check(error: Exception, code: str):
    answer = failed(error, {})
    assert (answer.trouble, answer.failure.code) == (None, code)
    assert any(word in answer.failure.message for word in ("check", "use"))


REFUSALS = [
    (of_storage(403), "storage"),
    (of_cosmos(401), "index"),
    (AccessDenied("check the role", refused_by="configuration"), "configuration"),
    (EmbeddingsUnusable("check EMBEDDINGS_API_KEY", refused_by="embeddings"), "embeddings"),
    (EventsUnusable("check EVENTS_ENDPOINT", refused_by="events"), "events"),
]


@pytest.mark.parametrize(("error", "service"), REFUSALS, ids=str)
def test_refusal_is_waited_for_while_a_key_may_be_renewed_and_names_what_to_check(
    error: Exception, service: str
):
    answer = failed(error, {})
    assert answer.trouble
    assert (answer.trouble.service, answer.trouble.is_brief) == (service, True)
    assert "check" in answer.failure.message
    assert timedelta(seconds=30) < time_until_it_ends(answer.trouble) < timedelta(seconds=40)


@pytest.mark.parametrize(
    ("error", "service"),
    [
        (of_cosmos(404), "index"),
        (of_storage(200), "storage"),
        (of_storage(404), "storage"),
        (json.JSONDecodeError("no", "<html>", 0), "azure"),
        (DecodeError("a page"), "azure"),
        (of_pool(ResponseNotJson, status=200), "embeddings"),
        (of_pool(ResponseNotJson, status=307), "embeddings"),
        (of_pool(StatusError, status=404, content_type="text/html"), "embeddings"),
        (EndpointUnusable("check AUDIT_STORAGE"), "storage"),
        (EventsStrange(), "events"),
    ],
    ids=str,
)
def test_what_no_service_can_have_meant_is_waited_for_some_minutes_and_names_what_to_check(
    error: Exception, service: str
):
    answer = failed(error, {})
    assert answer.trouble
    assert (answer.trouble.service, answer.trouble.most_tries) == (service, Strange.most_tries)
    assert "check" in answer.failure.message or "correct" in answer.failure.message


def test_tries_of_what_is_strange_take_a_quarter_of_an_hour():
    trouble = Trouble(service="index", most_tries=Strange.most_tries)
    assert timedelta(minutes=12) < time_until_it_ends(trouble) < timedelta(minutes=18)


def time_until_it_ends(trouble: Trouble) -> timedelta:
    """How long a job goes on of which each try ends like this."""
    waiting, now = None, NOW
    while waiting is None or not waiting.is_over(trouble, timedelta(1)):
        now = waiting.next_try if waiting else NOW
        waiting = Waiting.after(STEP_FAILED, trouble, waiting, now)
    return now - NOW


@pytest.mark.parametrize("status", [408, 409, 410, 412, 421, 423, 424, 425, 449, 500, 507, 520, 529, 599])
@pytest.mark.parametrize("of", [of_cosmos, of_storage])
def test_status_that_says_nothing_of_settings_is_waited_for(of, status: int):
    answer = failed(of(status), {})
    assert answer.trouble
    assert answer.trouble.most_tries is None


@pytest.mark.parametrize("substatus", [3, 1008])
def test_account_that_moves_to_another_region_is_waited_for(substatus: int):
    error: Any = of_cosmos(403)
    error.sub_status = substatus
    answer = failed(error, {})
    assert answer.trouble
    assert answer.trouble.service == "index"


@pytest.mark.parametrize("error", [ValueError("AccountKey=secret"), SystemExit(), asyncio.CancelledError()])
def test_whatever_else_is_a_fault_of_the_app_which_is_tried_three_times(error: BaseException):
    answer = failed(error, {})
    assert answer.failure == STEP_FAILED
    assert answer.trouble
    assert answer.trouble.most_tries == 3


def test_no_sentence_repeats_what_a_foreign_error_says():
    assert "secret" not in json.dumps(failed(of_storage(503), {}).to_json())
    assert "secret" not in json.dumps(failed(of_storage(403), {}).to_json())


@pytest.mark.parametrize(
    ("seconds", "until"), [(61.0, timedelta(seconds=61)), (86_400.0, timedelta(1)), (1e300, timedelta(1))]
)
def test_time_that_a_service_names_is_when_it_is_tried_again_but_no_later_than_in_a_day(seconds, until):
    answer = failed(of_pool(Throttled, retry_after=seconds), {})
    assert answer.trouble
    assert answer.trouble.until == NOW + until


@pytest.mark.parametrize("name", ["Retry-After", "x-ms-retry-after-ms"])
def test_time_that_an_answer_to_an_sdk_names_counts_as_well(name: str):
    error = of_storage(503)
    response: Any = SimpleNamespace(headers=CIMultiDict({name: "61"}))
    error.response = response
    answer = failed(error, {})
    assert answer.trouble
    assert answer.trouble.until == NOW + timedelta(seconds=61 if name == "Retry-After" else 0.061)


def test_cause_of_an_unavailable_service_says_until_when():
    error = EventsUnavailable()
    error.__cause__ = of_pool(Throttled, retry_after=61.0)
    answer = failed(error, {})
    assert answer.trouble
    assert answer.trouble.until == NOW + timedelta(seconds=61)


def test_step_that_was_stopped_says_what_it_had_done():
    answer = failed(Stopped(of_pool(CircuitOpen), {"tokens": 70}), {"failed": 1})
    assert answer.trouble
    assert answer.counts == {"tokens": 70}
