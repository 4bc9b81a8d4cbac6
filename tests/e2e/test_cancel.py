"""A client cancels its job in whatever phase it is: nothing begins any more, and what was paid is counted."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import ContainerClient

from local.emulators.azurite import ACCOUNT, Azurite
from local.http_client import request
from local.ports import LOOPBACK
from local.settings import StackSettings
from shared_code.jobs.source_containers import JOBS_CONTAINER
from shared_code.network import Network
from tests.support.api_client import ApiClient, StartHost
from tests.support.app_time import AppTime
from tests.support.corpus import DATABASE, SELF_CERTIFIED, SHORT_VECTORS, Corpus, corpus, prose
from tests.support.instant_app import InstantApp, instant_app
from tests.support.service_proxy import Call, Reply, ServiceProxy, service_proxy
from tests.support.table_proxy import table_proxy

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED
UNAVAILABLE = Reply.of({}, status=HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass
class Slow:
    """A rule: each request takes a while, and its time is kept."""

    seconds: float = 0.08
    sent: list[float] = field(default_factory=list)

    def __call__(self, call: Call) -> Reply:
        self.sent.append(time.monotonic())
        time.sleep(self.seconds)
        return call.pass_on()

    def wait_for_first(self) -> None:
        """Waits until something is being embedded."""
        deadline = time.monotonic() + 30
        while not self.sent and time.monotonic() < deadline:
            time.sleep(0.005)
        assert self.sent


@dataclass
class Held:
    """A rule: requests wait until they are let go."""

    matches: str
    is_holding: threading.Event = field(default_factory=threading.Event)
    is_free: threading.Event = field(default_factory=threading.Event)

    def __call__(self, call: Call) -> Reply:
        if self.matches in call.target:
            self.is_holding.set()
            self.is_free.wait(30)
        return call.pass_on()


@dataclass
class AwayAtTheEnd:
    """A rule: a job is cancelled when its last step is about to close, and then storage goes away."""

    cancel: Callable[[str], Any]
    answers: list[Any] = field(default_factory=list)

    def __call__(self, call: Call) -> Reply:
        is_closing = (
            call.method == "PUT" and call.target.endswith("/cancel.json") and b'"by": ""' in call.body
        )
        if is_closing and not self.answers:
            self.answers.append(self.cancel(call.target.split("/")[-2]))
        return UNAVAILABLE if self.answers else call.pass_on()


@pytest.fixture
def blobs_on_the_way(stack_settings: StackSettings, storage: Azurite) -> Iterator[ServiceProxy]:
    with service_proxy(f"http://{LOOPBACK}:{stack_settings.blob.number}") as proxy:
        yield proxy


@pytest.fixture
def own_settings(
    storage: Azurite,
    embedding_settings: dict[str, str],
    embeddings_on_the_way: ServiceProxy,
    blobs_on_the_way: ServiceProxy,
) -> dict[str, str]:
    account = storage.connection_string.split("BlobEndpoint")[0]
    return {
        **embedding_settings,
        **SHORT_VECTORS,
        "AZURE_STORAGE_CONNECTION_STRING": f"{account}BlobEndpoint={blobs_on_the_way.origin}/{ACCOUNT};",
        "COSMOS_DATABASE": DATABASE,
        "EMBEDDINGS_ENDPOINT": f"{embeddings_on_the_way.origin}/v1",
        "EMBEDDINGS_TOKENS_PER_REQUEST": "2000",
        "EMBEDDINGS_CONCURRENCY": "4",
    }


@pytest.fixture
def api(start_host: StartHost, own_settings: dict[str, str]) -> Iterator[ApiClient]:
    with start_host(**own_settings) as (client, _):
        yield client


@pytest.fixture
async def app(storage: Azurite, corpus: Corpus, own_settings: dict[str, str]) -> AsyncIterator[InstantApp]:
    """An app whose durable timers stand still, so that only an event can end a pause."""
    own = {"MONTHLY_BUDGETS": f"{corpus.env}=0.0006", "BUDGET_RECHECK_SECONDS": "3600"}
    clock = AppTime()
    async with instant_app(storage.connection_string, own_settings | own, Network(clock=clock)) as running:
        clock.follow(running.running.clock)
        yield running


def staged(storage: Azurite, job: str) -> list[str]:
    with ContainerClient.from_connection_string(storage.connection_string, JOBS_CONTAINER) as jobs:
        return list(jobs.list_blob_names(name_starts_with=f"staging/{job}/"))


def cancel(api: ApiClient, job: str, by: str = "ann") -> Any:
    return api.send("DELETE", f"/api/status/{job}?by={by}")


def test_cancelled_job_stops_at_its_next_request_and_all_it_paid_is_counted(
    api, corpus, storage, embeddings_on_the_way, embeddings_server
):
    slow = Slow()
    embeddings_on_the_way.rule = slow
    corpus.put(**{f"more-{n}": prose(f"thing {n}") for n in range(120)})
    job = corpus.submit(api).json()["id"]
    slow.wait_for_first()
    live = api.status(job).json()
    answer, told = cancel(api, job), time.monotonic()
    ended = api.finished(job)

    assert (answer.status, answer.json()["id"]) == (202, job)
    assert live["cancelUri"] == f"{api.origin}/api/status/{job}"
    assert (ended["status"], ended["canceledBy"], ended["progress"]["phase"]) == (
        "Canceled",
        "ann",
        "canceled",
    )
    assert len([sent for sent in slow.sent if sent > told]) <= 4
    spent = embeddings_server.counters()["tokens"]
    assert ended["result"]["tokens"] == spent > 0
    assert ended["result"]["embedded"] < 123
    assert api.usage_after(corpus.env, ended["result"])["months"][0]["tokens"] == spent
    assert staged(storage, job) == []


def test_job_that_has_ended_is_not_cancelled_and_what_is_no_job_is_not_found(api, corpus):
    ended = corpus.run(api)
    answer = cancel(api, ended["id"])

    assert (answer.status, answer.json()) == (200, ended)
    for made_up in ("0" * 32, "nope", f"{ended['id']}:lane:0"):
        assert cancel(api, made_up).status == 404
    assert cancel(api, "0" * 32, by="%20").json()["code"] == "InvalidField"


def test_jobs_that_have_hardly_been_submitted_end_and_all_they_paid_is_told(api, corpus, embeddings_server):
    jobs = [corpus.submit(api, version=f"v{number}").json()["id"] for number in range(3)]
    answers = [cancel(api, job).status for job in reversed(jobs)]
    ended = [api.finished(job) for job in jobs]

    assert answers == [202] * 3
    assert {status["status"] for status in ended} == {"Canceled"}
    assert sum(status["result"]["tokens"] for status in ended) == embeddings_server.counters()["tokens"]


def test_listing_is_cut_off_and_a_second_cancel_keeps_the_name_of_the_first(
    api, corpus, blobs_on_the_way, embeddings_server
):
    held = Held("comp=list")
    blobs_on_the_way.rule = held
    job = corpus.submit(api).json()["id"]
    assert held.is_holding.wait(30)
    answers = [cancel(api, job, by=by).status for by in ("ann", "ben")]
    ended = threading.Timer(3, held.is_free.set)
    ended.start()
    status = api.finished(job)
    held.is_free.set()

    assert answers == [202, 202]
    assert (status["status"], status["canceledBy"], status["result"]["files"]) == ("Canceled", "ann", 0)
    assert embeddings_server.counters()["requests"] == 0


def test_kill_of_the_host_after_the_answer_loses_no_cancel(  # noqa: PLR0917 - fixtures
    start_host, own_settings, corpus, storage, embeddings_on_the_way, embeddings_server, tmp_path
):
    slow = Slow(seconds=1)
    embeddings_on_the_way.rule = slow
    state = tmp_path / "state.db"
    with start_host(state, **own_settings) as (api, service):
        job = corpus.submit(api).json()["id"]
        slow.wait_for_first()
        answer = cancel(api, job)
        service.kill()
    sent = len(slow.sent)
    with start_host(state, **own_settings) as (api, _):
        ended = api.finished(job)
        usage = api.usage_after(corpus.env, ended["result"])

    assert (answer.status, ended["status"], len(slow.sent)) == (202, "Canceled", sent)
    assert usage["months"][0]["tokens"] >= embeddings_server.counters()["tokens"]
    assert staged(storage, job) == []


async def told_to_end(app: InstantApp, job: str) -> dict[str, Any]:
    """The status of a job after it was cancelled, without any time having passed."""
    api = ApiClient(app.running.host.origin)
    answer = await asyncio.to_thread(cancel, api, job)
    assert answer.status == 202
    await app.running.settle()
    status: dict[str, Any] = (await asyncio.to_thread(api.status, job)).json()
    return status


async def waiting(app: InstantApp, corpus: Corpus, proxy: ServiceProxy, **fields: Any) -> str:
    """A job that waits for the embeddings service, which is well again."""
    proxy.rule = lambda _: UNAVAILABLE
    api = ApiClient(app.running.host.origin)
    job: str = (await asyncio.to_thread(corpus.submit, api, **fields)).json()["id"]
    await app.running.settle()
    proxy.rule = Call.pass_on
    status = (await asyncio.to_thread(api.status, job)).json()
    assert status["progress"]["phase"] == "waiting"
    return job


async def test_job_that_waits_for_a_service_ends_at_once(app, corpus, embeddings_on_the_way):
    job = await waiting(app, corpus, embeddings_on_the_way)
    ended = await told_to_end(app, job)

    assert (ended["status"], ended["canceledBy"], ended["result"]["embedded"]) == ("Canceled", "ann", 0)
    usage = await asyncio.to_thread(ApiClient(app.running.host.origin).usage, corpus.env)
    assert usage["budget"]["reserved"] == 0


async def test_cancel_holds_although_storage_is_away_when_the_job_is_done(app, corpus, blobs_on_the_way):
    api = ApiClient(app.running.host.origin)
    blobs_on_the_way.rule = rule = AwayAtTheEnd(partial(cancel, api))
    job = (await asyncio.to_thread(corpus.submit, api)).json()["id"]
    await app.running.settle()
    ended = (await asyncio.to_thread(api.status, job)).json()

    assert [answer.status for answer in rule.answers] == [202]
    # The event of the cancel has ended the wait for storage, which alone knows whose it is.
    assert (ended["status"], ended["canceledBy"], ended["result"]["embedded"]) == ("Canceled", "unknown", 3)


async def test_suspended_job_ends_at_once(app, corpus, embeddings_on_the_way):
    job = await waiting(app, corpus, embeddings_on_the_way)
    asked: list[Call] = []

    def pass_on(call: Call) -> Reply:
        asked.append(call)
        return call.pass_on()

    embeddings_on_the_way.rule = pass_on
    await app.running.host.hub.suspend(job, "an operator")
    ended = await told_to_end(app, job)

    assert (ended["status"], ended["canceledBy"]) == ("Canceled", "ann")
    assert asked == []


async def test_job_that_is_held_at_its_budget_ends_at_once(app, corpus, embeddings_on_the_way):
    await app.run(corpus)
    embeddings_on_the_way.rule = lambda _: UNAVAILABLE
    corpus.put(**{f"more-{n}": prose(f"thing {n}") for n in range(30)})
    api = ApiClient(app.running.host.origin)
    job = (await asyncio.to_thread(corpus.submit, api, version="v2")).json()["id"]
    await app.running.settle()
    held = (await asyncio.to_thread(api.status, job)).json()
    ended = await told_to_end(app, job)

    assert held["progress"]["phase"] == "held"
    assert (ended["status"], ended["canceledBy"]) == ("Canceled", "ann")


async def test_lane_that_hears_of_the_cancel_only_by_looking_ends_after_its_hold(
    app, corpus, embeddings_on_the_way, storage
):
    await app.run(corpus)
    corpus.put(**{f"more-{n}": prose(f"thing {n}") for n in range(30)})
    api = ApiClient(app.running.host.origin)
    job = (await asyncio.to_thread(corpus.submit, api, version="v2")).json()["id"]
    await app.running.settle()
    jobs = ContainerClient.from_connection_string(storage.connection_string, JOBS_CONTAINER)
    await asyncio.to_thread(jobs.upload_blob, f"decisions/{job}/cancel.json", b'{"by": "ann"}')
    await app.running.run_until_idle()

    assert (await asyncio.to_thread(api.status, job)).json()["status"] == "Canceled"


async def test_event_that_was_cancelled_runs_when_it_is_submitted_again(app, corpus, storage):
    with TableServiceClient.from_connection_string(storage.connection_string) as tables:
        tables.create_table_if_not_exists("events")
    ids = {"trackingId": uuid4().hex, "sessionId": "s", "env": corpus.env}
    api = ApiClient(app.running.host.origin)
    job = (await asyncio.to_thread(submit_event, api, ids)).json()["id"]
    await app.running.settle()  # it waits for the event to become known
    ended = await told_to_end(app, job)
    await asyncio.to_thread(submit_event, api, ids)
    await app.running.run_until_idle()
    again = (await asyncio.to_thread(api.status, job)).json()

    assert (ended["status"], ended["result"]["tokens"]) == ("Canceled", 0)
    assert (again["status"], again["error"]["code"]) == ("Failed", "EventNotFound")


def submit_event(api: ApiClient, ids: dict[str, str]) -> Any:
    return request("POST", f"{api.origin}/api/orchestrators/start", body=ids)


@pytest.mark.usefixtures("audit_table")
def test_audit_query_is_cancelled_while_it_reads(start_host, storage, stack_settings):
    account = storage.connection_string.split("BlobEndpoint")[0]
    with table_proxy(stack_settings.table.number, passing=0) as (proxy, origin):
        with start_host(AUDIT_STORAGE=f"{account}TableEndpoint={origin}/{ACCOUNT};") as (api, _):
            jobs = [api.submit("1990-01-01", end).json()["id"] for end in ("1990-01-03", "1990-12-31")]
            assert proxy.is_holding.wait(30)
            answers = [cancel(api, job).status for job in jobs]
            ended = [api.finished(job) for job in jobs]
        proxy.release()

    assert answers == [202, 202]
    assert [(each["status"], each["canceledBy"]) for each in ended] == [("Canceled", "ann")] * 2
    assert [each["result"]["read"] for each in ended] == [0, 0]


def test_cancel_that_was_accepted_holds_although_the_work_was_as_good_as_done(
    start_host, storage, stack_settings, audit_table
):
    account = storage.connection_string.split("TableEndpoint")[0]
    with (
        table_proxy(stack_settings.table.number, passing=0) as (proxy, origin),
        start_host(AUDIT_STORAGE=f"{account}TableEndpoint={origin}/{ACCOUNT};") as (api, _),
    ):
        job = api.submit("1990-01-01", "1990-01-03").json()["id"]
        assert proxy.is_holding.wait(30)
        code = cancel(api, job).status
        proxy.release()
        assert (code, api.finished(job)["status"]) == (202, "Canceled")
