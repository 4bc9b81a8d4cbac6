"""The index against the Cosmos DB emulator; each test has a database of its own."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from local.emulators.cosmos.service import Cosmos
from shared_code.clients.composition import Clients
from shared_code.embeddings.vectors import Vector
from shared_code.index.cosmos_container import Shape
from shared_code.index.cosmos_writer import CosmosIndex
from shared_code.index.records import (
    IndexConflict,
    KnownSource,
    NewChunk,
    Place,
    SourceRecord,
    StoredChunk,
    StoredVector,
)
from shared_code.settings import Settings

DONE = SourceRecord(
    source="docs/a.txt", etag="1", content="c", fingerprint="f", job_id="job", counts={"completed": 1}
)


@pytest.fixture
async def clients(cosmos_emulator: Cosmos) -> AsyncIterator[Clients]:
    opened = Clients(Settings({**cosmos_emulator.app_settings(), "COSMOS_DATABASE": uuid4().hex}))
    yield opened
    await opened.close()


@pytest.fixture
async def index(clients: Clients) -> CosmosIndex:
    return clients.index("test", "v1")


def chunk(key: str, source: str = "docs/a.txt", *, ordinal: int = 0) -> NewChunk:
    vector = Vector.of([0.1, -1e-9, 1 / 3])
    return NewChunk(
        id=key, source=source, text=f"text of {key}", place=Place(ordinal, {"page": 1}), vector=vector,
        job_id="job", tokens=7, requests=1,
    )  # fmt: skip


async def test_index_that_was_never_written_is_empty(index):
    assert await index.known("docs", after="", most=9) == []
    assert await index.records(["docs/a.txt"]) == {}
    assert await index.chunks("docs/a.txt") == {}
    assert await index.holders(["c"], "f") == {}


async def test_record_comes_back_as_it_was_saved(index):
    [saved] = await index.save([DONE], dimensions=3)

    assert await index.records(["docs/a.txt", "docs/b.txt"]) == {"docs/a.txt": saved}
    assert saved == replace(DONE, revision=saved.revision)


async def test_first_record_creates_a_container_with_a_vector_index(index, clients):
    await index.save([DONE], dimensions=3)
    database = clients._cosmos.get_database_client(clients.settings.cosmos_database)
    made = await database.get_container_client("chunks").read()

    assert made["vectorEmbeddingPolicy"]["vectorEmbeddings"][0]["dimensions"] == 3
    assert Shape.of(made).lacks == []


async def test_record_that_was_written_meanwhile_is_a_conflict(index):
    [first] = await index.save([DONE], dimensions=3)
    await index.save([replace(first, etag="2")])

    for outdated in (first, DONE):
        with pytest.raises(IndexConflict):
            await index.save([outdated])
    with pytest.raises(IndexConflict):
        await index.forget(first)


async def test_one_record_that_was_written_meanwhile_makes_a_conflict_of_them_all(index):
    [first] = await index.save([DONE], dimensions=3)
    await index.save([replace(first, etag="2")])
    others = [replace(DONE, source=f"docs/{number}.txt") for number in range(3)]

    with pytest.raises(IndexConflict):
        await index.save([*others, replace(first, etag="3")])
    found = await index.records(["docs/a.txt"])
    assert found["docs/a.txt"].etag == "2"


async def test_many_records_are_saved_and_read_in_any_order(index):
    records = [replace(DONE, source=f"docs/{number}.txt") for number in range(250)]
    saved = await index.save(records, dimensions=3)
    opened = await index.save([record.opened() for record in saved[:120]])

    found = await index.records(record.source for record in reversed(records))
    assert found == {record.source: record for record in [*opened, *saved[120:]]}


async def test_record_that_was_forgotten_meanwhile_is_a_conflict(index):
    [saved] = await index.save([DONE], dimensions=3)
    await index.forget(saved)
    await index.forget(saved)

    with pytest.raises(IndexConflict):
        await index.save([saved])


async def test_known_sources_of_a_path_are_it_itself_and_what_is_below_it(index):
    for name in ("docs/a", "docs/a/b", "docs/a/b/c", "docs/ab", "docs", "other/a"):
        await index.save([replace(DONE, source=name)], dimensions=3)

    known = await index.known("docs/a", after="", most=9)
    assert known == [KnownSource(name, "1", "f") for name in ("docs/a", "docs/a/b", "docs/a/b/c")]


async def test_known_sources_can_be_walked_to_the_last_in_parts_of_any_size(index):
    names = {f"docs/{name}" for name in ("a", "a/b", "a-b", "a b", "é", "\uff5e", "😀", "Z")}
    await index.save([replace(DONE, source=name) for name in names], dimensions=3)

    for most in (1, 3, 8):
        walked, after = [], ""
        while part := await index.known("docs", after=after, most=most):
            assert len(part) <= most
            walked += [known.source for known in part]
            after = walked[-1]
        assert (len(walked), set(walked)) == (len(names), names)


async def test_versions_and_environments_do_not_see_each_other(index, clients):
    await index.save([DONE], dimensions=3)
    await index.write([chunk("x")])

    for other in (clients.index("test", "v2"), clients.index("prod", "v1")):
        assert await other.known("docs", after="", most=9) == []
        assert await other.chunks("docs/a.txt") == {}


async def test_only_a_complete_source_of_the_same_make_holds_a_content(index):
    [saved] = await index.save([DONE], dimensions=3)

    assert await index.holders(["c", "other"], "f") == {"c": "docs/a.txt"}
    assert await index.holders(["c"], "another make") == {}
    await index.save([saved.opened()])
    assert await index.holders(["c"], "f") == {}


async def test_vectors_come_back_to_the_last_bit(index):
    await index.save([DONE], dimensions=3)
    await index.write([chunk("x")])

    [page] = [page async for page in index.vectors("docs/a.txt")]
    assert page == [StoredVector("x", "", "text of x", chunk("x").vector)]


async def test_text_that_looks_like_a_batch_comes_back_as_it_was(index):
    await index.save([DONE], dimensions=3)
    text = '"embedding":null, {"operationType":"Upsert"} \\"embedding\\":null \u2028 \U0001f600 é'
    await index.write([replace(chunk(key), text=text) for key in ("x", "y")])

    [page] = [page async for page in index.vectors("docs/a.txt")]
    assert page == [StoredVector(key, "", text, chunk("x").vector) for key in ("x", "y")]


async def test_moved_chunk_keeps_its_vector_and_the_job_that_paid_for_it(index):
    await index.save([DONE], dimensions=3)
    await index.write([chunk("x"), chunk("y")])
    for places in ({"x": Place(3, {}), "y": Place(2, {"row": 5})}, {"x": Place(4, {"page": 2})}):
        await index.move("docs/a.txt", places)
    found = await index.chunks("docs/a.txt")

    assert found["x"] == StoredChunk(place=Place(4, {"page": 2}), job_id="job")
    assert found["y"].place == Place(2, {"row": 5})
    assert [len(page) async for page in index.vectors("docs/a.txt")] == [2]


async def test_chunk_that_is_written_twice_is_there_once(index):
    await index.save([DONE], dimensions=3)
    for _ in range(2):
        await index.write([chunk("x")])

    assert list(await index.chunks("docs/a.txt")) == ["x"]


async def test_chunk_can_be_deleted_twice_and_leaves_other_sources_alone(index):
    await index.save([DONE], dimensions=3)
    await index.write([chunk(key) for key in "xyz"])
    await index.write([chunk("x", "docs/b.txt")])
    for keys in ("x", "xy", "yz"):
        await index.delete("docs/a.txt", keys)

    assert await index.chunks("docs/a.txt") == {}
    assert list(await index.chunks("docs/b.txt")) == ["x"]


async def test_more_chunks_than_fit_a_page_are_all_found(index):
    await index.save([DONE], dimensions=3)
    await index.write([chunk(str(number), ordinal=number) for number in range(1_020)])

    assert len(await index.chunks("docs/a.txt")) == 1_020
    assert [len(page) async for page in index.vectors("docs/a.txt")] == [100] * 10 + [20]
