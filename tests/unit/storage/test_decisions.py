import asyncio

from tests.unit.storage_stub import StorageStub, clients_of


async def test_first_cancel_is_the_one_that_is_kept():
    async with clients_of(StorageStub()) as clients:
        await clients.decisions.cancel("job", "ann")
        await clients.decisions.cancel("job", "ben")
        assert await clients.decisions.is_canceled("job")
        assert await clients.decisions.canceled_by("job") == "ann"


async def test_cancels_at_once_all_name_the_same():
    async with clients_of(StorageStub()) as clients:
        await asyncio.gather(*(clients.decisions.cancel("job", f"client {n}") for n in range(8)))
        assert await clients.decisions.canceled_by("job") is not None


async def test_job_that_has_done_its_work_hears_no_cancel():
    async with clients_of(StorageStub()) as clients:
        closed = [await clients.decisions.close("job") for _ in range(2)]
        assert closed == [None, None]
        assert not await clients.decisions.cancel("job", "ann")
        assert not await clients.decisions.is_canceled("job")


async def test_job_that_was_cancelled_before_it_had_done_its_work_knows_by_whom():
    async with clients_of(StorageStub()) as clients:
        assert await clients.decisions.cancel("job", "ann")
        assert await clients.decisions.close("job") == "ann"
        assert await clients.decisions.cancel("job", "ben")


async def test_cancel_and_the_end_of_the_work_at_once_agree():
    async with clients_of(StorageStub()) as clients:
        heard, by = await asyncio.gather(
            clients.decisions.cancel("job", "ann"), clients.decisions.close("job")
        )
        assert heard == (by == "ann")


async def test_nothing_is_decided_about_another_job_or_without_a_container():
    async with clients_of(StorageStub()) as clients:
        assert not await clients.decisions.is_canceled("job")
        assert await clients.decisions.canceled_by("job") is None
        await clients.decisions.forget("job")
        await clients.decisions.cancel("job", "ann")
        assert not await clients.decisions.is_canceled("job2")


async def test_what_is_forgotten_is_not_decided():
    stub = StorageStub()
    async with clients_of(stub) as clients:
        for job in ("job", "job2"):
            await clients.decisions.cancel(job, "ann")
        await clients.decisions.forget("job")
        assert not await clients.decisions.is_canceled("job")
    assert list(stub.blobs) == ["decisions/job2/cancel.json"]
