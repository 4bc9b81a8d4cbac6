import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from azure.data.tables import TableClient

from local.http_client import request
from local.ports import free_port
from tests.support.api_client import ApiClient, StartHost

MEMBERS = {"id", "kind", "status", "result", "progress", "createdAt", "lastUpdatedAt", "expiresAt"}
SECRETS = ("webhooks", "code=", "history", "lanes", "windowDays", "Traceback", "input")


@pytest.fixture(scope="module")
def job_id(api: ApiClient, audit_table: TableClient) -> str:
    """A job of several windows that has ended."""
    for day in ("2019-03-01", "2019-05-20"):
        audit_table.upsert_entity(
            {"PartitionKey": day, "RowKey": "1", "CertNumber": "c", "identificationNumber": day}
        )
    audit_table.upsert_entity({"PartitionKey": "2019-04-01", "RowKey": "1", "CertNumber": "no person"})
    ended: str = api.run("2019-03-01", "2019-06-01")["id"]
    return ended


def test_completed_job_shows_result_progress_and_times(api: ApiClient, job_id: str) -> None:
    answer = api.status(job_id)
    body = answer.json()

    assert answer.status == 200
    assert set(body) == MEMBERS
    assert (body["id"], body["status"], body["result"]) == (job_id, "Completed", 2)
    assert set(body["progress"]) == {"phase", "total", "completed", "failed", "skipped"}
    assert body["progress"]["completed"] == body["progress"]["total"] > 1
    assert (body["progress"]["failed"], body["progress"]["skipped"]) == (0, 1)
    assert answer.headers["cache-control"] == "no-store"


def test_ended_job_names_when_it_expires_and_asks_for_no_more_polls(api: ApiClient, job_id: str) -> None:
    answer = api.status(job_id)
    created, updated, expires = (
        datetime.fromisoformat(answer.json()[name]) for name in ("createdAt", "lastUpdatedAt", "expiresAt")
    )

    assert created <= updated
    assert expires - updated == timedelta(days=30)
    assert "retry-after" not in answer.headers


def test_status_answer_holds_nothing_of_the_inside(api: ApiClient, job_id: str) -> None:
    answer = api.status(job_id)

    shown = json.dumps(dict(answer.headers)) + answer.text
    assert not [secret for secret in SECRETS if secret in shown]


@pytest.mark.parametrize(
    "made_up",
    [
        "nope",
        "0" * 32,
        "@counter@x",
        "%40counter%40x",
        "..%2Finstances",
        "a%3FshowInput=true",
        "a%23b",
        "%00",
        "x" * 2000,
        "caf%C3%A9",
    ],
)
def test_made_up_id_is_not_found(api: ApiClient, made_up: str) -> None:
    answer = api.status(made_up)

    assert answer.status == 404
    assert (answer.json()["code"], answer.json()["error"]) == ("JobNotFound", "Job not found")


def test_lane_of_a_job_is_not_found(api: ApiClient, job_id: str) -> None:
    lane = f"{job_id}:lane:0"

    assert request("GET", f"{api.origin}/runtime/webhooks/durabletask/instances/{lane}").status == 200
    assert api.status(lane).status == 404
    assert api.status(lane.replace(":", "%3A")).status == 404


@pytest.mark.parametrize(
    ("function", "instance"),
    [("lane-orchestrator-function", "5" * 32), ("orchestrator-function", "started-by-an-operator")],
)
def test_instance_that_is_no_job_is_not_found(api: ApiClient, function: str, instance: str) -> None:
    management = f"{api.origin}/runtime/webhooks/durabletask"

    assert request("POST", f"{management}/orchestrators/{function}/{instance}").status == 202
    assert request("GET", f"{management}/instances/{instance}").status in {200, 202}
    assert api.status(instance).status == 404


def test_only_reading_a_status_is_possible(api: ApiClient, job_id: str) -> None:
    assert {api.send(method, f"/api/status/{job_id}").status for method in ("POST", "PUT", "PATCH")} == {404}


def test_missing_table_fails_the_job_with_a_sentence_that_names_it(start_host: StartHost) -> None:
    with start_host(AUDIT_TABLE="absent") as (api, _):
        one_window, many_windows = api.run("2021-02-01", "2021-02-03"), api.run("2021-02-01", "2021-06-01")

    for status in (one_window, many_windows):
        assert (status["status"], status["result"]) == ("Failed", None)
        assert status["error"]["code"] == "TableNotFound"
        assert status["error"]["message"].startswith("Table absent does not exist: check")


def test_failed_job_shows_nothing_of_the_inside(start_host: StartHost) -> None:
    with start_host(AUDIT_TABLE="absent") as (api, _):
        job = api.run("2021-02-01", "2021-06-01")["id"]
        shown = api.status(job).text

    assert not [secret for secret in SECRETS if secret in shown]


def test_unusable_setting_fails_with_a_sentence_that_names_it_and_not_its_value(
    start_host: StartHost,
) -> None:
    with start_host(AUDIT_STORAGE="hunter2-is-no-connection-string") as (api, _):
        status = api.run("2021-02-01", "2021-02-03")

    assert status["status"] == "Failed"
    assert "AUDIT_STORAGE" in status["error"]["message"]
    assert "hunter2" not in json.dumps(status)


def test_client_that_waits_gets_the_end_of_its_job_and_polls_nothing(api: ApiClient, job_id: str) -> None:
    waiting = {"Prefer": "respond-async, wait=20"}
    submitted = api.submit("2021-02-01", "2021-06-01", headers=waiting)
    read = api.send("GET", f"/api/status/{submitted.json()['id']}", headers=waiting)

    assert (submitted.status, read.status) == (200, 200)
    assert submitted.headers["location"] == submitted.json()["statusUri"]
    assert submitted.json() == {**read.json(), "statusUri": submitted.json()["statusUri"]}
    assert read.json()["status"] in {"Completed", "Failed"}
    for answer in (submitted, read):
        assert answer.headers["preference-applied"] == "wait=20"


def test_many_clients_that_wait_in_vain_are_answered_together(start_host: StartHost) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/account?sig=x"
    with start_host(AUDIT_STORAGE=nowhere) as (api, _), ThreadPoolExecutor(40) as clients:
        waiting = {"Prefer": "wait=2"}
        submitted = api.submit("2021-02-01", "2021-02-03", headers=waiting)
        target = submitted.json()["statusUri"].removeprefix(api.origin)
        answers = [clients.submit(api.send, "GET", target, headers=waiting) for _ in range(40)]
        meanwhile = api.send("GET", target)
        read = [answer.result() for answer in answers]

    assert (submitted.status, submitted.headers["preference-applied"]) == (202, "wait=2")
    assert {answer.json()["status"] for answer in (submitted, meanwhile, *read)} <= {"Pending", "Running"}
    assert "preference-applied" not in meanwhile.headers
    assert {(answer.status, answer.headers["retry-after"]) for answer in read} == {(200, "1")}
