from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_code.audit.distinct_ids import digest
from shared_code.errors import StagedRunsMissing
from shared_code.storage.blob_account import CHUNK_SIZE
from shared_code.storage.staging import (
    count_staged,
    count_union,
    discard_staged,
    stage_run,
    sweep_staged,
)
from tests.unit.storage_stub import StorageStub, clients_of


def run_of(values: Any) -> Any:
    return b"".join(sorted({digest(value) for value in values}))


async def chunks_of(run: Any, size: Any) -> Any:
    for start in range(0, len(run), size):
        yield run[start : start + size]


@settings(max_examples=30)
@given(windows=st.lists(st.lists(st.integers(0, 60))), size=st.integers(1, 70))
async def test_union_of_runs_is_counted_however_they_are_chunked(windows, size):
    counted = await count_union([chunks_of(run_of(values), size) for values in windows])
    assert counted == len({value for values in windows for value in values})


async def test_runs_longer_than_a_chunk_are_streamed():
    first, second = range(40_000), range(20_000, 60_000)
    assert len(run_of(first)) > 2 * CHUNK_SIZE
    async with clients_of(StorageStub()) as clients:
        await stage_run(clients.jobs_container, "job", "a", run_of(first))
        await stage_run(clients.jobs_container, "job", "b", run_of(second))
        assert await count_staged(clients.jobs_container, "job", runs=2) == 60_000


async def test_staging_creates_the_container_once():
    stub = StorageStub()
    async with clients_of(stub) as clients:
        await stage_run(clients.jobs_container, "job", "a", b"")
    assert stub.has_container
    assert list(stub.blobs) == ["staging/job/a"]


async def test_repeated_window_overwrites_its_run():
    async with clients_of(StorageStub()) as clients:
        for values in ([1, 2, 3], [1, 2]):
            await stage_run(clients.jobs_container, "job", "a", run_of(values))
        assert await count_staged(clients.jobs_container, "job", runs=1) == 2


async def test_count_may_run_twice():
    async with clients_of(StorageStub()) as clients:
        await stage_run(clients.jobs_container, "job", "a", run_of([1, 2]))
        counts = [await count_staged(clients.jobs_container, "job", runs=1) for _ in range(2)]
    assert counts == [2, 2]


async def test_empty_run_counts_as_nothing():
    async with clients_of(StorageStub()) as clients:
        await stage_run(clients.jobs_container, "job", "a", b"")
        assert await count_staged(clients.jobs_container, "job", runs=1) == 0


async def test_runs_of_other_jobs_are_not_counted():
    async with clients_of(StorageStub()) as clients:
        await stage_run(clients.jobs_container, "job", "a", run_of([1]))
        await stage_run(clients.jobs_container, "job2", "a", run_of([2]))
        assert await count_staged(clients.jobs_container, "job", runs=1) == 1


async def test_missing_run_is_an_error_and_no_smaller_count():
    async with clients_of(StorageStub()) as clients:
        await stage_run(clients.jobs_container, "job", "a", run_of([1]))
        with pytest.raises(StagedRunsMissing, match="1 staged runs of 2"):
            await count_staged(clients.jobs_container, "job", runs=2)


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
