"""Where one version of an environment's index lies in Cosmos DB: its partitions, and how they come to be.

Records share a partition, so that a range of names is one query; the chunks of a source have their own.
"""

import asyncio
from collections.abc import Awaitable
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient, DatabaseProxy
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError

from shared_code.index.cosmos_partition import CosmosPartition
from shared_code.telemetry import log_event

_PARTITION_KEY = PartitionKey("/pk")
# Text and numbers of a vector are not searched as values, and indexing them would double the cost of a write.
_UNINDEXED = ({"path": "/embedding/*"}, {"path": "/text/?"}, {"path": '/"_etag"/?'})


class CosmosVersion:
    """The partitions of one index version; `slots` bounds the requests of all versions together."""

    def __init__(
        self, client: CosmosClient, *, database: str, container: str, name: str, slots: asyncio.Semaphore
    ) -> None:
        """Opens nothing; `name` is different for each version of each environment, such as `prod|v1`."""
        self.name = name
        self._client = client
        self._database = database
        self._container = container
        self._slots = slots

    @property
    def records(self) -> CosmosPartition:
        """The partition of the records of all sources."""
        return self._partition(self.name)

    def chunks_of(self, source: str) -> CosmosPartition:
        """The partition of a source's chunks, or of an event's documents."""
        return self._partition(f"{self.name}|{source_key(source)}")

    async def create_container(self, dimensions: int) -> None:
        """Creates the container with a vector index, or without where the account has none."""
        await _unless_there(self._client.create_database_if_not_exists(self._database))
        database = self._client.get_database_client(self._database)
        await _unless_there(create_with_vectors(database, self._container, dimensions))

    def _partition(self, key: str) -> CosmosPartition:
        database = self._client.get_database_client(self._database)
        return CosmosPartition(database.get_container_client(self._container), key, self._slots)


def source_key(source: str) -> str:
    """An id for a source: ids may not have every character that names have."""
    return blake2b(source.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


async def _unless_there(creation: Awaitable[object]) -> None:
    try:
        await creation
    except CosmosResourceExistsError:
        return  # another source of the job was first


async def create_with_vectors(database: DatabaseProxy, container: str, dimensions: int) -> None:
    """Creates a container for vectors of this size, with a vector index if the account can have one."""
    vectors = {"path": "/embedding", "dataType": "float32", "distanceFunction": "cosine"}
    indexing: dict[str, Any] = {"includedPaths": [{"path": "/*"}], "excludedPaths": list(_UNINDEXED)}
    indexing_vectors: dict[str, Any] = {"vectorIndexes": [{"path": "/embedding", "type": "diskANN"}]}
    try:
        await database.create_container(
            container,
            _PARTITION_KEY,
            indexing_policy=indexing | indexing_vectors,
            vector_embedding_policy={"vectorEmbeddings": [{**vectors, "dimensions": dimensions}]},
        )
    except CosmosHttpResponseError as error:
        if error.status_code != HTTPStatus.BAD_REQUEST:
            raise
        log_event("index.without_vector_search", container=container, dimensions=dimensions)
        await database.create_container(container, _PARTITION_KEY, indexing_policy=indexing)
