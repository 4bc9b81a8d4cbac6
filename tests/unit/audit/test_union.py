from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_code.audit.union import count_staged, count_union
from shared_code.digests import digest
from shared_code.errors import StagedRunsMissing
from shared_code.storage.blob_account import CHUNK_SIZE
from shared_code.storage.staging import stage_run
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
