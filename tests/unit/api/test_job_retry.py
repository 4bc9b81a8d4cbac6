import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared_code.api.job_retry import is_retry, retry_job
from shared_code.errors import InvalidField, JobNotFound, JobRunning, NothingToRetry
from shared_code.jobs import Budget, EmbedFilesJob, Job, LedgerEntry, keyed_job_id
from tests.support.durable_host_fake import FakeHost, instance
from tests.support.ledger_fake import FakeLedger, entry
from tests.unit.api.test_job_instances import EVENT, JOB, embedding_job
from tests.unit.jobs.test_embed_event import DEFAULTS

ID = "0123456789abcdef0123456789abcdef"
FILES = embedding_job(filesPath="docs/reports", version="v2", allowShrink=True)
FAILED = FakeLedger({0: [entry("note", "PartNotRead")], 7: [entry("a")]})


def host_with(job: Job, status: str = "Completed") -> FakeHost:
    return FakeHost({ID: instance(status=status, input=json.dumps(job.to_json()))})


async def retry(
    host: FakeHost, ledger: FakeLedger = FAILED, *, key: str | None = None, **body: Any
) -> EmbedFilesJob:
    return await retry_job(host, {"retryOf": ID, **body}, DEFAULTS, lambda _: ledger, idempotency_key=key)


@pytest.mark.parametrize("status", ["Completed", "Failed", "Terminated", "Canceled"])
async def test_retry_is_a_job_of_its_own_in_the_version_of_the_first(status: str):
    job = await retry(host_with(FILES, status))
    assert (job.env, job.index_version, job.files_path) == ("prod", "v2", "docs/reports")
    assert (job.retry_of, job.dry_run, job.allow_shrink) == (ID, False, False)
    assert not job.asks_the_same_as(FILES)
    assert EmbedFilesJob.from_json(json.loads(json.dumps(job.to_json()))) == job


async def test_retry_goes_by_the_present_settings():
    budget = Budget(amount=7, recheck_seconds=60)
    defaults = replace(DEFAULTS, budgets={"prod": budget})
    job = await retry_job(host_with(FILES), {"retryOf": ID}, defaults, lambda _: FAILED, idempotency_key=None)
    assert (job.budget, job.plan) == (budget, defaults.plan)


async def test_retry_of_a_retry_is_one_of_what_that_could_not_embed():
    first = await retry(host_with(FILES))
    assert (await retry(host_with(first))).retry_of == ID


@pytest.mark.parametrize("job", [JOB, EVENT])
async def test_job_that_is_not_over_files_is_refused_with_what_to_do(job: Job):
    with pytest.raises(InvalidField, match="retryOf cannot be used: it is not a job over files: submit its"):
        await retry(host_with(job))


async def test_unknown_job_is_not_found():
    with pytest.raises(JobNotFound):
        await retry(FakeHost())


@pytest.mark.parametrize("status", ["Pending", "Running", "Suspended", "ContinuedAsNew"])
async def test_job_that_still_runs_may_fail_on_more_files(status: str):
    with pytest.raises(JobRunning, match="retry it when it has ended"):
        await retry(host_with(FILES, status))


@pytest.mark.parametrize("ledger", [FakeLedger(), FakeLedger({0: [entry("note", "PartNotRead")]})])
async def test_job_none_of_whose_files_failed_has_nothing_to_retry(ledger: FakeLedger):
    with pytest.raises(NothingToRetry, match="submit its path again"):
        await retry(host_with(FILES), ledger)


class BusyLedger(FakeLedger):
    """A ledger that knows how many of its pages were read at once at most."""

    under_way = most_at_once = 0

    async def read(self, page: int) -> Sequence[LedgerEntry]:
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return await super().read(page)


async def test_failures_behind_thousands_of_notes_are_found_while_a_client_waits():
    notes = {page: [entry("note", "PartNotRead")] for page in range(2_000)}
    ledger = BusyLedger({**notes, 2_000: [entry("a")], **{page + 3_000: notes[page] for page in notes}})
    assert (await retry(host_with(FILES), ledger)).retry_of == ID
    assert (ledger.most_at_once, len(ledger.read_pages) < 2_100) == (32, True)


@pytest.mark.parametrize("body", [{"env": "prod"}, {"dryRun": True}, {"retryOf": 5}, {"retryOf": None}])
async def test_body_of_another_form_is_refused(body: dict[str, Any]):
    with pytest.raises(InvalidField):
        await retry(host_with(FILES), **body)


@pytest.mark.parametrize("job_id", ["", "x", "../x", f"{ID}:lane:0", "@usage-entity@prod"])
async def test_id_that_no_job_can_have_is_not_found(job_id: str):
    with pytest.raises(JobNotFound):
        await retry(host_with(FILES), retryOf=job_id)


async def test_repeated_request_finds_its_retry_when_the_first_job_is_purged():
    host = host_with(FILES)
    job = await retry(host, key="again")
    host.instances = {keyed_job_id("again"): instance(input=json.dumps(job.to_json()))}
    assert await retry(host, key="again") == job


async def test_key_of_another_request_does_not_stand_for_a_retry():
    host = host_with(FILES)
    host.instances[keyed_job_id("other")] = instance(input=json.dumps(JOB.to_json()))
    assert (await retry(host, key="other")).retry_of == ID


def test_retry_is_known_by_its_field():
    assert [is_retry(body) for body in ({"retryOf": 1}, {}, ["retryOf"])] == [True, False, False]
