from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import AzureError, ResourceExistsError

from shared_code.activities.failures import failed
from shared_code.storage.staging import StagedItem, discard_staged, stage_run, sweep_staged
from tests.unit.storage_stub import StorageStub, clients_of


async def test_staging_creates_the_container_once():
    stub = StorageStub()
    async with clients_of(stub) as clients:
        await stage_run(clients.jobs_container, "job", "a", b"")
    assert stub.has_container
    assert list(stub.blobs) == ["staging/job/a"]


async def test_container_that_is_being_deleted_is_waited_for():
    async with clients_of(StorageStub(is_being_deleted=True)) as clients:
        writes = [
            stage_run(clients.jobs_container, "job", "a", b""),
            StagedItem(clients.jobs_container, "job", "b").write({}),
            clients.decisions.cancel("job", "ann"),
        ]
        for write in writes:
            with pytest.raises(AzureError) as refused:
                await write
            trouble = failed(refused.value, {}, now=datetime.now(UTC)).trouble
            assert trouble
            assert trouble.service == "storage"


async def test_discard_deletes_the_runs_of_its_job_only():
    stub = StorageStub()
    async with clients_of(stub) as clients:
        for job in ("job", "job2"):
            await stage_run(clients.jobs_container, job, "a", b"")
        for _ in range(2):
            await discard_staged(clients.jobs_container, "job")
    assert list(stub.blobs) == ["staging/job2/a"]


async def swept(stub: StorageStub, *, older_than: datetime) -> list[str]:
    """The jobs that were looked up when two had staged something, one of which is live."""
    asked = []

    async def is_live(job_id: str) -> bool:
        asked.append(job_id)
        return job_id == "held"

    async with clients_of(stub) as clients:
        for job, name in (("crashed", "a"), ("crashed", "b"), ("held", "a")):
            await stage_run(clients.jobs_container, job, name, b"")
        await sweep_staged(clients.jobs_container, older_than=older_than, is_live=is_live)
    return asked


async def test_sweep_deletes_what_jobs_left_long_ago_and_spares_those_that_are_live():
    stub = StorageStub()
    assert await swept(stub, older_than=datetime.now(UTC) + timedelta(days=1)) == ["crashed", "held"]
    assert list(stub.blobs) == ["staging/held/a"]


async def test_sweep_does_not_ask_after_jobs_that_have_staged_lately():
    stub = StorageStub()
    assert await swept(stub, older_than=datetime.now(UTC) - timedelta(days=1)) == []
    assert len(stub.blobs) == 3


async def test_discard_without_a_container_does_nothing():
    async with clients_of(StorageStub()) as clients:
        await discard_staged(clients.jobs_container, "job")


async def test_sweep_deletes_what_it_can():
    stub = StorageStub(conflicts={"staging/crashed/a": "BlobImmutableDueToLegalHold"})
    async with clients_of(stub) as clients:
        for job in ("crashed", "later"):
            await stage_run(clients.jobs_container, job, "a", b"")
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        with pytest.raises(ResourceExistsError):
            await sweep_staged(clients.jobs_container, older_than=tomorrow, is_live=never)
    assert list(stub.blobs) == ["staging/crashed/a"]


async def never(_job_id: str) -> bool:
    return False
