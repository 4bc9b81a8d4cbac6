"""The list of jobs over HTTP: each host has a task hub of its own, so that its list holds its own jobs."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.data.tables import TableServiceClient

from local.emulators.azurite import Azurite
from local.http_client import Answer
from local.settings import StackSettings
from tests.support.api_client import ApiClient, StartHost
from tests.support.service_proxy import Call, Reply, service_proxy

DATES = ("2021-02-03", "2021-02-05")
HUB = "AzureFunctionsJobHost__extensions__durableTask__hubName"


def own_hub() -> dict[str, str]:
    return {HUB: f"hub{uuid4().hex[:12]}"}


@pytest.fixture(scope="module")
def api(start_host: StartHost) -> Iterator[ApiClient]:
    with start_host(**own_hub(), AUDIT_TABLE="absent") as (client, _):
        yield client


def listed(api: ApiClient, query: str = "") -> Any:
    answer = api.send("GET", f"/api/jobs{query}")
    assert answer.status == 200, answer.text
    return answer.json()


def submit(api: ApiClient, key: str | None = None) -> Answer:
    return api.submit(*DATES, method="POST", headers={"Idempotency-Key": key} if key else {})


def test_jobs_are_listed_newest_first_as_their_status_shows_them(api: ApiClient) -> None:
    ids = [submit(api).json()["id"] for _ in range(3)]
    ended = [api.finished(job_id) for job_id in ids]

    page = listed(api, "?top=3")

    assert page["jobs"] == [
        {name: value for name, value in status.items() if name != "result"} for status in ended[::-1]
    ]


def test_pages_lead_to_the_first_job_and_hold_each_once(api: ApiClient) -> None:
    ids = {submit(api).json()["id"] for _ in range(5)}
    seen, page = list[str](), listed(api, "?top=2")
    while page["next"]:
        seen += [job["id"] for job in page["jobs"]]
        page = listed(api, f"?top=2&after={page['next']}")
    seen += [job["id"] for job in page["jobs"]]

    assert len(seen) == len(set(seen))
    assert ids <= set(seen)


def test_filters_narrow_the_list(api: ApiClient) -> None:
    api.finished(submit(api).json()["id"])

    assert {job["status"] for job in listed(api, "?status=Failed&kind=audit-query")["jobs"]} == {"Failed"}
    assert listed(api, "?env=nowhere")["jobs"] == []
    assert listed(api, "?createdAfter=2100-01-01T00:00:00Z")["jobs"] == []


def test_parameter_that_cannot_be_used_is_a_problem_that_names_it(api: ApiClient) -> None:
    answer = api.send("GET", "/api/jobs?top=many")

    assert (answer.status, answer.json()["code"]) == (400, "InvalidField")
    assert answer.json()["error"].startswith("Field top cannot be used: use a number from 1 to 100")


def test_requests_at_once_with_one_key_are_one_job_of_the_list(api: ApiClient) -> None:
    with ThreadPoolExecutor(12) as clients:
        ids = {answer.json()["id"] for answer in clients.map(lambda _: submit(api, "twelve"), range(12))}

    assert len(ids) == 1
    assert [job["id"] for job in listed(api, "?top=100")["jobs"]].count(ids.pop()) == 1


@dataclass
class TableRule:
    """Treats writes to the table of jobs; the service has done what is held."""

    fails: bool = False
    holds: bool = False
    is_holding: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def __call__(self, call: Call) -> Reply:
        if self.fails:
            return Reply(503, {})
        reply = call.pass_on()
        if self.holds and call.method == "PUT" and "Jobs(" in call.target:
            self.is_holding.set()
            self.released.wait(30)
        return reply


@pytest.fixture
def table(storage: Azurite, stack_settings: StackSettings) -> Iterator[tuple[TableRule, dict[str, str]]]:
    """A rule for requests to tables, and the settings of a host that sends them there."""
    rule, service = TableRule(), f"http://127.0.0.1:{stack_settings.table.number}"
    with service_proxy(service, rule) as proxy:
        moved = storage.connection_string.replace(service, proxy.origin)
        yield rule, {**own_hub(), "AzureWebJobsStorage": moved}
        rule.released.set()


def test_job_whose_start_a_kill_prevents_is_not_listed_until_it_starts(
    table: tuple[TableRule, dict[str, str]], start_host: StartHost, tmp_path: Path
) -> None:
    rule, settings = table
    rule.holds = True
    with start_host(tmp_path / "state.db", **settings) as (api, service), ThreadPoolExecutor(1) as client:
        lost = client.submit(submit, api, "a key")
        assert rule.is_holding.wait(30)
        service.kill()
        assert lost.exception()
    rule.holds = False
    rule.released.set()

    with start_host(tmp_path / "state.db", **settings) as (api, _):
        assert listed(api)["jobs"] == []
        job_id = submit(api, "a key").json()["id"]
        assert [job["id"] for job in listed(api)["jobs"]] == [job_id]


def test_table_that_is_away_loses_no_job_and_says_what_to_do(
    table: tuple[TableRule, dict[str, str]], start_host: StartHost
) -> None:
    rule, settings = table
    with start_host(**settings) as (api, _):
        rule.fails = True
        refused = submit(api, "a key"), api.send("GET", "/api/jobs")
        rule.fails = False
        job_id = submit(api, "a key").json()["id"]

        for answer in refused:
            assert (answer.status, answer.headers["retry-after"]) == (503, "5")
            assert answer.json()["code"] == "JobTableUnavailable"
            assert answer.json()["error"].endswith("no job was started: send the same request again.")
        assert [job["id"] for job in listed(api)["jobs"]] == [job_id]


def test_jobs_that_were_there_before_their_table_are_filled_in(
    storage: Azurite, start_host: StartHost, tmp_path: Path
) -> None:
    hub = own_hub()
    with start_host(tmp_path / "state.db", **hub) as (api, _):
        ids = [submit(api).json()["id"] for _ in range(3)]
        ended = [api.finished(job_id) for job_id in ids]
    with TableServiceClient.from_connection_string(storage.connection_string) as tables:
        tables.delete_table(f"{hub[HUB]}Jobs")

    with start_host(tmp_path / "state.db", **hub) as (api, _):
        page = listed(api)

    assert [job["id"] for job in page["jobs"]] == ids[::-1]
    assert {job["createdAt"] for job in page["jobs"]} == {status["createdAt"] for status in ended}
