"""What the app may ask of Cosmos DB: the operations that the emulator and the service share.

docs/local-stack.md is this list in words.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.core import MatchConditions
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient, DatabaseProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from local.emulators.cosmos.service import KEY, Cosmos, cosmos
from local.errors import PortTaken
from local.ports import is_free
from local.settings import Port, StackSettings
from tests.conftest import settings_in
from tests.support.certificates import self_signed
from tests.support.web_servers import serving

CHUNK = {"id": "one", "source": "a.md", "text": "crane", "place": 1, "vector": [0.25, -0.5]}


@pytest.fixture
async def database(cosmos_emulator: Cosmos) -> AsyncIterator[DatabaseProxy]:
    async with CosmosClient(cosmos_emulator.endpoint, KEY) as client:
        yield await client.create_database(f"db-{uuid4()}")


@pytest.fixture
async def container(database: DatabaseProxy) -> ContainerProxy:
    return await database.create_container("chunks", PartitionKey("/source"))


async def query(container: ContainerProxy, text: str, **values: Any) -> list[Any]:
    parameters = [{"name": f"@{name}", "value": value} for name, value in values.items()]
    found = container.query_items(text, parameters=parameters, partition_key=values.get("source"))
    return [item async for item in found]


async def test_database_and_container_are_created_once(database: DatabaseProxy) -> None:
    policy = {"vectorEmbeddings": [{"path": "/vector", "dataType": "float32", "dimensions": 256}]}
    index: Any = {
        "indexingMode": "consistent",
        "vectorIndexes": [{"path": "/vector", "type": "quantizedFlat"}],
    }

    for _ in range(2):
        made = await database.create_container_if_not_exists(
            "vectors", PartitionKey("/source"), indexing_policy=index, vector_embedding_policy=policy
        )

    assert (await made.read())["vectorEmbeddingPolicy"] == policy


async def test_item_is_read_back_as_it_was_written(container: ContainerProxy) -> None:
    await container.upsert_item(CHUNK)

    read = await container.read_item("one", "a.md")

    assert {name: read[name] for name in CHUNK} == CHUNK


async def test_absent_item_is_not_found(container: ContainerProxy) -> None:
    await container.upsert_item(CHUNK)

    for item, partition in (("two", "a.md"), ("one", "b.md")):
        with pytest.raises(CosmosResourceNotFoundError):
            await container.read_item(item, partition)
        with pytest.raises(CosmosResourceNotFoundError):
            await container.delete_item(item, partition)


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
    await container.upsert_item(CHUNK)

    with pytest.raises(CosmosAccessConditionFailedError):
        await container.replace_item(
            "one", CHUNK, etag="another", match_condition=MatchConditions.IfNotModified
        )


async def test_patch_changes_what_it_names(container: ContainerProxy) -> None:
    await container.upsert_item(CHUNK)

    changes: list[Any] = [
        {"op": "set", "path": "/text", "value": "pilot"},
        {"op": "incr", "path": "/place", "value": 2},
    ]
    patched = await container.patch_item("one", "a.md", changes)

    assert (patched["text"], patched["place"], patched["vector"]) == ("pilot", 3, CHUNK["vector"])


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("c.place > 1", ["two", "three"]),
        ("ARRAY_CONTAINS(@ids, c.id)", ["one", "three"]),
        ("NOT ARRAY_CONTAINS(@ids, c.id)", ["two"]),
        ("c.id IN ('one', 'two')", ["one", "two"]),
        ("STARTSWITH(c.id, 't')", ["two", "three"]),
        ("IS_DEFINED(c.absent)", []),
    ],
)
async def test_query_finds_what_its_condition_names(
    condition: str, found: list[str], container: ContainerProxy
) -> None:
    for place, name in enumerate(["one", "two", "three"], start=1):
        await container.upsert_item(CHUNK | {"id": name, "place": place})
    await container.upsert_item(CHUNK | {"source": "b.md", "place": 9})

    text = f"SELECT VALUE c.id FROM c WHERE c.source = @source AND {condition} ORDER BY c.place"  # noqa: S608 - of the table above

    assert await query(container, text, source="a.md", ids=["one", "three", "nine"]) == found


async def test_query_counts_and_comes_in_pages(container: ContainerProxy) -> None:
    for place in range(5):
        await container.upsert_item(CHUNK | {"id": str(place)})

    pages = container.query_items(
        "SELECT c.id FROM c WHERE c.source = 'a.md'", partition_key="a.md", max_item_count=2
    ).by_page()

    assert [len([item async for item in page]) async for page in pages] == [2, 2, 1]
    assert await query(container, "SELECT VALUE COUNT(1) FROM c WHERE c.source = @source", source="a.md") == [
        5
    ]


async def test_batch_writes_and_deletes_in_one_partition(container: ContainerProxy) -> None:
    await container.upsert_item(CHUNK)

    done = await container.execute_item_batch(
        [("upsert", (CHUNK | {"id": "two"},)), ("delete", ("one",)), ("create", (CHUNK | {"id": "three"},))],
        partition_key="a.md",
    )

    assert [result["statusCode"] for result in done] == [201, 204, 201]
    found = await query(container, "SELECT VALUE c.id FROM c WHERE c.source = @source", source="a.md")
    assert sorted(found) == ["three", "two"]


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
    assert await query(container, "SELECT * FROM c", source="a.md") == [before]


async def test_batch_patches_what_is_there(container: ContainerProxy) -> None:
    await container.upsert_item(CHUNK)

    patch: Any = ("patch", ("one", [{"op": "set", "path": "/text", "value": "pilot"}]))
    await container.execute_item_batch([patch], partition_key="a.md")

    assert (await container.read_item("one", "a.md"))["text"] == "pilot"


async def test_write_that_wants_no_answer_gets_none(container: ContainerProxy) -> None:
    written = await container.upsert_item(CHUNK, no_response=True)

    assert dict(written) == {}
    assert written.get_response_headers()["etag"] == (await container.read_item("one", "a.md"))["_etag"]


async def test_query_of_a_partition_finds_no_items_of_another(container: ContainerProxy) -> None:
    await container.upsert_item(CHUNK)
    await container.upsert_item(CHUNK | {"source": "b.md", "text": "pilot"})
    await container.delete_item("one", "a.md")

    for text in ("SELECT VALUE c.text FROM c", "SELECT VALUE c.text FROM c WHERE c.place > 0"):
        assert await query(container, text, source="a.md") == []
        assert await query(container, text, source="b.md") == ["pilot"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT VALUE c.id FROM c WHERE c.source = @source AND c.id NOT IN ('one')",
        "SELECT DISTINCT VALUE c.text FROM c WHERE c.source = @source",
        "SELECT c.text, COUNT(1) AS n FROM c WHERE c.source = @source GROUP BY c.text",
        "SELECT c.id FROM c WHERE c.source = @source ORDER BY c.place OFFSET 1 LIMIT 1",
        "SELECT TOP 1 c.id FROM c WHERE c.source = @source ORDER BY VectorDistance(c.vector, [1, 0])",
    ],
)
async def test_query_that_the_emulator_lacks_is_refused_not_answered_wrongly(
    text: str, container: ContainerProxy
) -> None:
    await container.upsert_item(CHUNK)

    with pytest.raises(CosmosHttpResponseError) as refused:
        await query(container, text, source="a.md")
    assert refused.value.status_code == 400


def test_running_emulator_is_used_and_left_running(
    cosmos_emulator: Cosmos, stack_settings: StackSettings
) -> None:
    with cosmos(stack_settings) as found:
        assert found == replace(cosmos_emulator, service=None)

    assert not is_free(stack_settings.cosmos.number)


def test_port_of_another_program_is_named_with_the_variable_that_moves_it(tmp_path: Path) -> None:
    with serving(BaseHTTPRequestHandler) as taken:
        settings = replace(settings_in(tmp_path), cosmos=Port("COSMOS_PORT", taken))

        with pytest.raises(PortTaken, match=f"Port {taken} is taken .*set COSMOS_PORT"), cosmos(settings):
            pass


def test_another_server_with_tls_is_not_taken_for_a_cosmos_emulator(tmp_path: Path) -> None:
    _, tls = self_signed(tmp_path)
    with serving(BaseHTTPRequestHandler, tls) as taken:
        settings = replace(settings_in(tmp_path), cosmos=Port("COSMOS_PORT", taken))

        with pytest.raises(PortTaken, match="not a Cosmos DB emulator"), cosmos(settings):
            pass


@pytest.mark.usefixtures("storage")
def test_azurite_is_not_taken_for_a_cosmos_emulator(stack_settings: StackSettings) -> None:
    swapped = replace(stack_settings, cosmos=stack_settings.blob)

    with pytest.raises(PortTaken, match="not a Cosmos DB emulator"), cosmos(swapped):
        pass
