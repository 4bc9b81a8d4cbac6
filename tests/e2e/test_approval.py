"""A job whose estimate is above a limit waits for a person: early, twice, late, or beside a cancel."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from local.emulators.azurite import Azurite
from local.emulators.embeddings.service import Embeddings
from local.http_client import Answer, request
from shared_code.network import Network
from tests.support.api_client import ApiClient
from tests.support.app_time import AppTime, months_ago
from tests.support.corpus import DATABASE, SELF_CERTIFIED, SHORT_VECTORS, Corpus, corpus
from tests.support.instant_app import InstantApp, instant_app

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED


@pytest.fixture
async def app(
    storage: Azurite, embedding_settings: dict[str, str], embeddings_server: Embeddings
) -> AsyncIterator[InstantApp]:
    own = {"COSMOS_DATABASE": DATABASE, "APPROVAL_ABOVE": "0", "APPROVAL_DAYS": "9"}
    settings = embedding_settings | SHORT_VECTORS | own
    time = AppTime()
    async with instant_app(storage.connection_string, settings, Network(clock=time)) as running:
        time.follow(running.running.clock)
        yield running


async def submitted(app: InstantApp, corpus: Corpus, **fields: Any) -> str:
    job: str = (await asyncio.to_thread(corpus.submit, api_of(app), **fields)).json()["id"]
    return job


async def awaiting(app: InstantApp, corpus: Corpus, **fields: Any) -> str:
    """A job that waits for an approval."""
    job = await submitted(app, corpus, **fields)
    await app.running.settle()
    return job


def api_of(app: InstantApp) -> ApiClient:
    return ApiClient(app.running.host.origin)


async def status_of(app: InstantApp, job: str) -> dict[str, Any]:
    status: dict[str, Any] = (await asyncio.to_thread(api_of(app).status, job)).json()
    return status


async def decide(app: InstantApp, job: str, **body: Any) -> Answer:
    uri = f"{app.running.host.origin}/api/status/{job}/approval"
    return await asyncio.to_thread(request, "POST", uri, body={"approved": True, "by": "ann", **body})


async def cancel(app: InstantApp, job: str) -> int:
    return (await asyncio.to_thread(api_of(app).send, "DELETE", f"/api/status/{job}")).status


async def test_job_waits_and_goes_on_when_it_is_approved(app, corpus, embeddings_server):
    job = await awaiting(app, corpus)
    waits, spent = await status_of(app, job), embeddings_server.counters()["requests"]
    answer = await decide(app, job, comment="fine")
    await app.running.settle()
    ended = await status_of(app, job)

    assert (waits["status"], waits["progress"]["phase"], spent) == ("Running", "awaiting-approval", 0)
    assert waits["approvalUri"] == f"{app.running.host.origin}/api/status/{job}/approval"
    assert waits["progress"]["approval"] == {"above": 0, "expiresAt": f"{months_ago():%Y-%m-10T00:00:00Z}"}
    assert (answer.status, answer.json()["id"]) == (202, job)
    assert (ended["status"], ended["result"]["embedded"]) == ("Completed", 3)
    assert (ended["progress"]["approval"]["by"], "approvalUri" in ended) == ("ann", False)


async def test_job_that_is_rejected_fails_and_says_who_and_why(app, corpus, embeddings_server):
    job = await awaiting(app, corpus)
    answer = await decide(app, job, approved=False, comment="too expensive")
    await app.running.settle()
    ended = await status_of(app, job)

    assert (answer.status, ended["status"], ended["error"]["code"]) == (202, "Failed", "ApprovalRejected")
    assert "ann did not approve" in ended["error"]["message"]
    assert "too expensive" in ended["error"]["message"]
    assert embeddings_server.counters()["requests"] == 0


async def test_same_decision_again_is_200_and_another_one_is_409(app, corpus):
    job = await awaiting(app, corpus)
    first, again, other = [await decide(app, job, approved=approved) for approved in (True, True, False)]
    await app.running.settle()
    late = [(await decide(app, job, approved=approved)).status for approved in (True, False)]

    assert (first.status, again.status, other.status, *late) == (202, 200, 409, 200, 409)
    assert other.json()["code"] == "DecisionTaken"
    assert again.json()["id"] == job
    assert (await status_of(app, job))["status"] == "Completed"


async def test_decisions_at_once_have_one_outcome(app, corpus):
    job = await awaiting(app, corpus)
    answers = await asyncio.gather(*(decide(app, job, approved=n % 2 == 0, by=f"b{n}") for n in range(8)))
    await app.running.settle()
    ended = await status_of(app, job)

    assert sorted(answer.status for answer in answers) == [200] * 3 + [202] + [409] * 4
    is_approved = answers[0].status < 300
    assert ended["status"] == ("Completed" if is_approved else "Failed")


async def test_job_that_nobody_approves_expires_and_a_late_decision_is_409(app, corpus):
    job = await awaiting(app, corpus)
    await app.running.advance(timedelta(days=8, hours=23))
    waits = await status_of(app, job)
    await app.running.advance(timedelta(hours=2))
    ended, late = await status_of(app, job), await decide(app, job)

    assert waits["progress"]["phase"] == "awaiting-approval"
    assert (ended["status"], ended["error"]["code"]) == ("Failed", "ApprovalExpired")
    assert (late.status, late.json()["code"]) == (409, "DecisionTaken")


@pytest.mark.parametrize(("what", "end"), [("approve", "Completed"), ("cancel", "Canceled")])
async def test_job_that_has_waited_for_days_hears_at_once(app, corpus, what, end):
    job = await awaiting(app, corpus)
    await app.running.advance(timedelta(days=5, hours=5))
    heard = await cancel(app, job) if what == "cancel" else (await decide(app, job)).status
    await app.running.settle()
    assert (heard, (await status_of(app, job))["status"]) == (202, end)


async def test_decision_whose_event_was_lost_still_holds_when_the_time_is_over(app, corpus, storage):
    job = await awaiting(app, corpus)
    jobs = ContainerClient.from_connection_string(storage.connection_string, "jobs")
    kept = b'{"approved": true, "by": "ann", "comment": "", "token": "t"}'
    await asyncio.to_thread(jobs.upload_blob, f"decisions/{job}/approval-0.json", kept)
    await app.running.run_until_idle()

    assert (await status_of(app, job))["status"] == "Completed"


async def test_decision_about_a_job_that_waits_for_none_is_409(app, corpus):
    ended = await app.run(corpus, dryRun=True)
    answer = await decide(app, ended["id"])
    assert (ended["status"], answer.status, answer.json()["code"]) == ("Completed", 409, "NothingToApprove")


async def test_what_is_no_job_is_not_found_and_what_is_no_decision_is_refused(app, corpus):
    job = await awaiting(app, corpus)
    assert {(await decide(app, made_up)).status for made_up in ("0" * 32, "x", f"{job}:lane:0")} == {404}
    for odd in ({"approved": "yes"}, {"by": ""}, {"comment": 7}, {"more": 1}, {"by": "a\nb"}):
        assert (await decide(app, job, **odd)).json()["code"] == "InvalidField"
    assert (await status_of(app, job))["progress"]["phase"] == "awaiting-approval"


async def test_cancel_beside_an_approval_ends_the_job_once(app, corpus, embeddings_server):
    job = await awaiting(app, corpus)
    answers = await asyncio.gather(cancel(app, job), decide(app, job))
    await app.running.settle()
    ended, late = await status_of(app, job), await decide(app, job)

    assert answers[0] == 202
    assert (ended["status"], ended["result"]["embedded"]) == ("Canceled", 0)
    assert embeddings_server.counters()["requests"] == 0
    assert late.status in {200, 409}


async def test_cancelled_job_can_no_longer_be_approved(app, corpus):
    job = await awaiting(app, corpus)
    assert await cancel(app, job) == 202
    assert (await decide(app, job)).status == 409
    await app.running.settle()
    assert (await status_of(app, job))["status"] == "Canceled"


async def test_suspended_job_keeps_its_decision_until_it_is_resumed(app, corpus):
    job = await awaiting(app, corpus)
    await app.running.host.hub.suspend(job, "an operator")
    answer = await decide(app, job)
    await app.running.settle()
    suspended = await status_of(app, job)
    await app.running.host.hub.resume(job, "an operator")
    await app.running.settle()

    assert (answer.status, suspended["status"]) == (202, "Suspended")
    assert (await status_of(app, job))["status"] == "Completed"


async def test_event_that_somebody_raises_by_hand_decides_nothing(app, corpus):
    job = await awaiting(app, corpus)
    await app.running.raise_event(job, "approval", {"approved": True})
    await app.running.advance(timedelta(minutes=5))
    assert (await status_of(app, job))["progress"]["phase"] == "awaiting-approval"
    assert (await decide(app, job)).status == 202
    await app.running.settle()
    assert (await status_of(app, job))["status"] == "Completed"


async def test_client_may_ask_for_a_lower_limit_and_not_for_a_higher_one(app, corpus):
    job = await awaiting(app, corpus, approvalAbove=1_000)
    assert (await status_of(app, job))["progress"]["phase"] == "awaiting-approval"
    refused = await asyncio.to_thread(corpus.submit, api_of(app), approvalAbove="much")
    assert (refused.status, refused.json()["code"]) == (400, "InvalidField")
