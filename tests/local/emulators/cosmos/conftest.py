"""A Cosmos DB account for the contract tests: the stand-in, or the account that COSMOS_TEST_ENDPOINT names.

A real account needs COSMOS_TEST_KEY, too, and has to have vector and full-text search. Every test makes a
database of its own and deletes it.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient, DatabaseProxy

from local.emulators.cosmos.service import KEY

DIMENSIONS = 3
VECTORS = {
    "vectorEmbeddings": [
        {
            "path": "/embedding",
            "dataType": "float32",
            "distanceFunction": "cosine",
            "dimensions": DIMENSIONS,
        }
    ]
}
TEXTS = {"defaultLanguage": "en-US", "fullTextPaths": [{"path": "/text", "language": "en-US"}]}
INDEXING: dict[str, Any] = {
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": "/embedding/*"}, {"path": '/"_etag"/?'}],
    "vectorIndexes": [{"path": "/embedding", "type": "diskANN", "vectorIndexShardKey": ["/index"]}],
    "fullTextIndexes": [{"path": "/text"}],
}

Ask = Callable[..., Awaitable[list[Any]]]


@pytest.fixture
def account(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Endpoint and key."""
    if "COSMOS_TEST_ENDPOINT" in os.environ:
        return os.environ["COSMOS_TEST_ENDPOINT"], os.environ["COSMOS_TEST_KEY"]
    return request.getfixturevalue("cosmos_emulator").endpoint, KEY


@pytest.fixture
async def database(account: tuple[str, str]) -> AsyncIterator[DatabaseProxy]:
    async with CosmosClient(*account) as client:
        made = await client.create_database(f"test-{uuid4()}")
        yield made
        await client.delete_database(made.id)


@pytest.fixture
async def container(database: DatabaseProxy) -> ContainerProxy:
    """A container of items by their sources."""
    return await database.create_container("chunks", PartitionKey("/source"))


@pytest.fixture
async def searchable(database: DatabaseProxy) -> ContainerProxy:
    """A container with vector and full-text search, as the app makes it."""
    return await database.create_container(
        "chunks",
        PartitionKey("/pk"),
        indexing_policy=INDEXING,
        vector_embedding_policy=VECTORS,
        full_text_policy=TEXTS,
    )


async def query(container: ContainerProxy, text: str, partition: Any = None, **values: Any) -> list[Any]:
    """All results of a query with its parameters; without a partition, over the whole container."""
    parameters = [{"name": f"@{name}", "value": value} for name, value in values.items()]
    found = container.query_items(text, parameters=parameters, partition_key=partition)
    return [item async for item in found]
