"""Listing against an index in memory; what is staged goes through a blob endpoint in this process."""

from typing import Any

import pytest

from shared_code.blob_files import read_staged_json
from shared_code.file_listing import list_part
from tests.unit.embedding_fakes import JOB, World
from tests.unit.storage_stub import StorageStub, clients_of


@pytest.fixture
def world():
    made = World()
    for name in ("a.txt", "b/c.txt", "b/d.md", "e.png", "f.txt"):
        made.files.put(name, f"text of {name}")
    return made


async def listed(world: World, *, job_id: str = "job", **at: Any) -> tuple[dict[str, Any], Any, Any]:
    """One part of a listing, and what it staged."""
    fakes: Any = world
    async with clients_of(StorageStub()) as clients:
        container = clients.jobs_container
        part = await list_part(
            fakes.files, fakes.index, container, job_id=job_id, job=JOB,
            marker=at.get("marker"), first_page=at.get("first_page", 0), first_stale_page=0,
            most_names=at.get("most_names", 1_000),
        )  # fmt: skip
        pages = [
            await read_staged_json(container, job_id, f"pages/{at.get('first_page', 0) + number}.json")
            for number in range(part["pages"])
        ]
        stale = [
            await read_staged_json(container, job_id, f"stale/{number}.json")
            for number in range(part["stale_pages"])
        ]
    return part, pages, stale


async def test_first_listing_stages_every_file_with_its_size(world):
    part, pages, stale = await listed(world)

    assert (part["files"], part["unchanged"], part["known"], part["marker"]) == (5, 0, 0, None)
    assert [file["name"] for file in pages[0]] == sorted(world.files.texts)
    assert part["size"] == sum(file["size"] for file in pages[0])
    assert stale == []


async def test_file_that_is_in_the_index_as_it_is_is_not_staged(world):
    await world.embed("a.txt", "b/c.txt")
    part, pages, _ = await listed(world)

    assert (part["files"], part["unchanged"], part["known"]) == (5, 2, 2)
    assert [file["name"] for file in pages[0]] == ["b/d.md", "e.png", "f.txt"]


async def test_changed_file_is_staged_again(world):
    await world.embed("a.txt")
    world.files.put("a.txt", "another text")
    part, _, _ = await listed(world)

    assert (part["unchanged"], part["known"], part["vanished"]) == (0, 1, 0)


@pytest.mark.parametrize("gone", ["a.txt", "b/d.md", "f.txt"])
async def test_vanished_file_is_found_wherever_it_stood_in_the_order(world, gone):
    await world.embed("a.txt", "b/c.txt", "b/d.md", "f.txt")
    del world.files.texts[gone]
    part, _, stale = await listed(world)

    assert (part["vanished"], part["known"], stale) == (1, 4, [[gone]])


async def test_all_files_gone_are_all_found_vanished(world):
    await world.embed("a.txt", "f.txt")
    world.files.texts.clear()
    part, _, stale = await listed(world)

    assert (part["files"], part["vanished"], stale) == (0, 2, [["a.txt", "f.txt"]])


async def test_files_of_kinds_that_are_not_read_cost_no_tokens(world):
    world.files.texts = {"film.mp4": b"x" * 4_000}
    assert (await listed(world))[0]["tokens"] == 0
    world.files.put("a.txt", "x" * 4_000)
    assert (await listed(world))[0]["tokens"] == 1_000


async def test_parts_follow_one_another_and_number_their_pages_on(world):
    await world.embed("b/c.txt")
    names, marker, number, vanished = [], None, 0, 0
    del world.files.texts["b/c.txt"]
    while True:
        part, pages, _ = await listed(world, marker=marker, first_page=number, most_names=2)
        names += [file["name"] for page in pages for file in page]
        vanished += part["vanished"]
        marker, number = part["marker"], number + part["pages"]
        if marker is None:
            break

    assert (names, number, vanished) == (sorted(world.files.texts), 2, 1)


async def test_page_holds_at_most_fifty_files(world):
    world.files.per_page = 5_000
    for number in range(115):
        world.files.put(f"{number:03}.txt", "text")
    _, pages, _ = await listed(world)

    assert [len(page) for page in pages] == [50, 50, 20]


async def test_page_holds_about_as_much_text_as_one_request_for_embeddings(world):
    for number in range(4):
        world.files.put(f"large{number}.txt", "x" * 360_000)
    world.files.put("huge.txt", "x" * 3_600_000)
    _, pages, _ = await listed(world)

    held = [[file["name"] for file in page if file["size"] > 1_000] for page in pages]
    assert held == [[], ["huge.txt"], ["large0.txt", "large1.txt"], ["large2.txt", "large3.txt"]]
