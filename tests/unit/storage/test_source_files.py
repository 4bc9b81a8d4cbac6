"""What storage may answer while a file is read, from a blob endpoint in this process."""

import pytest

from shared_code.storage.blob_account import CHUNK_SIZE
from shared_code.storage.source_files import FileArchived, FileContent, FileReplaced, UnreadableFile
from tests.unit.storage_stub import StorageStub, clients_of

LONG = b"x" * (CHUNK_SIZE + 1)  # is read in two requests


async def read(stub: StorageStub) -> FileContent:
    async with clients_of(stub) as clients:
        await clients.jobs_container.upload_blob("a.log", LONG)
        return await clients.source_files("docs").read("a.log", limit=len(LONG))


async def test_file_that_is_written_once_while_it_is_read_is_read_again():
    stub = StorageStub(has_container=True, writes=1)
    found = await read(stub)

    assert (found.data, found.etag) == (LONG, str(stub.written["a.log"].timestamp()))


async def test_file_that_is_written_all_the_time_is_told_as_replaced():
    with pytest.raises(FileReplaced, match="run the job again"):
        await read(StorageStub(has_container=True, writes=100))


@pytest.mark.parametrize("reason", ["BlobArchived", "BlobBeingRehydrated"])
async def test_file_of_the_archive_tier_is_to_be_rehydrated(reason):
    with pytest.raises(FileArchived, match="archive tier"):
        await read(StorageStub(has_container=True, conflicts={"a.log": reason}))


@pytest.mark.parametrize("reason", ["BlobUsesCustomerSpecifiedEncryption", "PendingCopyOperation"])
async def test_file_that_storage_refuses_for_another_reason_tells_it(reason):
    with pytest.raises(UnreadableFile, match=f"the file: {reason}") as refused:
        await read(StorageStub(has_container=True, conflicts={"a.log": reason}))
    assert refused.value.code == "UnreadableFile"
