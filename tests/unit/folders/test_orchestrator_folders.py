"""The orchestrator folders as the host calls them: context JSON in, state JSON out, through the SDK."""

import json
import runpy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shared_code.jobs import AuditQueryJob
from shared_code.jobs.date_range import DateRange

ROOT = Path(__file__).parents[3]
STARTED_AT = "2021-02-03T10:00:00.000000Z"
JOB = AuditQueryJob.plan(DateRange(date(2021, 2, 3), date(2021, 2, 5))).to_json()
LONG_JOB = AuditQueryJob.plan(DateRange(date(2021, 1, 1), date(2021, 3, 1))).to_json()
DENIED = {"ok": False, "error": {"code": "AccessDenied", "message": "Storage refused access."}}


def main_of(folder: str) -> Any:
    return runpy.run_path(str(ROOT / folder / "main.py"))["main"]


def event(kind: Any, **fields: Any) -> Any:
    return {"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": STARTED_AT, **fields}


def completed(task_id: Any, result: Any, kind: Any = 5) -> Any:
    return event(kind, TaskScheduledId=task_id, Result=json.dumps(result))


def failed(task_id: Any) -> Any:
    return event(6, TaskScheduledId=task_id, Reason="Activity function failed", Details="secret trace")


def context_of(payload: Any, *events: Any, instance_id: Any = "job") -> Any:
    started = event(0, Name="orchestrator-function", Version="1", Input=json.dumps(json.dumps(payload)))
    return json.dumps(
        {
            "history": [event(12), started, *events],
            "input": json.dumps(payload),
            "instanceId": instance_id,
            "isReplaying": False,
            "parentInstanceId": None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 3,
            "maximumShortTimerDuration": "6.00:00:00",
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
    )


def state_of(folder: Any, payload: Any, *events: Any) -> Any:
    return json.loads(main_of(folder)(context_of(payload, *events)))


def failure_of(payload: Any, *events: Any) -> Any:
    with pytest.raises(Exception, match="OutOfProcData") as failure:
        main_of("orchestrator-function")(context_of(payload, *events))
    return json.loads(str(failure.value).split("$OutOfProcData$:")[1])


def test_small_job_schedules_one_window_with_retries():
    state = state_of("orchestrator-function", JOB)
    action = state["actions"][0][0]["compoundActions"][0]
    assert not state["isDone"]
    assert action["functionName"] == "query-storage-account-activity-function"
    assert action["retryOptions"]["maxNumberOfAttempts"] == 3


def test_small_job_completes_with_the_integer():
    state = state_of(
        "orchestrator-function",
        JOB,
        completed(0, {"ok": True, "count": 17, "counts": {"completed": 1, "skipped": 1}}),
    )
    assert state["isDone"]
    assert state["output"] == 17
    assert state["customStatus"]["phase"] == "done"


def test_status_of_a_failed_job_is_sent_with_its_error():
    state = failure_of(JOB, completed(0, DENIED))
    assert state["customStatus"]["phase"] == "failed"
    assert state["customStatus"]["error"] == DENIED["error"]


def test_long_job_goes_lanes_then_count_then_discard():
    lanes = completed(0, {"counts": {"completed": 8, "skipped": 2}, "error": None, "ledger": []}, kind=8)
    counted = completed(1, {"ok": True, "count": 17})
    state = state_of("orchestrator-function", LONG_JOB, lanes, counted, completed(2, {"ok": True}))
    inputs = [json.loads(action["compoundActions"][0]["input"]) for action in state["actions"][0][1:]]
    assert inputs == [
        {"jobId": "job", "runs": 8},
        {"jobId": "job", "kind": "audit-query", "discard": True, "closes": True},
    ]
    assert (state["isDone"], state["output"]) == (True, 17)


def test_lane_of_a_long_job_is_a_sub_orchestration_named_after_it():
    state = state_of("orchestrator-function", LONG_JOB)
    lane = state["actions"][0][0]["compoundActions"][0]
    assert lane["functionName"] == "lane-orchestrator-function"
    assert lane["instanceId"] == "job:lane:0"
    assert state["customStatus"]["lanes"] == 1


def test_unknown_kind_fails_with_a_sentence_that_lists_the_known_ones():
    with pytest.raises(
        Exception, match="kind out of \\['audit-query', 'embed-event', 'embed-files', 'evaluate'\\]"
    ):
        main_of("orchestrator-function")(context_of({"kind": "other"}))


def lane_work(pages: Any) -> Any:
    totals: dict[str, Any] = {"counts": {}, "error": None, "ledger": []}
    return {"activity": "activity", "common": {}, "pages": pages, "totals": totals}


def test_lane_continues_as_new_with_the_rest_and_its_totals():
    results = [
        completed(number, {"ok": True, "counts": {"completed": 1, "skipped": 1}}) for number in range(2)
    ]
    state = state_of("lane-orchestrator-function", lane_work([[{"n": 1}, {"n": 2}], [{"n": 3}]]), *results)
    going_on = json.loads(state["actions"][0][-1]["input"])
    assert state["isDone"]
    assert going_on["pages"] == [[{"n": 3}]]
    assert going_on["totals"]["counts"] == {"completed": 2, "skipped": 2}


def test_lane_that_ends_on_a_failure_schedules_nothing_more():
    state = state_of(
        "lane-orchestrator-function", lane_work([[{"n": 1}, {"n": 2}], [{"n": 3}]]), completed(0, DENIED)
    )
    scheduled = state["actions"]
    late = completed(1, {"ok": True, "counts": {"completed": 1}})
    ended = state_of(
        "lane-orchestrator-function",
        lane_work([[{"n": 1}, {"n": 2}], [{"n": 3}]]),
        completed(0, DENIED),
        late,
    )
    assert not state["isDone"]
    assert ended["isDone"]
    assert ended["output"]["error"] == DENIED["error"]
    assert ended["actions"] == scheduled


def test_lane_whose_activity_the_host_keeps_ending_waits_and_shows_why():
    tries = [
        failed(0),
        event(11, TimerId=1, FireAt=STARTED_AT),
        failed(2),
        event(11, TimerId=3, FireAt=STARTED_AT),
        failed(4),
        event(11, TimerId=5, FireAt=STARTED_AT),
    ]
    state = state_of("lane-orchestrator-function", lane_work([[{"n": 1}], [{"n": 2}]]), *tries)
    assert not state["isDone"]
    assert state["customStatus"]["waiting"]["code"] == "StepInterrupted"
    assert "secret" not in json.dumps(state)
