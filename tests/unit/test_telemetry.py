import asyncio
import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from shared_code.errors import JobNotFound
from shared_code.telemetry import log_event, log_scope, traced


def workflow(result: Any = None, error: Any = None) -> Any:
    yield "task"
    if error:
        raise error
    return result


def run(generator: Any) -> Any:
    next(generator)
    with pytest.raises(StopIteration) as ended:
        next(generator)
    return ended.value.value


def events(caplog: Any) -> Any:
    return [json.loads(record.message)["event"] for record in caplog.records]


@pytest.fixture(autouse=True)
def all_levels(caplog: Any) -> Any:
    caplog.set_level(logging.INFO, logger="async_jobs")


def test_event_is_one_line_of_json(caplog):
    log_event("window.read", jobId="job", distinct=3)
    assert json.loads(caplog.records[0].message) == {"event": "window.read", "jobId": "job", "distinct": 3}


def test_event_with_a_cause_is_an_error_with_its_traceback(caplog):
    log_event("request.refused", cause=ValueError("why"))
    assert caplog.records[0].levelno == logging.ERROR
    assert caplog.records[0].exc_info


def test_requests_of_the_sdks_and_their_headers_stay_out_of_the_log():
    policy = logging.getLogger("azure.core.pipeline.policies.http_logging_policy")
    assert not policy.isEnabledFor(logging.INFO)


def test_workflow_logs_its_start_and_its_end(caplog):
    context = SimpleNamespace(is_replaying=False)
    assert run(traced(context, "workflow", workflow(result=5), jobId="job")) == 5
    assert events(caplog) == ["workflow.started", "workflow.ended"]


def test_replayed_workflow_logs_nothing(caplog):
    context = SimpleNamespace(is_replaying=True)
    run(traced(context, "workflow", workflow(result=5), jobId="job"))
    assert caplog.records == []


def test_failed_workflow_logs_so_and_still_fails(caplog):
    context = SimpleNamespace(is_replaying=False)
    generator = traced(context, "workflow", workflow(error=ValueError("why")))
    next(generator)
    with pytest.raises(ValueError, match="why"):
        next(generator)
    assert events(caplog) == ["workflow.started", "workflow.failed"]


@pytest.mark.parametrize(
    ("error", "name"), [(JobNotFound(), "JobNotFound"), (ValueError("a secret"), "ValueError")]
)
def test_failure_is_a_warning_and_logged_by_its_name_alone(caplog, error, name):
    context = SimpleNamespace(is_replaying=False)
    generator = traced(context, "lane", workflow(error=error), jobId="job", lane="2")
    next(generator)
    with pytest.raises(type(error)):
        next(generator)
    assert caplog.records[1].levelno == logging.WARNING
    assert json.loads(caplog.messages[1]) == {
        "event": "lane.failed",
        "jobId": "job",
        "lane": "2",
        "error": name,
    }


async def test_scope_is_in_every_line_of_its_tasks_and_in_no_other(caplog):
    async def work(step: str) -> None:
        with log_scope(jobId="job", step=step):
            await asyncio.gather(asyncio.to_thread(log_event, "in a thread"), asyncio.sleep(0))
            log_event("after it", step="of its own")

    await asyncio.gather(work("one"), work("two"))
    log_event("outside")
    lines = [json.loads(message) for message in caplog.messages]
    assert {line["step"] for line in lines if line["event"] == "in a thread"} == {"one", "two"}
    assert {line["step"] for line in lines if line["event"] == "after it"} == {"of its own"}
    assert lines[-1] == {"event": "outside"}


def test_traceback_that_cannot_be_written_is_logged_escaped(caplog: pytest.LogCaptureFixture):
    log_event("step.failed", cause=ValueError("half of a pair: \ud800"))
    (record,) = caplog.records
    assert (record.exc_info, record.levelname) == (None, "ERROR")
    assert "half of a pair: \\ud800" in record.getMessage()
