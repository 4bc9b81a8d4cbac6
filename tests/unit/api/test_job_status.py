import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared_code.api.job_status import read_status
from shared_code.api.openapi.document import openapi_document
from shared_code.errors import JobNotFound
from tests.support.durable_host_fake import FakeHost, instance
from tests.support.openapi_client import errors_of

ID = "0123456789abcdef0123456789abcdef"
READING = {
    "phase": "reading",
    "total": 8,
    "lanes": 2,
    "completed": 0,
    "failed": 0,
    "skipped": 0,
    "error": None,
}
DONE = {**READING, "phase": "done", "lanes": 0, "completed": 8, "skipped": 3}
DENIED = {"code": "AccessDenied", "message": "Storage refused access."}


CREATED = datetime(2021, 2, 3, 10, tzinfo=UTC)


async def body_of(job: Any, lanes: Any = (), *, seconds: int = 1) -> Any:
    """The status of a job so many seconds after its submission."""
    lane_instances = {f"{ID}:lane:{number}": lane for number, lane in enumerate(lanes)}
    host, now = FakeHost({ID: job, **lane_instances}), CREATED + timedelta(seconds=seconds)
    status = await read_status(host, ID, retention_days=30, clock=lambda: now)
    return status.to_json()


async def test_finished_job_shows_its_result_and_when_it_expires():
    assert await body_of(instance(status="Completed", output=17, customStatus=DONE)) == {
        "id": ID,
        "status": "Completed",
        "result": 17,
        "progress": {"phase": "done", "total": 8, "completed": 8, "failed": 0, "skipped": 3},
        "createdAt": "2021-02-03T10:00:00Z",
        "lastUpdatedAt": "2021-02-03T10:05:00Z",
        "expiresAt": "2021-03-05T10:05:00Z",
    }


async def test_job_that_has_not_begun_shows_an_empty_progress():
    body = await body_of(instance(status="Pending"))
    assert body["status"] == "Pending"
    assert body["progress"] == {"phase": "pending", "total": 0, "completed": 0, "failed": 0, "skipped": 0}
    assert body["result"] is body["expiresAt"] is None


async def test_progress_of_a_running_job_is_the_sum_of_its_lanes():
    lanes = [
        instance("lane-orchestrator-function", customStatus={"completed": 3, "failed": 0, "skipped": 1}),
        instance("lane-orchestrator-function", customStatus={"completed": 2, "failed": 1, "skipped": 4}),
    ]
    body = await body_of(instance(customStatus=READING), lanes)
    assert body["progress"] == {
        "phase": "reading",
        "total": 8,
        "completed": 5,
        "failed": 1,
        "skipped": 5,
        "lanes": [
            {"completed": 3, "failed": 0, "skipped": 1},
            {"completed": 2, "failed": 1, "skipped": 4},
        ],
    }


async def test_lanes_and_waits_are_what_the_document_says():
    wait = {"service": "cosmos", "code": "Throttled", "message": "It throttles.", "tries": 1}
    times = {"since": "2021-02-03T10:00:00+00:00", "nextTry": "2021-02-03T10:01:00+00:00"}
    lanes = [
        instance("lane-orchestrator-function", customStatus={"completed": 3}),
        instance(
            "lane-orchestrator-function", customStatus={"phase": "waiting", "waiting": {**wait, **times}}
        ),
    ]
    body = await body_of(instance(customStatus=READING), lanes)
    document = openapi_document()
    assert [lane.get("phase") for lane in body["progress"]["lanes"]] == [None, "waiting"]
    assert errors_of(body, document["components"]["schemas"]["JobStatus"], document) == []


async def test_job_with_a_lane_at_its_budget_is_held_with_the_reason():
    reason = {"code": "BudgetReached", "message": "The budget of prod is reached."}
    lanes = [
        instance("lane-orchestrator-function", customStatus={"completed": 3, "error": None}),
        instance(
            "lane-orchestrator-function", customStatus={"completed": 2, "phase": "held", "held": reason}
        ),
    ]
    progress = (await body_of(instance(customStatus=READING), lanes))["progress"]
    assert (progress["phase"], progress["held"], progress["completed"]) == ("held", reason, 5)


async def test_estimate_of_an_embedding_job_is_part_of_its_progress():
    estimate = {"files": 3, "bytes": 900, "tokens": 225, "cost": 0.01}
    body = await body_of(instance(customStatus={**READING, "lanes": 0, "estimate": estimate}))
    assert body["progress"]["estimate"] == estimate


async def test_lane_that_has_not_begun_counts_nothing():
    body = await body_of(instance(customStatus=READING), [instance("lane-orchestrator-function")])
    assert body["progress"]["completed"] == 0


@pytest.mark.parametrize(
    ("runtime_status", "shown"),
    [("ContinuedAsNew", "Running"), ("Suspended", "Suspended"), ("Terminated", "Terminated")],
)
async def test_runtime_status_is_shown_by_its_durable_name(runtime_status, shown):
    assert (await body_of(instance(status=runtime_status)))["status"] == shown


async def test_failed_job_shows_the_error_of_its_workflow():
    status = {**READING, "phase": "failed", "lanes": 0, "failed": 1, "error": DENIED}
    body = await body_of(instance(status="Failed", output="trace", customStatus=status))
    assert body["error"] == DENIED
    assert body["result"] is None


async def test_job_that_failed_for_an_unknown_reason_shows_a_general_error():
    body = await body_of(instance(status="Failed", output="Orchestrator function failed: secret"))
    assert body["error"]["code"] == "JobFailed"
    assert "secret" not in json.dumps(body)


@pytest.mark.parametrize("status", ["Pending", "Running", "Suspended", "Failed", "Terminated"])
async def test_answer_never_holds_input_output_or_history(status):
    told = instance(status=status, input="hidden", output="hidden", historyEvents=["hidden"])
    assert "hidden" not in json.dumps(await body_of(told))


@pytest.mark.parametrize(
    ("runtime_status", "ended"),
    [("Pending", False), ("Running", False), ("Suspended", False), ("Completed", True), ("Failed", True)],
)
async def test_job_has_ended_once_its_status_is_final(runtime_status, ended):
    host = FakeHost({ID: instance(status=runtime_status)})
    assert (await read_status(host, ID, retention_days=1)).ended is ended


async def test_unknown_job_is_not_found():
    with pytest.raises(JobNotFound):
        await read_status(FakeHost(), ID, retention_days=30)


async def test_cancelled_job_shows_who_ended_it_and_what_was_done():
    status = {**DONE, "phase": "canceled", "canceledBy": "ann"}
    body = await body_of(instance(status="Completed", output={"embedded": 3}, customStatus=status))
    assert (body["status"], body["canceledBy"], body["result"]) == ("Canceled", "ann", {"embedded": 3})
    assert body["expiresAt"]


@pytest.mark.parametrize(("status", "is_there"), [("Pending", True), ("Suspended", True), ("Failed", False)])
async def test_job_can_be_cancelled_until_it_has_ended(status, is_there):
    host = FakeHost({ID: instance(status=status)})
    body = (await read_status(host, ID, retention_days=1, origin="https://jobs.local")).to_json()
    assert ("cancelUri" in body) is is_there
    assert body.get("cancelUri", f"https://jobs.local/api/status/{ID}").endswith(f"/api/status/{ID}")


async def test_status_says_of_what_kind_the_job_is_and_in_which_environment():
    body = await body_of(instance(input=json.dumps({"kind": "embed-files", "env": "prod", "plan": "hidden"})))
    assert (body["kind"], body["env"]) == ("embed-files", "prod")
    assert "hidden" not in json.dumps(body)


SUSPENDED_LANE = instance("lane-orchestrator-function", "Suspended")


@pytest.mark.parametrize(
    ("job", "lanes", "service", "code"),
    [
        (instance(status="Suspended"), (), "operator", "JobSuspended"),
        (instance(customStatus=READING), (SUSPENDED_LANE, SUSPENDED_LANE), "operator", "JobSuspended"),
        (instance(status="Pending"), (), "host", "NotBegun"),
    ],
)
async def test_status_says_why_the_host_lets_a_job_wait(job, lanes, service, code):
    progress = (await body_of(job, lanes, seconds=61))["progress"]
    assert (progress["phase"], progress["waiting"]["service"]) == ("waiting", service)
    assert (progress["waiting"]["code"], progress["waiting"]["nextTry"]) == (code, None)


@pytest.mark.parametrize("status", ["Running", "Completed", "Failed", "Terminated"])
async def test_job_that_runs_or_has_ended_waits_for_nothing_however_old_it_is(status):
    body = await body_of(instance(status=status, customStatus={**DONE, "lanes": 0}), seconds=10**6)
    assert "waiting" not in body["progress"]
