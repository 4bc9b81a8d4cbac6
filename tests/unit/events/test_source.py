"""The details of live events from either source: what is taken, and what each failure is called."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared_code.clients.composition import Clients
from shared_code.errors import Permanent
from shared_code.events.source import (
    MAX_TEXT,
    Event,
    EventInvalid,
    EventMismatch,
    EventNotFound,
    EventsStrange,
    EventsUnavailable,
    EventsUnusable,
    FetchedEvents,
)
from shared_code.http_pool import ServicePool
from shared_code.settings import Settings
from tests.unit.http_pool.scripted_service import (
    JumpingClock,
    ScriptedService,
    answer,
    answer_json,
    reset,
    serving,
)
from tests.unit.storage_stub import KEY

DETAILS = {"sessionId": "sess789", "text": "An event.", "time": "2026-11-20T10:02:11Z"}


@asynccontextmanager
async def service_of(*script: Any) -> AsyncIterator[tuple[ScriptedService, Clients]]:
    """A scripted events service, on a clock on which retries take no time."""
    clock = JumpingClock()
    async with serving(*script, clock=clock) as service:
        clients = Clients(Settings({"EVENTS_ENDPOINT": f"{service.url}/api"}))
        clients.pool = ServicePool(clock=clock)
        try:
            yield service, clients
        finally:
            await clients.pool.close()


@asynccontextmanager
async def table_of(*script: Any) -> AsyncIterator[Clients]:
    async with serving(*script) as service:
        storage = f"AccountName=account;AccountKey={KEY};TableEndpoint={service.url}/account"
        clients = Clients(Settings({"EVENTS_STORAGE": storage}))
        try:
            yield clients
        finally:
            await clients.close()


async def asked(*script: Any) -> Event:
    async with service_of(*script) as (_, clients):
        return await clients.events.event("abc123", "sess789")


async def test_service_is_asked_by_the_tracking_id_as_a_segment_of_the_path():
    async with service_of(answer_json(DETAILS)) as (service, clients):
        await clients.events.event("a b%2Fä'", "sess789")
    assert service.received[0].target == "/api/events/a%20b%252F%C3%A4'"


async def test_details_of_the_service_are_the_event():
    assert await asked(answer_json({**DETAILS, "more": 1})) == Event(
        tracking_id="abc123", session_id="sess789", text="An event.", time="2026-11-20T10:02:11Z"
    )


async def test_event_may_have_no_time():
    assert (await asked(answer_json({**DETAILS, "time": None}))).time is None


async def test_row_of_the_table_is_the_event_and_its_timestamp_the_time_if_it_has_none():
    row = {"text": "An event.", "Timestamp": "2026-11-20T10:02:11.5Z"}
    async with table_of(answer_json(row)) as clients:
        event = await clients.events.event("abc123", "sess789")
    assert (event.text, event.time) == ("An event.", "2026-11-20T10:02:11.5Z")


async def test_row_that_is_absent_is_an_event_that_is_not_found():
    absent = {"odata.error": {"code": "ResourceNotFound"}}
    async with table_of(answer_json(absent, 404)) as clients:
        with pytest.raises(EventNotFound, match="Event abc123 is not known"):
            await clients.events.event("abc123", "sess789")


async def test_table_that_does_not_answer_may_do_so_later():
    async with table_of(answer(500)) as clients:
        with pytest.raises(EventsUnavailable):
            await clients.events.event("abc123", "sess789")


@pytest.mark.parametrize(
    ("details", "kind"),
    [
        ({**DETAILS, "sessionId": "other"}, EventMismatch),
        ({**DETAILS, "trackingId": "other"}, EventMismatch),
        ({"text": "An event."}, EventMismatch),
        ({**DETAILS, "text": " \n"}, EventInvalid),
        ({**DETAILS, "text": None}, EventInvalid),
        ({**DETAILS, "text": "x" * (MAX_TEXT + 1)}, EventInvalid),
        ({**DETAILS, "text": "half \ud83d"}, EventInvalid),
        ({**DETAILS, "time": 5}, EventInvalid),
        ({**DETAILS, "time": "x" * 65}, EventInvalid),
        ({**DETAILS, "more": "x" * 1_000_000}, EventInvalid),
    ],
)
async def test_details_that_cannot_be_used_are_told_without_their_text(details: Any, kind: type[Permanent]):
    with pytest.raises(kind, match="abc123") as refused:
        await asked(answer_json(details))
    assert "An event" not in str(refused.value)


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (answer(404), EventNotFound),
        (answer(401), EventsUnusable),
        (answer(403), EventsUnusable),
        (answer(400), EventsUnusable),
        (answer(500), EventsUnavailable),
        (answer(503), EventsUnavailable),
        (answer(429, retry_after="3600"), EventsUnavailable),
        (answer(507), EventsUnavailable),
        (answer(423), EventsUnavailable),
        (answer(503, b"<html>", content_type="text/html"), EventsUnavailable),
        (answer(404, b"<html>", content_type="text/html; charset=utf-8"), EventsStrange),
        (answer(200, b"<html>"), EventsStrange),
        (answer(200, b"[" * 100_000), EventsStrange),
        (answer(200, b""), EventsStrange),
        (answer(200, b"{}"), EventsStrange),
        (answer(200, b'{"message": "We will be back soon."}'), EventsStrange),
        (answer(200, b"[]"), EventsStrange),
        (answer(200, b"null"), EventsStrange),
        (answer(307, b"", location="/elsewhere"), EventsStrange),
        (reset, EventsUnavailable),
    ],
)
async def test_failure_of_the_service_is_told_by_what_may_pass_and_what_does_not(step: Any, kind: Any):
    with pytest.raises(kind):
        await asked(step)


async def test_service_that_fails_once_is_not_noticed():
    assert (await asked(answer(503), answer_json(DETAILS))).text == "An event."


def event(text: str) -> Event:
    return Event(tracking_id="t", session_id="s", text=text, time=None)


def test_fetched_event_is_handed_out_once():
    fetched = FetchedEvents()
    fetched.keep("job", "run", event("text"))
    assert fetched.take("job", "run") == event("text")
    assert fetched.take("job", "run") is None


def test_fetched_events_of_two_jobs_with_one_idempotency_key_are_told_apart():
    fetched = FetchedEvents()
    for job in ("a", "b"):
        fetched.keep(job, "run", event(f"The text of {job}."))
    assert fetched.take("a", "run") == event("The text of a.")


def test_fetched_events_that_do_not_fit_are_forgotten_the_oldest_first():
    fetched = FetchedEvents(most_characters=10)
    for run in ("a", "b", "c"):
        fetched.keep("job", run, event("xxxx"))
    assert [bool(fetched.take("job", run)) for run in ("a", "b", "c")] == [False, True, True]
    fetched.keep("job", "d", event("x" * 11))
    assert fetched.take("job", "d") is None
