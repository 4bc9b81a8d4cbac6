"""Messages of live events: what starts a job, and what is refused without repeating what it holds."""

import json
import logging
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.api.event_messages import InvalidMessage, parse_message, submit_message
from shared_code.api.job_instances import JobStarter
from shared_code.errors import HostUnavailable, JobTableUnavailable
from shared_code.jobs import Budget
from tests.support.durable_host_fake import FakeHost
from tests.support.job_table_fake import FakeJobTable
from tests.unit.api.test_job_instances import host_that_has_spent
from tests.unit.jobs.test_embed_event import DEFAULTS, REQUEST, job_of

PLAIN = json.dumps(REQUEST).encode()


async def submit(host: FakeHost, body: bytes, table: FakeJobTable | None = None, **defaults: Any) -> bool:
    starter = JobStarter(host, (table or FakeJobTable()).opened)
    return await submit_message(starter, body, message_id="m1", defaults=replace(DEFAULTS, **defaults))


@pytest.mark.parametrize(
    "body",
    [
        PLAIN,
        b" \n" + PLAIN + b"\n",
        b"\xef\xbb\xbf" + PLAIN,
        b64encode(PLAIN),
        b64encode(b"\xef\xbb\xbf" + PLAIN),
        b64encode(PLAIN)[:20] + b"\r\n" + b64encode(PLAIN)[20:],
    ],
)
async def test_message_may_be_plain_or_base64(body: bytes):
    host = FakeHost()
    assert await submit(host, body)
    assert host.started == [job_of().id]


async def test_message_that_is_delivered_twice_finds_its_job():
    host = FakeHost()
    assert [await submit(host, PLAIN) for _ in range(2)] == [True, True]
    assert host.started == [job_of().id]


async def test_event_over_the_budget_is_started_to_be_held_and_not_lost():
    host = host_that_has_spent(50)
    assert await submit(host, PLAIN, budgets={"prod": Budget(amount=50, recheck_seconds=60)})
    assert host.started == [job_of().id]


async def test_host_that_takes_no_job_lets_the_message_come_again():
    with pytest.raises(HostUnavailable):
        await submit(FakeHost(broken=RuntimeError("503")), PLAIN)


async def test_table_of_jobs_that_does_not_answer_lets_the_message_come_again():
    with pytest.raises(JobTableUnavailable):
        await submit(FakeHost(), PLAIN, FakeJobTable(is_down=True))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "neither JSON nor base64"),
        (b"secret", "neither JSON nor base64"),
        (b"{secret", "neither JSON nor base64"),
        (b64encode(b"secret"), "neither JSON nor base64"),
        (b64encode(b"\xff\xfe"), "neither JSON nor base64"),
        (b64encode(b'["secret"]'), "not a JSON object"),
        (json.dumps({**REQUEST, "secret": 1}).encode(), "has fields other than trackingId,"),
        (b'{"trackingId": "secret"}', "Field sessionId cannot be used"),
        (b'{"sessionId": "secret"}', "Field trackingId cannot be used"),
        (b'{"trackingId": "sec/ret", "sessionId": "s"}', "Field trackingId cannot be used"),
        (b'{"trackingId": "t", "sessionId": "s", "env": "secret!"}', "Field env cannot be used"),
        (b"{" + b'"a":{' * 100_000, "neither JSON nor base64"),
    ],
)
async def test_message_that_is_not_an_event_is_refused_with_a_reason_that_repeats_nothing(
    body: bytes, reason: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    host = FakeHost()
    assert not await submit(host, body)
    assert host.started == []
    assert reason in caplog.text
    assert "secret" not in caplog.text


async def test_message_of_another_session_is_refused(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    host = FakeHost()
    await submit(host, PLAIN)
    assert not await submit(host, json.dumps({**REQUEST, "sessionId": "other"}).encode())
    assert "TrackingIdReused" in caplog.text


@given(st.binary())
def test_any_other_bytes_are_an_invalid_message(body: bytes):
    with pytest.raises(InvalidMessage):
        parse_message(body)
