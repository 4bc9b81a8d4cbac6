"""Storage that is away for a while: bindings wait for it by the host's clock, and not for what is refused."""

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError

from devhost.engine.clock import VirtualClock
from devhost.storage.patience import PATIENCE, Patience
from devhost.testing import START, running_app
from tests.devhost.sample_app import ACTIVITY, SampleApp
from tests.devhost.storage_app import Storage, base64_text, fresh_name
from tests.support.service_proxy import Call, Reply, service_proxy


class HastyClock(VirtualClock):
    """A clock on which every wait is over at once."""

    async def wait_until(self, when, wake):
        del wake
        if when is not None:
            self.advance_to(when)


class Away:
    """An operation that fails until a time has come."""

    def __init__(self, clock: VirtualClock, seconds: float, error: AzureError) -> None:
        self._clock = clock
        self._end = START + timedelta(seconds=seconds)
        self._error = error
        self.failures = 0

    async def __call__(self) -> str:
        if self._clock.now() < self._end:
            raise self._error
        return "answer"

    def failed(self, _error: AzureError) -> None:
        self.failures += 1


def answered(status: int) -> HttpResponseError:
    error = HttpResponseError()
    error.status_code = status
    return error


PASSING = [ServiceRequestError("refused"), ServiceResponseError("cut"), answered(503), answered(429)]


@pytest.mark.parametrize("error", PASSING)
async def test_operation_is_done_again_until_storage_is_back(error: AzureError):
    clock = HastyClock(START)
    away = Away(clock, 29, error)
    assert await Patience(clock).ask(away, away.failed) == "answer"
    assert (away.failures, clock.now()) == (8, START + PATIENCE)


async def test_storage_that_stays_away_fails_the_operation_after_half_a_minute():
    clock = HastyClock(START)
    away = Away(clock, 60, PASSING[0])
    with pytest.raises(ServiceRequestError):
        await Patience(clock).ask(away, away.failed)
    assert clock.now() == START + PATIENCE


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412])
async def test_refused_operation_is_not_done_again(status: int):
    clock = HastyClock(START)
    away = Away(clock, 1, answered(status))
    with pytest.raises(HttpResponseError):
        await Patience(clock).ask(away, away.failed)
    assert (away.failures, clock.now()) == (0, START)


async def test_nobody_waits_for_storage_when_the_host_stops():
    clock = VirtualClock(START)  # which stands still
    patience = Patience(clock)
    away = Away(clock, 60, PASSING[0])
    with pytest.raises(ServiceRequestError):
        await patience.ask(away, lambda _error: patience.end())


async def test_message_is_sent_once_by_an_activity_that_met_an_outage(
    app: SampleApp, account: Storage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    name = fresh_name("out")
    out = {"name": "$return", "type": "queue", "direction": "out", "queueName": name}
    app.function("put", ACTIVITY, out, code="def main(payload) -> str: return payload\n")
    app.orchestrator("run", "return (yield context.call_activity('put', 'message'))")
    origin = re.search(r"QueueEndpoint=(http://[^/;]+)", account.connection_string)
    assert origin is not None
    with service_proxy(origin[1]) as proxy:
        monkeypatch.setenv("AzureWebJobsStorage", account.connection_string.replace(origin[1], proxy.origin))
        async with running_app(app.root) as running:
            ends = running.clock.now() + timedelta(seconds=20)

            def rule(call: Call) -> Reply:
                is_over = running.clock.now() > ends
                return call.pass_on() if is_over else Reply(HTTPStatus.SERVICE_UNAVAILABLE, {})

            proxy.rule = rule
            job = await running.start("run")
            await running.settle()
            assert (await running.instance(job)).status == "Completed"
    assert [message.content for message in await account.arrivals(name)] == [base64_text("message")]
    assert "The storage of 'AzureWebJobsStorage' does not answer" in caplog.text
