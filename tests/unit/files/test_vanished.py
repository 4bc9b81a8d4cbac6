"""Taking vanished files out of the index."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from shared_code.files.vanished import delete_vanished
from shared_code.index.records import SourceBusy, StoredChunk
from tests.unit.embedding_fakes import Crash, FakeIndex, World, prose


@pytest.fixture
async def world():
    made = World()
    for name in ("a.txt", "b.txt"):
        made.files.put(name, prose(name))
    await made.embed()
    del made.files.texts["a.txt"]
    return made


async def delete(world: World, *names: str, index: Any = None) -> int:
    fakes: Any = world
    return await delete_vanished(
        fakes.files, index or fakes.index, names, job_id="deleting", is_live=world.is_live,
        clock=lambda: world.now,
    )  # fmt: skip


async def test_chunks_of_a_vanished_file_go_before_its_record(world):
    world.index.writes.clear()

    assert await delete(world, "a.txt") == 1
    first, *middle, last = world.index.writes
    assert (first, last, set(middle)) == ("open docs/a.txt", "forget docs/a.txt", {"delete docs/a.txt"})
    assert set(world.index.texts()) == {"docs/b.txt"}


async def test_file_that_is_back_is_left_alone(world):
    assert await delete(world, "b.txt") == 0
    assert "docs/b.txt" in world.index.texts()


async def test_deletion_that_runs_twice_counts_the_same(world):
    assert await delete(world, "a.txt") == await delete(world, "a.txt") == 1


async def test_file_that_comes_back_in_the_middle_of_its_deletion_is_embedded_whole(world):
    world.index.crash_after = len(world.index.writes) + 2
    with pytest.raises(Crash):
        await delete(world, "a.txt")
    world.index.crash_after = None
    world.files.put("a.txt", prose("a.txt"))
    lost = len(world.index.items["docs/b.txt"]) - len(world.index.items["docs/a.txt"])
    world.embeddings.batches.clear()
    await world.embed("a.txt", job_id="later")

    assert world.embeddings.inputs == lost > 0
    assert len(world.index.items["docs/a.txt"]) == len(world.index.items["docs/b.txt"])


@dataclass
class Interrupted(FakeIndex):
    """An index in which something happens between the look for the chunks of a source and their deletion."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def chunks(self, source: str) -> dict[str, StoredChunk]:
        found = await super().chunks(source)
        if self.meanwhile:
            await self.meanwhile()
        return found


async def test_job_waits_that_embeds_a_file_which_is_back_while_it_is_deleted(world):
    async def comes_back() -> None:
        world.files.put("a.txt", prose("a.txt"))
        with pytest.raises(SourceBusy):
            await world.embed("a.txt", job_id="embedding")

    world.live.add("deleting")
    interrupted = Interrupted(**{**vars(world.index), "meanwhile": comes_back})
    await delete(world, "a.txt", index=interrupted)
    await world.embed("a.txt", job_id="embedding")

    assert len(world.index.items["docs/a.txt"]) == len(world.index.items["docs/b.txt"])


async def test_source_that_a_live_job_has_open_is_not_deleted(world):
    record = world.index.known_records["docs/a.txt"]
    world.index.known_records["docs/a.txt"] = record.opened("embedding", int(world.now) + 600)
    world.live.add("embedding")
    with pytest.raises(SourceBusy):
        await delete(world, "a.txt")
    world.live.clear()

    assert await delete(world, "a.txt") == 1
