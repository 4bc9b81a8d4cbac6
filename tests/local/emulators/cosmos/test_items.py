"""Databases, containers, items and batches, of the stand-in as of the service."""

from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, DatabaseProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from tests.local.emulators.cosmos.conftest import INDEXING, TEXTS, VECTORS, query

CHUNK = {"id": "one", "source": "a.md", "text": "crane", "place": 1, "vector": [0.25, -0.5]}
large_bodies = pytest.mark.filterwarnings("ignore:Sending a large body")


def unless_changed(etag: str) -> dict[str, Any]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


async def test_policies_of_a_container_are_kept_as_they_were_given(searchable: ContainerProxy) -> None:
    made = await searchable.read()

    assert made["vectorEmbeddingPolicy"] == VECTORS
    assert made["fullTextPolicy"] == TEXTS
    assert made["indexingPolicy"]["vectorIndexes"] == INDEXING["vectorIndexes"]


async def test_second_creation_of_a_container_or_database_is_a_conflict(database: DatabaseProxy) -> None:
    await database.create_container("chunks", PartitionKey("/source"))

    with pytest.raises(CosmosResourceExistsError):
        await database.create_container("chunks", PartitionKey("/another"))
    found = await database.create_container_if_not_exists("chunks", PartitionKey("/source"))
    assert found.id == "chunks"


async def test_databases_and_containers_are_listed_and_found(database: DatabaseProxy) -> None:
    for name in ("one", "two"):
        await database.create_container(name, PartitionKey("/pk"))
    asked = "SELECT * FROM r WHERE r.id = 'two'"

    assert [one["id"] async for one in database.list_containers()] == ["one", "two"]
    assert [one["id"] async for one in database.query_containers(asked)] == ["two"]
    await database.delete_container("one")
    assert [one["id"] async for one in database.list_containers()] == ["two"]


@pytest.mark.parametrize(
    "indexing",
    [
        {"vectorIndexes": [{"path": "/other", "type": "diskANN"}]},
        {"fullTextIndexes": [{"path": "/other"}]},
    ],
)
async def test_index_of_a_path_without_a_policy_is_refused(indexing: Any, database: DatabaseProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        await database.create_container("chunks", PartitionKey("/pk"), indexing_policy=INDEXING | indexing)

    assert refused.value.status_code == 400


async def test_item_is_read_back_as_it_was_written(container: ContainerProxy) -> None:
    await container.upsert_item(CHUNK)

    read = await container.read_item("one", "a.md")

    assert {name: read[name] for name in CHUNK} == CHUNK


async def test_vector_is_read_back_to_the_last_bit_of_its_policy(searchable: ContainerProxy) -> None:
    item = {"id": "1", "pk": "p", "embedding": [0.1, -1e-9, 0.33333334]}
    await searchable.upsert_item(item)

    assert (await searchable.read_item("1", "p"))["embedding"] == item["embedding"]
    assert await query(searchable, "SELECT VALUE c.embedding FROM c", "p") == [item["embedding"]]


async def test_array_of_another_length_than_the_policy_says_is_kept_as_it_is(
    searchable: ContainerProxy,
) -> None:
    item = {"id": "1", "pk": "p", "embedding": [0.1, "two"]}
    await searchable.upsert_item(item)

    assert (await searchable.read_item("1", "p"))["embedding"] == item["embedding"]


async def test_absent_item_is_not_found(container: ContainerProxy) -> None:
    await container.upsert_item(CHUNK)

    for item, partition in (("two", "a.md"), ("one", "b.md")):
        with pytest.raises(CosmosResourceNotFoundError):
            await container.read_item(item, partition)
        with pytest.raises(CosmosResourceNotFoundError):
            await container.delete_item(item, partition)


async def test_item_of_an_absent_container_is_not_found(database: DatabaseProxy) -> None:
    absent = database.get_container_client("absent")

    with pytest.raises(CosmosResourceNotFoundError):
        await absent.read_item("one", "a.md")
    with pytest.raises(CosmosResourceNotFoundError):
        await query(absent, "SELECT * FROM c", "a.md")


async def test_same_id_in_two_partitions_is_two_items(container: ContainerProxy) -> None:
    await container.upsert_item(CHUNK)
    await container.upsert_item(CHUNK | {"source": "b.md", "text": "pilot"})

    assert (await container.read_item("one", "a.md"))["text"] == "crane"
    assert (await container.read_item("one", "b.md"))["text"] == "pilot"


async def test_second_creation_of_an_item_is_a_conflict(container: ContainerProxy) -> None:
    await container.create_item(CHUNK)

    with pytest.raises(CosmosResourceExistsError):
        await container.create_item(CHUNK)


async def test_change_of_another_version_is_refused(container: ContainerProxy) -> None:
    first = await container.upsert_item(CHUNK)
    second = await container.upsert_item(CHUNK | {"text": "pilot"})

    for change in (container.replace_item, container.upsert_item):
        arguments: tuple[Any, ...] = ("one", CHUNK) if change == container.replace_item else (CHUNK,)
        with pytest.raises(CosmosAccessConditionFailedError):
            await change(*arguments, **unless_changed(first["_etag"]))
    with pytest.raises(CosmosAccessConditionFailedError):
        await container.delete_item("one", "a.md", **unless_changed(first["_etag"]))
    await container.delete_item("one", "a.md", **unless_changed(second["_etag"]))


async def test_patch_changes_what_it_names(container: ContainerProxy) -> None:
    await container.upsert_item(CHUNK)

    changes: list[Any] = [
        {"op": "set", "path": "/text", "value": "pilot"},
        {"op": "incr", "path": "/place", "value": 2},
        {"op": "add", "path": "/vector/1", "value": 0.75},
        {"op": "move", "from": "/text", "path": "/title"},
    ]
    patched = await container.patch_item("one", "a.md", changes)

    assert (patched["title"], patched["place"], patched["vector"]) == ("pilot", 3, [0.25, 0.75, -0.5])
    assert "text" not in patched


async def test_patch_is_done_only_where_its_condition_holds(container: ContainerProxy) -> None:
    await container.upsert_item(CHUNK)
    changes = [{"op": "set", "path": "/place", "value": 2}]

    await container.patch_item("one", "a.md", changes, filter_predicate="from c where c.place = 1")
    with pytest.raises(CosmosAccessConditionFailedError):
        await container.patch_item("one", "a.md", changes, filter_predicate="from c where c.place = 1")


@pytest.mark.parametrize(
    "change",
    [
        {"op": "replace", "path": "/absent", "value": 1},
        {"op": "remove", "path": "/absent"},
        {"op": "set", "path": "/source", "value": "b.md"},
        {"op": "set", "path": "/id", "value": "two"},
        {"op": "incr", "path": "/text", "value": 1},
    ],
)
async def test_patch_that_is_not_possible_changes_nothing(change: Any, container: ContainerProxy) -> None:
    before = await container.upsert_item(CHUNK)

    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.patch_item("one", "a.md", [{"op": "set", "path": "/place", "value": 9}, change])

    assert refused.value.status_code == 400
    assert await container.read_item("one", "a.md") == before


async def test_patch_leaves_the_vector_as_it_is(searchable: ContainerProxy) -> None:
    item = {"id": "1", "pk": "p", "embedding": [0.1, -1e-9, 0.33333334], "ordinal": 1}
    await searchable.upsert_item(item)

    patched = await searchable.patch_item("1", "p", [{"op": "set", "path": "/ordinal", "value": 2}])

    assert (patched["ordinal"], patched["embedding"]) == (2, item["embedding"])


@pytest.mark.parametrize("name", ["a/b", "a?b", "a#b", "a\\b", "x" * 1024, ""])
async def test_id_that_cannot_be_addressed_is_refused(name: str, container: ContainerProxy) -> None:
    with pytest.raises((CosmosHttpResponseError, ValueError, TypeError)):
        await container.upsert_item(CHUNK | {"id": name})


async def test_id_may_have_any_other_character(container: ContainerProxy) -> None:
    for name in ("a b", "é", "%41", "😀", "a+b&c", "…", "a'\"b"):
        await container.upsert_item(CHUNK | {"id": name})
        assert (await container.read_item(name, "a.md"))["id"] == name


@large_bodies
async def test_item_that_is_too_large_is_refused(container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.upsert_item(CHUNK | {"text": "x" * 2_200_000})

    assert refused.value.status_code == 413


async def test_batch_writes_and_deletes_in_one_partition(container: ContainerProxy) -> None:
    await container.upsert_item(CHUNK)

    done = await container.execute_item_batch(
        [("upsert", (CHUNK | {"id": "two"},)), ("delete", ("one",)), ("create", (CHUNK | {"id": "three"},))],
        partition_key="a.md",
    )

    assert [result["statusCode"] for result in done] == [201, 204, 201]
    assert sorted(await query(container, "SELECT VALUE c.id FROM c", "a.md")) == ["three", "two"]


async def test_batch_of_which_an_operation_fails_changes_nothing(container: ContainerProxy) -> None:
    before = await container.upsert_item(CHUNK)

    operations: list[Any] = [
        ("upsert", (CHUNK | {"text": "pilot"},)),
        ("create", (CHUNK | {"id": "two"},)),
        ("delete", ("absent",)),
        ("delete", ("one",)),
    ]
    with pytest.raises(CosmosBatchOperationError) as refused:
        await container.execute_item_batch(operations, partition_key="a.md")

    assert (refused.value.status_code, refused.value.error_index) == (404, 2)
    assert [one["statusCode"] for one in refused.value.operation_responses] == [424, 424, 404, 424]
    assert await query(container, "SELECT * FROM c", "a.md") == [before]


async def test_batch_reads_patches_and_replaces_what_is_there(container: ContainerProxy) -> None:
    first = await container.upsert_item(CHUNK)

    patch: Any = ("patch", ("one", [{"op": "set", "path": "/text", "value": "pilot"}]))
    replace: Any = ("replace", ("one", CHUNK | {"place": 5}), {"if_match_etag": first["_etag"]})
    done = await container.execute_item_batch([replace, patch, ("read", ("one",))], partition_key="a.md")

    assert (done[2]["resourceBody"]["text"], done[2]["resourceBody"]["place"]) == ("pilot", 5)
    assert done[2]["eTag"] == (await container.read_item("one", "a.md"))["_etag"]


@large_bodies
async def test_batch_has_at_most_a_hundred_operations_and_two_megabytes(container: ContainerProxy) -> None:
    many = [("upsert", (CHUNK | {"id": str(number)},)) for number in range(101)]
    large = [("upsert", (CHUNK | {"id": str(number), "text": "x" * 500_000},)) for number in range(5)]

    for batch, status in ((many, 400), (large, 413)):
        with pytest.raises(CosmosHttpResponseError) as refused:
            await container.execute_item_batch(batch, partition_key="a.md")
        assert refused.value.status_code == status
    assert await query(container, "SELECT * FROM c", "a.md") == []


async def test_write_that_wants_no_answer_gets_none(container: ContainerProxy) -> None:
    written = await container.upsert_item(CHUNK, no_response=True)

    assert dict(written) == {}
    assert written.get_response_headers()["etag"] == (await container.read_item("one", "a.md"))["_etag"]
