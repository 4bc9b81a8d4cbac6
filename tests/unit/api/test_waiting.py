import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.api.job_instances import StartedJob
from shared_code.api.waiting import Wait, submitted
from tests.support.durable_host_fake import FakeHost, instance

ID = "0123456789abcdef0123456789abcdef"


@dataclass
class Timeline:
    """A host whose job ends at a moment of a clock that only sleeping moves; away between two others."""

    ends: float = 1_000
    away: tuple[float, float] = (0, 0)
    now: float = 0
    looks: list[float] = field(default_factory=list)

    async def get_status(self, job_id: str) -> Any:
        self.looks.append(self.now)
        is_away = self.away[0] <= self.now < self.away[1]
        status = "Completed" if self.now >= self.ends else "Running"
        host = FakeHost({ID: instance(status=status)}, broken=RuntimeError("503") if is_away else None)
        return await host.get_status(job_id)

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    async def wait(self, seconds: int) -> float:
        client: Any = self
        await Wait(seconds).until_ended(client, ID, clock=lambda: self.now, sleep=self.sleep)
        return self.now


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=5", 5),
        ("respond-async, wait=10", 10),
        ("WAIT = 7", 7),
        ('wait="3"', 3),
        ("wait=4; x=y, wait=9", 4),
        ('foo="a, wait=5", wait=6', 6),
        ("wait=0", 0),
        ("wait=600", 60),
        ("wait=999999999", 60),
        ("", None),
        ("wait", None),
        ("wait=", None),
        ("wait=-1", None),
        ("wait=1.5", None),
        ("wait=abc, wait=2", 2),
        ("await=5", None),
        ('foo="a, wait=5"', None),
        ("return=minimal", None),
        ("wait=" + "9" * 5_000, None),
    ],
)
def test_preference_is_read_as_its_rfc_has_it(header: str, seconds: int | None):
    wait = Wait.asked_for({"prefer": header})
    assert wait.seconds == seconds
    assert wait.applied == ({} if seconds is None else {"Preference-Applied": f"wait={seconds}"})


@given(st.text())
def test_any_header_is_read_or_ignored(header: str):
    assert (Wait.asked_for({"prefer": header}).seconds or 0) <= 60


def test_request_without_the_header_does_not_wait():
    assert Wait.asked_for({}) == Wait()


@given(st.floats(0, 59))
async def test_end_of_a_job_is_seen_within_a_tenth_of_the_time_it_took(ends: float):
    assert ends <= await Timeline(ends=ends).wait(60) <= ends + max(0.1, ends / 10)


@pytest.mark.parametrize("seconds", [1, 2, 60])
async def test_job_that_does_not_end_is_waited_for_as_long_as_was_asked(seconds: int):
    assert await Timeline().wait(seconds) == pytest.approx(seconds)


async def test_minute_of_waiting_takes_a_tenth_of_the_looks_of_a_client_that_polls():
    timeline = Timeline()
    await timeline.wait(60)
    assert len(timeline.looks) < 600 / 8


async def test_nobody_who_does_not_ask_waits():
    timeline = Timeline()
    assert await timeline.wait(0) == 0
    assert timeline.looks == []


async def test_host_that_is_away_for_half_a_minute_ends_no_wait():
    assert 40 <= await Timeline(ends=40, away=(5, 35)).wait(60) < 45


async def test_what_is_no_job_is_not_waited_for():
    timeline = Timeline()
    client: Any = timeline
    await Wait(60).until_ended(client, "x", sleep=timeline.sleep)
    assert timeline.now == 0


async def test_host_that_hangs_holds_nobody_for_longer_than_was_asked(monkeypatch):
    client: Any = FakeHost()
    monkeypatch.setattr(client, "get_status", lambda _: asyncio.sleep(3_600))
    await asyncio.wait_for(Wait(1).until_ended(client, ID), 30)


async def answer_of(host: FakeHost, wait: Wait) -> Any:
    answer = await submitted(host, StartedJob(ID), wait, origin="http://jobs", retention_days=30)
    return answer.status_code, json.loads(answer.get_body()), answer.headers


async def test_job_that_ended_while_its_client_waited_is_answered_with_its_result():
    host = FakeHost({ID: instance(status="Completed", output=2850)})
    status, body, headers = await answer_of(host, Wait(5))
    assert (status, body["status"], body["result"]) == (200, "Completed", 2850)
    assert body["statusUri"] == headers["Location"] == f"http://jobs/api/status/{ID}"
    assert headers["Preference-Applied"] == "wait=5"


async def test_job_that_goes_on_is_accepted_as_ever():
    status, body, headers = await answer_of(FakeHost({ID: instance()}), Wait(0))
    assert (status, set(body), body["status"]) == (202, {"id", "statusUri", "status"}, "Running")
    assert (headers["Retry-After"], headers["Preference-Applied"]) == ("1", "wait=0")


@pytest.mark.parametrize("host", [FakeHost(), FakeHost(broken=RuntimeError("503"))])
async def test_started_job_is_accepted_whatever_befalls_the_waiting(host: FakeHost):
    status, body, _ = await answer_of(host, Wait(0))
    assert (status, body["id"], body["status"]) == (202, ID, "Pending")


async def test_client_that_does_not_wait_costs_no_look():
    host = FakeHost({ID: instance(status="Completed")})
    status, _, headers = await answer_of(host, Wait())
    assert (status, host.asked, "Preference-Applied" in headers) == (202, [], False)
