"""The `retry` of function.json, and what a function is told of its attempts."""

import json
from datetime import timedelta
from typing import Any

import pytest

from devhost.app.retry_policy import InvalidRetry, RetryPolicy
from devhost.testing import running_app
from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import RETURN, SampleApp, http_trigger
from tests.devhost.storage_app import base64_text, queue_trigger, timer_trigger, until

FIXED = {"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:10"}
GROWING = {
    "strategy": "exponentialBackoff",
    "maxRetryCount": -1,
    "minimumInterval": "00:00:10",
    "maximumInterval": "00:01:00",
}
DAILY = "0 0 3 * * *"
FAILS = """
    import json
    def main({name}, context):
        retry = context.retry_context
        with open("attempts", "a") as file:
            error = retry.exception and retry.exception.message
            file.write(json.dumps([retry.retry_count, retry.max_retry_count, error]) + "\\n")
        if retry.retry_count < {succeeds_at}:
            raise ValueError("boom")
"""


def attempts(app: SampleApp) -> list[Any]:
    file = app.root / "attempts"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def fails(name: str, *, succeeds_at: int = 99) -> str:
    return FAILS.format(name=name, succeeds_at=succeeds_at)


async def test_timer_function_is_tried_again_after_each_delay_and_then_given_up(
    app: SampleApp, caplog: pytest.LogCaptureFixture
):
    app.function("tick", timer_trigger(DAILY), code=fails("timer"), retry=FIXED)
    async with running_app(app.root) as running:
        await running.advance(timedelta(hours=3, seconds=19))
        assert [attempt[0] for attempt in attempts(app)] == [0, 1]
        await running.advance(timedelta(hours=1))
    assert attempts(app) == [[0, 2, None], [1, 2, "ValueError: boom"], [2, 2, "ValueError: boom"]]
    assert "'tick' is given up after 3 attempts." in caplog.text


async def test_timer_function_that_succeeds_is_not_tried_again(app: SampleApp):
    app.function("tick", timer_trigger(DAILY), code=fails("timer", succeeds_at=1), retry=FIXED)
    async with running_app(app.root) as running:
        await running.advance(timedelta(hours=5))
    assert [attempt[0] for attempt in attempts(app)] == [0, 1]


async def test_schedule_goes_on_after_the_last_retry(app: SampleApp):
    app.function("tick", timer_trigger(DAILY), code=fails("timer"), retry=FIXED)
    async with running_app(app.root) as running:
        await running.advance(timedelta(days=2))
    assert [attempt[0] for attempt in attempts(app)] == [0, 1, 2] * 2


async def test_message_is_tried_again_within_each_of_its_deliveries(
    app: SampleApp, account, start: StartHost
):
    app.file("host.json", {"extensions": {"queues": {"maxDequeueCount": 2}}})
    queue = await account.new_queue()
    retry = {**FIXED, "maxRetryCount": 1, "delayInterval": "00:00:00"}
    app.function("take", queue_trigger(queue.queue_name), code=fails("msg"), retry=retry)
    await start()
    await queue.send_message(base64_text("x"))
    assert await account.arrivals(f"{queue.queue_name}-poison")
    assert [attempt[0] for attempt in attempts(app)] == [0, 1, 0, 1]


async def test_stopping_host_waits_for_no_retry_and_gives_the_message_back(app: SampleApp, account):
    queue = await account.new_queue()
    retry = {**FIXED, "delayInterval": "01:00:00"}
    app.function("take", queue_trigger(queue.queue_name), code=fails("msg"), retry=retry)
    async with running_app(app.root):
        await queue.send_message(base64_text("x"))
        await until(lambda: attempts(app))
    assert await account.arrivals(queue.queue_name)


async def test_retry_of_an_http_function_is_warned_of_and_has_no_effect(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    app.function("f", http_trigger(), RETURN, code=fails("req"), retry=FIXED)
    assert (await (await start()).get("/api/f")).status == 500
    assert len(attempts(app)) == 1
    assert "The 'retry' of 'f' in f/function.json has no effect" in caplog.text


async def test_first_call_is_told_of_no_trace_and_no_retry(app: SampleApp, start: StartHost):
    code = """
        def main(req, context):
            trace, retry = context.trace_context, context.retry_context
            return repr([trace.Traceparent, trace.trace_parent, trace.Tracestate, trace.trace_state,
                         trace.Attributes, trace.attributes, retry.retry_count, retry.max_retry_count,
                         retry.exception])
    """
    app.http("told", code)
    assert (await (await start()).get("/api/told")).text == "['', '', '', '', {}, {}, 0, 0, None]"


def test_delays_grow_to_the_longest():
    policy = RetryPolicy.parse(GROWING)
    assert [policy.delay_before(n).total_seconds() for n in (1, 2, 3, 4, 5000)] == [10, 20, 40, 60, 60]
    assert policy.allows(5000)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"strategy": "linear"}, "'retry.strategy' is fixedDelay or exponentialBackoff."),
        ({"maxRetryCount": "2"}, "'retry.maxRetryCount' is a number"),
        ({"maxRetryCount": -2}, "'retry.maxRetryCount' is a number"),
        ({"delayInterval": "soon"}, "'retry.delayInterval' is a duration: write it as hh:mm:ss."),
        ({"strategy": "exponentialBackoff"}, "'retry.minimumInterval' is a duration"),
    ],
)
def test_unusable_retry_names_its_member(change: dict[str, Any], complaint: str):
    with pytest.raises(InvalidRetry, match=complaint):
        RetryPolicy.parse(FIXED | change)


async def test_unusable_retry_is_an_error_of_its_function(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    app.function("tick", timer_trigger(DAILY), retry=[])
    await start()
    assert "The 'tick' function is in error: 'retry' is not an object." in caplog.text
