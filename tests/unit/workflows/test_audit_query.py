from datetime import date, timedelta
from typing import Any

import pytest

from shared_code.jobs import AuditQueryJob, JobFailed
from shared_code.jobs.date_range import DateRange
from shared_code.jobs.steps import CountDistinct, DiscardStaged, QueryWindow
from shared_code.workflows.audit_query import audit_query
from tests.unit.workflow_driver import NOVEMBER, Driver

QUERY_WINDOW, COUNT_DISTINCT = QueryWindow.activity, CountDistinct.activity
DISCARD = {"jobId": "job", "kind": "audit-query", "discard": True, "closes": True}

MISSING = {"code": "TableNotFound", "message": "Table audit does not exist."}


def job_of(days: Any) -> Any:
    return AuditQueryJob.plan(DateRange(date(2021, 2, 3), date(2021, 2, 3) + timedelta(days)))


def succeed(name: Any, payload: Any) -> Any:
    if name == QUERY_WINDOW:
        return {"ok": True, "count": 5, "counts": {"completed": 1, "skipped": 2}}
    return {"ok": True} if payload.get("discard") else {"ok": True, "count": 17}


def fail_reading(name: Any, payload: Any) -> Any:
    return {"ok": False, "error": MISSING} if name == QUERY_WINDOW else succeed(name, payload)


def run(answer: Any, days: Any) -> Any:
    driver = Driver(answer)
    return driver, driver.run(audit_query(driver, job_of(days)))


def steps(driver: Any) -> Any:
    return [call.payload for call in driver.calls if call.name in {COUNT_DISTINCT, DiscardStaged.activity}]


def test_small_range_is_counted_by_one_activity_that_stages_nothing():
    driver, result = run(succeed, 5)
    assert result == 5
    assert [(call.name, call.payload["stage"]) for call in driver.calls] == [(QUERY_WINDOW, False)]


def test_long_range_is_staged_and_its_union_counted():
    driver, result = run(succeed, 60)
    assert result == 17
    reads = [call.payload for lane in driver.lanes.values() for call in lane.calls]
    assert len(reads) == 8
    assert all(read["stage"] and read["jobId"] == "job" for read in reads)


def test_staged_runs_are_discarded_only_after_their_count_is_known():
    driver, _ = run(succeed, 60)
    assert steps(driver) == [{"jobId": "job", "runs": 8}, DISCARD]


def test_last_status_of_a_finished_job_holds_the_whole_progress():
    driver, _ = run(succeed, 60)
    assert driver.statuses[-1] == {
        "phase": "done",
        "total": 8,
        "lanes": 0,
        "completed": 8,
        "skipped": 16,
        "error": None,
    }


def test_status_names_the_lanes_while_they_run():
    driver, _ = run(succeed, 60)
    assert [(status["phase"], status["lanes"]) for status in driver.statuses] == [
        ("reading", 1),
        ("counting", 0),
        ("done", 0),
    ]


@pytest.mark.parametrize("days", [5, 60])
def test_known_failure_fails_the_job_with_its_code_in_the_status(days):
    driver = Driver(fail_reading)
    with pytest.raises(JobFailed, match="Table audit does not exist") as failure:
        driver.run(audit_query(driver, job_of(days)))
    assert failure.value.code == "TableNotFound"
    assert driver.statuses[-1]["phase"] == "failed"
    assert driver.statuses[-1]["error"] == MISSING


def test_failed_job_discards_what_it_staged_and_counts_nothing():
    driver = Driver(fail_reading)
    with pytest.raises(JobFailed):
        driver.run(audit_query(driver, job_of(60)))
    assert steps(driver) == [DISCARD]


def test_failed_discard_leaves_the_answer_as_it_is():
    def fail_discarding(name: Any, payload: Any) -> Any:
        if payload.get("discard"):
            raise RuntimeError("storage is down")
        return succeed(name, payload)

    _, result = run(fail_discarding, 60)
    assert result == 17


def test_count_that_fails_until_patience_is_over_fails_the_job_after_the_discard():
    def fail_counting(name: Any, payload: Any) -> Any:
        if "runs" in payload:
            raise RuntimeError("storage is down")
        return succeed(name, payload)

    driver = Driver(fail_counting)
    with pytest.raises(JobFailed, match="host ended a step"):
        driver.run(audit_query(driver, job_of(60)))
    assert driver.statuses[-1]["error"]["code"] == "StepInterrupted"
    assert driver.usage.now - NOVEMBER > timedelta(hours=23)
    assert steps(driver)[-1] == DISCARD


def test_longest_range_stays_within_eight_activities_at_a_time():
    driver, _ = run(succeed, 3660)
    at_once = sum(lane.most_at_once for lane in driver.lanes.values())
    assert at_once == 8
    assert len(driver.lanes) <= 4
