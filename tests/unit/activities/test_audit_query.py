import asyncio
import json
from typing import Any

import pytest

from shared_code.clients.composition import Clients
from shared_code.jobs import LARGE_STEPS_AT_ONCE
from shared_code.settings import Settings
from tests.support.activities import count_distinct, discard, query_window
from tests.support.durable_host_fake import FakeHost
from tests.unit.storage_stub import KEY, StorageStub, clients_of

MISSING = "Table audit does not exist: check its name, and the account that AUDIT_STORAGE names."
WINDOW = {"lower": "2021-02-03", "upper": "2021-02-05", "closed": True}


def row(number: Any) -> Any:
    return {"PartitionKey": "2021-02-03", "CertNumber": "C", "identificationNumber": number}


def window_of(job_id: Any = "job", *, stage: Any = False) -> Any:
    return {"jobId": job_id, "window": WINDOW, "stage": stage}


async def test_window_answers_its_count_without_staging():
    stub = StorageStub([row("a"), row("a"), row("b"), {"PartitionKey": "2021-02-04", "CertNumber": "C"}])
    async with clients_of(stub) as clients:
        answer = await query_window(clients, window_of())
    assert answer == {"ok": True, "count": 2, "counts": {"completed": 1, "skipped": 1}}
    assert [name for name in stub.blobs if name.startswith("staging/")] == []


async def test_staged_window_is_counted_and_then_discarded():
    stub = StorageStub([row("a"), row("b")])
    async with clients_of(stub) as clients:
        await query_window(clients, window_of(stage=True))
        assert list(stub.blobs) == ["staging/job/2021-02-03.ids"]
        assert await count_distinct(clients, {"jobId": "job", "runs": 1}) == {"ok": True, "count": 2}
        assert await discard(clients, {"jobId": "job"}, FakeHost()) == {"ok": True}
    assert [name for name in stub.blobs if name.startswith("staging/")] == []


@pytest.mark.parametrize("closes", [True, False])
async def test_blob_that_cannot_be_deleted_does_not_hide_who_cancelled(closes):
    stub = StorageStub([row("a")], conflicts={"staging/job/2021-02-03.ids": "BlobImmutableDueToLegalHold"})
    async with clients_of(stub) as clients:
        await query_window(clients, window_of(stage=True))
        await clients.decisions.cancel("job", "ann")
        discarded = await discard(clients, {"jobId": "job", "closes": closes}, FakeHost())
    assert discarded == {"ok": True, "canceledBy": "ann"}


async def test_windows_of_all_jobs_are_read_eight_at_a_time():
    day = {"lower": "2021-02-03", "upper": "2021-02-03", "closed": True}
    stub = StorageStub()
    async with clients_of(stub) as clients:
        windows = ({**window_of(f"job-{number}"), "window": day} for number in range(24))
        await asyncio.gather(*(query_window(clients, window) for window in windows))
    assert stub.at_once == LARGE_STEPS_AT_ONCE


async def test_missing_table_is_a_failure_as_a_value():
    async with clients_of(StorageStub(has_table=False)) as clients:
        answer = await query_window(clients, window_of())
    assert answer == {
        "ok": False,
        "error": {"code": "TableNotFound", "message": MISSING},
        "counts": {"failed": 1},
    }


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_access_is_a_failure_that_names_the_settings(status):
    async with clients_of(StorageStub(refuse=status)) as clients:
        read = await query_window(clients, window_of())
        count = await count_distinct(clients, {"jobId": "job", "runs": 1})
    assert read["error"]["code"] == count["error"]["code"] == "AccessDenied"
    assert "AUDIT_STORAGE" in read["error"]["message"]


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "MissingSetting"),
        ({"AUDIT_STORAGE": f"AccountKey={KEY};nonsense"}, "InvalidSetting"),
        ({"AUDIT_STORAGE": f"AccountName=a;AccountKey={KEY[:-1]}"}, "InvalidSetting"),
        ({"AUDIT_STORAGE": "UseDevelopmentStorage=true", "AUDIT_TABLE": "no-table"}, "InvalidSetting"),
    ],
)
async def test_bad_setting_is_a_failure_that_tells_no_value(environment, code):
    clients = Clients(Settings(environment))
    answer = await query_window(clients, window_of())
    await clients.close()
    assert answer["error"]["code"] == code
    assert KEY[:-1] not in json.dumps(answer)


async def test_answer_that_no_retry_mends_ends_the_job_and_names_the_service():
    async with clients_of(StorageStub(refuse=400)) as clients:
        answer = await query_window(clients, window_of())
    assert answer["error"]["code"] == "ServiceRefused"
    assert "AUDIT_STORAGE refused a request with status 400" in answer["error"]["message"]
    assert "trouble" not in answer
