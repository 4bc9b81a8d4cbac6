import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from shared_code.telemetry import log_event, traced


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


def test_workflow_logs_its_start_and_its_end(caplog):
    context = SimpleNamespace(is_replaying=False, instance_id="job")
    assert run(traced(context, "audit-query", workflow(result=5))) == 5
    assert events(caplog) == ["workflow.started", "workflow.ended"]


def test_replayed_workflow_logs_nothing(caplog):
    context = SimpleNamespace(is_replaying=True, instance_id="job")
    run(traced(context, "audit-query", workflow(result=5)))
    assert caplog.records == []


def test_failed_workflow_logs_so_and_still_fails(caplog):
    context = SimpleNamespace(is_replaying=False, instance_id="job")
    generator = traced(context, "audit-query", workflow(error=ValueError("why")))
    next(generator)
    with pytest.raises(ValueError, match="why"):
        next(generator)
    assert events(caplog) == ["workflow.started", "workflow.failed"]
