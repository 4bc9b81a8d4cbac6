"""Listing against an index in memory; what is staged goes through a blob endpoint in this process."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.storage.blob.aio import ContainerClient
from hypothesis import given
from hypothesis import strategies as st

from shared_code.errors import LedgerMissing
from shared_code.files.listing import list_part
from shared_code.jobs import EmbedFilesJob
from shared_code.jobs.steps import ListFiles
from shared_code.storage.staging import read_staged_json
from tests.unit.embedding_fakes import JOB, FakeFiles, FakeIndex, World, of_code_units, of_folders
from tests.unit.storage_stub import StorageStub, clients_of


@pytest.fixture
def world():
    made = World()
    for name in ("a.txt", "b/c.txt", "b/d.md", "e.png", "f.txt"):
        made.files.put(name, f"text of {name}")
    return made


MOST_BYTES = 6_000_000


async def listed(
    world: World, *, job: EmbedFilesJob = JOB, marker: Any = None, most_names: int = 1_000
) -> tuple[Counter[str], list[Any], list[Any]]:
    """A listing to its end: the sums of what its parts count, and what they staged."""
    fakes: Any = world
    sums = Counter[str]()
    async with clients_of(StorageStub()) as clients:
        container = clients.jobs_container
        while sums["parts"] == 0 or marker:
            step = ListFiles(
                job_id="job", job=job, marker=marker,
                first_page=sums["pages"], first_stale_page=sums["stale_pages"],
            )  # fmt: skip
            listed = await list_part(
                fakes.files, fakes.index, container, step=step, most_names=most_names, most_bytes=MOST_BYTES
            )
            part = listed.to_json()
            assert sum(part.pop("page_tokens")) == part["tokens"]
            marker = json.loads(json.dumps(part.pop("marker")))
            sums.update(part, parts=1)
        pages = await staged(container, "pages", sums["pages"])
        stale = await staged(container, "stale", sums["stale_pages"])
    return sums, pages, stale


async def staged(container: ContainerClient, kind: str, pages: int) -> list[Any]:
    """The pages of one kind that a listing staged."""
    return [await read_staged_json(container, "job", f"{kind}/{number}.json") for number in range(pages)]


def counts(**found: int) -> Counter[str]:
    """What a listing of one part counts."""
    return Counter(parts=1, **found)


async def test_first_listing_stages_every_file_with_its_size(world):
    part, pages, stale = await listed(world)

    assert (part["files"], part["unchanged"], part["known"], part["parts"]) == (5, 0, 0, 1)
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
    world.files.put("a.txt", "x" * 3_000)
    assert (await listed(world))[0]["tokens"] == 1_000


async def test_file_that_will_be_refused_for_its_size_is_staged_and_costs_no_tokens(world):
    world.files.texts = {"a.txt": b"x" * (MOST_BYTES + 1), "b.txt": b"x" * MOST_BYTES}
    sums, pages, _ = await listed(world)

    assert (sums["files"], sums["tokens"]) == (2, MOST_BYTES // 3)
    assert [file["name"] for page in pages for file in page] == ["a.txt", "b.txt"]


async def test_estimate_counts_what_chunks_repeat_of_each_other(world):
    world.files.texts = {"a.txt": b"x" * 3_000}
    overlapping = replace(JOB, plan=replace(JOB.plan, overlap_tokens=JOB.plan.chunk_tokens // 2))

    assert (await listed(world, job=overlapping))[0]["tokens"] == 2_000


async def test_parts_follow_one_another_and_number_their_pages_on(world):
    await world.embed("b/c.txt")
    del world.files.texts["b/c.txt"]
    sums, pages, stale = await listed(world, most_names=2)

    assert [file["name"] for page in pages for file in page] == sorted(world.files.texts)
    assert (sums["parts"], len(pages), stale) == (3, 2, [["b/c.txt"]])


async def test_account_that_lists_by_folders_hides_nothing_that_is_known():
    world = World(files=FakeFiles(per_page=5, order=of_folders))
    for name in (*(f"data/{n}.txt" for n in range(6)), *(f"data-2024/{n}.txt" for n in range(9))):
        world.files.put(name, f"text of {name}")
    await world.embed()
    sums, _, _ = await listed(world, most_names=4)

    assert (sums["files"], sums["unchanged"], sums["known"], sums["vanished"]) == (15, 15, 15, 0)


NAMES = st.text("a-/0é\uff5e😀", min_size=1, max_size=4)
ORDERS = st.sampled_from([str, of_folders, of_code_units, lambda name: name[::-1]])
STATES = st.sampled_from(["new", "unchanged", "changed", "being changed", "vanished"])


@given(states=st.dictionaries(NAMES, STATES), orders=st.tuples(ORDERS, ORDERS), size=st.integers(1, 9))
async def test_listing_finds_the_same_whatever_the_orders_and_however_it_is_parted(states, orders, size):
    files, index = FakeFiles(per_page=2, order=orders[0]), FakeIndex(order=orders[1])
    for name, state in states.items():
        etag = files.put(name, name).etag
        if state == "vanished":
            del files.texts[name]
        if state != "new":
            known = {"unchanged": etag, "vanished": etag, "changed": "another"}.get(state)
            index.know(f"docs/{name}", known)
    sums, pages, stale = await listed(World(files, index), most_names=size)

    found = {name: [other for other in states if states[other] == name] for name in states.values()}
    changed = {*states} - {*found.get("vanished", []), *found.get("unchanged", [])}
    assert sorted(file["name"] for page in pages for file in page) == sorted(changed)
    assert sorted(name for page in stale for name in page) == sorted(found.get("vanished", []))
    assert sums["known"] == len(states) - len(found.get("new", []))


async def test_path_of_a_file_lists_that_file_alone(world):
    world.files.put("b/c.txt.old", "text")
    await world.embed("b/c.txt", "b/d.md")
    path = replace(JOB, prefix="b/c.txt/")

    assert (await listed(world, job=path))[0] == counts(files=1, unchanged=1, known=1)
    del world.files.texts["b/c.txt"]
    assert (await listed(world, job=path))[0] == counts(known=1, vanished=1, stale_pages=1, vanished_itself=1)


@pytest.mark.parametrize("most_names", [1, 1_000])
async def test_path_of_a_file_and_a_folder_lists_both(world, most_names):
    world.files.put("a.txt/b.txt", "text")
    await world.embed("a.txt")
    world.files.put("a.txt/c.txt", "text")
    world.files.per_page = 1
    path = replace(JOB, prefix="a.txt/")
    sums, pages, _ = await listed(world, job=path, most_names=most_names)

    assert (sums["files"], sums["unchanged"], sums["known"]) == (3, 1, 1)
    assert [file["name"] for page in pages for file in page] == ["a.txt/b.txt", "a.txt/c.txt"]


async def test_listing_that_the_first_release_began_is_ended_without_listing_again(world):
    await world.embed()
    del world.files.texts["a.txt"], world.files.texts["f.txt"]
    marker = {"token": "2", "after": "docs/b/d.md"}  # behind b/c.txt and b/d.md, where a.txt was missed
    sums, _, stale = await listed(world, marker=marker)

    assert (sums["files"], sums["known"], stale) == (1, 1, [["f.txt"]])


async def test_page_holds_at_most_fifty_files(world):
    world.files.per_page = 5_000
    for number in range(115):
        world.files.put(f"{number:03}.txt", "text")
    _, pages, _ = await listed(world)

    assert [len(page) for page in pages] == [50, 50, 20]


async def test_page_holds_a_million_tokens_at_most_or_one_larger_file(world):
    for number in range(4):
        world.files.put(f"large{number}.txt", "x" * 1_440_000)
    world.files.put("huge.txt", "x" * 5_000_000)
    _, pages, _ = await listed(world)

    held = [[file["name"] for file in page if file["size"] > 1_000] for page in pages]
    assert held == [[], ["huge.txt"], ["large0.txt", "large1.txt"], ["large2.txt", "large3.txt"]]


RETRY = replace(JOB, retry_of="first")


async def retried(world: World, pages: dict[int, list[str]]) -> tuple[Counter[str], list[Any]]:
    """What a listing stages of files that the ledger of another job names, some with a code of their own."""
    stub = StorageStub(has_container=True)
    for page, names in pages.items():
        entries = [
            {"source": f"{JOB.container}/{name.partition(':')[0]}", "code": code, "message": "m"}
            for name in names
            for code in [name.partition(":")[2] or "BrokenDocument"]
        ]
        stub.blobs[f"ledger/first/{page}.json"] = json.dumps(entries).encode()
        stub.written[f"ledger/first/{page}.json"] = datetime.now(UTC)
    return await listed_on(stub, world)


async def listed_on(stub: StorageStub, world: World) -> tuple[Counter[str], list[Any]]:
    fakes: Any = world
    sums, marker = Counter[str](), None
    async with clients_of(stub) as clients:
        while sums["parts"] == 0 or marker:
            step = ListFiles(
                job_id="job", job=RETRY, marker=marker, first_page=sums["pages"], first_stale_page=0
            )
            container = clients.jobs_container
            part = await list_part(
                fakes.files, fakes.index, container, step=step, most_names=1, most_bytes=MOST_BYTES
            )
            marker = json.loads(json.dumps(part.marker))
            sums.update(files=part.files, pages=part.pages, known=part.known, vanished=part.vanished, parts=1)
        staged_ = await staged(container, "pages", sums["pages"])
    return sums, [file["name"] for page in staged_ for file in page]


async def test_retry_stages_the_failed_files_of_the_whole_ledger_and_no_others(world):
    sums, names = await retried(world, {0: ["a.txt"], 2: ["f.txt:PartNotRead"], 10: ["b/c.txt", "e.png"]})

    assert names == ["a.txt", "b/c.txt", "e.png"]
    assert (sums["files"], sums["known"], sums["vanished"]) == (3, 0, 0)


async def test_retry_of_many_pages_is_listed_in_parts_that_miss_and_repeat_none(world):
    for number in range(120):
        world.files.put(f"{number}.txt", "text")
    sums, names = await retried(world, {number: [f"{number}.txt"] for number in range(120)})

    assert names == [f"{number}.txt" for number in range(120)]
    assert sums["parts"] == 3


async def test_file_of_a_retry_that_is_gone_is_staged_to_be_named_in_the_ledger(world):
    _, names = await retried(world, {0: ["gone.txt"]})

    assert names == ["gone.txt"]


async def test_retry_whose_ledger_was_purged_fails_with_what_to_do(world):
    with pytest.raises(LedgerMissing, match="submit its path instead"):
        await retried(world, {})
