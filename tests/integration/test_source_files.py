"""The files of a container in Azurite; each test has a container of its own."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from local.emulators.azurite import Azurite
from shared_code.clients.composition import Clients
from shared_code.settings import Settings
from shared_code.storage.source_files import ContainerNotFound, FileTooLarge, FileVanished, SourceFiles


@pytest.fixture
async def clients(storage: Azurite) -> AsyncIterator[Clients]:
    opened = Clients(Settings({"AzureWebJobsStorage": storage.connection_string}))
    yield opened
    await opened.close()


@pytest.fixture
async def files(clients: Clients) -> SourceFiles:
    container = clients._blobs.get_container_client(uuid4().hex)
    await container.create_container()
    for name in ("docs/a.txt", "docs/ü/ß 1.txt", "docs/empty.txt", "other/b.txt"):
        await container.upload_blob(name, b"" if "empty" in name else b"text")
    await container.upload_blob("docs/folder", b"", metadata={"hdi_isfolder": "true"})
    await container.upload_blob("docs/slash/", b"")
    return SourceFiles(container)


async def test_listing_has_the_files_below_a_prefix_and_no_folders(files):
    pages = [page async for page in files.pages("docs/", None)]

    assert [file.name for page in pages for file in page.files] == [
        "docs/a.txt", "docs/empty.txt", "docs/ü/ß 1.txt",
    ]  # fmt: skip
    assert pages[-1].token is None


async def test_listing_goes_on_at_the_token_of_any_page(files):
    pages = [page async for page in files.pages("", None, per_page=2)]
    whole = [file for page in pages for file in page.files]

    assert len(pages) > 2
    for number, page in enumerate(pages[:-1], 1):
        rest = [file async for later in files.pages("", page.token, per_page=2) for file in later.files]
        assert rest == [file for later in pages[number:] for file in later.files]
    assert [file.name for file in whole] == sorted(file.name for file in whole)


async def test_file_has_one_etag_however_it_is_looked_at(files):
    [page] = [page async for page in files.pages("docs/a", None)]
    read = await files.read("docs/a.txt", limit=10)

    assert (read.data, read.etag) == (b"text", page.files[0].etag)


async def test_listing_without_files_is_one_empty_page(files):
    assert [page.files async for page in files.pages("nowhere/", None)] == [[]]


async def test_missing_container_is_named(clients):
    with pytest.raises(ContainerNotFound, match="Container no-such-one does not exist"):
        _ = [page async for page in clients.source_files("no-such-one").pages("", None)]
    with pytest.raises(ContainerNotFound, match="Container no-such-one does not exist"):
        await clients.source_files("no-such-one").find("a.txt")


async def test_file_is_found_by_its_whole_name_only(files):
    [page] = [page async for page in files.pages("docs/a", None)]

    assert await files.find("docs/a.txt") == page.files[0]
    for name in ("", "docs", "docs/a", "docs/folder", "docs/slash/", "docs/a.txt/", "nowhere"):
        assert await files.find(name) is None


async def test_file_that_is_gone_has_vanished(files):
    assert await files.exists("docs/a.txt")
    assert not await files.exists("docs/z.txt")
    with pytest.raises(FileVanished):
        await files.read("docs/z.txt", limit=10)


async def test_file_that_has_grown_past_the_limit_is_not_read(files):
    with pytest.raises(FileTooLarge, match="more than 3 bytes"):
        await files.read("docs/a.txt", limit=3)


async def test_empty_file_can_be_read(files):
    assert (await files.read("docs/empty.txt", limit=10)).data == b""
