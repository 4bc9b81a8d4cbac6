"""A container of vectors as the first releases made it: without a shard key and without full-text search."""

from typing import Any

from azure.cosmos import PartitionKey
from azure.cosmos.aio import DatabaseProxy

VECTOR = {"path": "/embedding", "dataType": "float32", "distanceFunction": "cosine"}
INDEXING: dict[str, Any] = {
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": "/embedding/*"}, {"path": "/text/?"}, {"path": '/"_etag"/?'}],
    "vectorIndexes": [{"path": "/embedding", "type": "diskANN"}],
}


async def create_old_container(database: DatabaseProxy, name: str, *, dimensions: int) -> None:
    await database.create_container(
        name,
        PartitionKey("/pk"),
        indexing_policy=INDEXING,
        vector_embedding_policy={"vectorEmbeddings": [{**VECTOR, "dimensions": dimensions}]},
    )
