"""The container of the index: what it is made like, and what one that is there can do.

Vector index, shard key and vector policy can never be changed: a container is right from the start, or its
vectors are copied into another one (docs/vector-index.md).

ADR 47 has the reasons.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient, DatabaseProxy
from azure.cosmos.exceptions import (
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from azure.cosmos.http_constants import SubStatusCodes

from shared_code.telemetry import log_event

VECTOR = "embedding"
SEARCHED = ("text", "context")
"""What full-text searches look at: the text of a chunk, and what it stands under."""

_PARTITION_KEY = PartitionKey("/pk")
_SHARD_KEY = "/index"
_DIMENSIONS = "dimensions"
# What queries filter or sort by. Each further property that is indexed makes every write dearer.
_FILTERED = ("pk", "index", "source", "trackingId", "ordinal", "fingerprint", "content", "opened_until")
_INDEXING: dict[str, Any] = {
    "includedPaths": [{"path": f"/{name}/?"} for name in _FILTERED],
    "excludedPaths": [{"path": "/*"}],
}
_VECTOR_INDEX = {"path": f"/{VECTOR}", "type": "diskANN", "vectorIndexShardKey": [_SHARD_KEY]}
_VECTORS = {"path": f"/{VECTOR}", "dataType": "float32", "distanceFunction": "cosine"}
# A replica is behind, or a container is being made: what is asked for may be there.
_NOT_YET = {SubStatusCodes.READ_SESSION_NOTAVAILABLE, SubStatusCodes.CONTAINER_CREATE_IN_PROGRESS}
_LANGUAGE = "en-US"
_TEXTS = {
    "defaultLanguage": _LANGUAGE,
    "fullTextPaths": [{"path": f"/{name}", "language": _LANGUAGE} for name in SEARCHED],
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a container can do beside keeping items.

    Attributes:
        vector_index: it has an index of vectors.
        is_sharded: that index is divided by the versions of the index, by which every search filters.
        texts: the properties of which it has a full-text index.
        dimensions: numbers of a vector; None if it does not say.
    """

    vector_index: bool
    is_sharded: bool
    texts: tuple[str, ...]
    dimensions: int | None

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> "Shape":
        """The shape of a container, by its properties as the service tells them."""
        indexing = properties.get("indexingPolicy") or {}
        vectors = [one for one in indexing.get("vectorIndexes") or () if one.get("path") == f"/{VECTOR}"]
        texts = {one.get("path") for one in indexing.get("fullTextIndexes") or ()}
        policy = (properties.get("vectorEmbeddingPolicy") or {}).get("vectorEmbeddings") or ()
        return cls(
            vector_index=bool(vectors),
            is_sharded=any(_SHARD_KEY in (one.get("vectorIndexShardKey") or ()) for one in vectors),
            texts=tuple(name for name in SEARCHED if f"/{name}" in texts),
            dimensions=next((one[_DIMENSIONS] for one in policy if one["path"] == f"/{VECTOR}"), None),
        )

    @property
    def full_text(self) -> bool:
        """Whether texts can be searched for words."""
        return bool(self.texts)

    @property
    def lacks(self) -> list[str]:
        """What the container would have if it were made now, on an account that can do everything."""
        parts = {
            f"a vector index on /{VECTOR}": self.vector_index,
            f"the shard key {_SHARD_KEY} of that index": self.is_sharded,
            f"full-text indexes on {' and '.join(f'/{name}' for name in SEARCHED)}": self.texts == SEARCHED,
        }
        return [what for what, is_there in parts.items() if not is_there]


class CosmosContainer:
    """A container of a database; `slots` bounds the requests of whoever reads and writes items."""

    def __init__(self, client: CosmosClient, *, database: str, name: str, slots: asyncio.Semaphore) -> None:
        """Opens nothing."""
        self.name = name
        self.slots = slots
        self._database = client.get_database_client(database)
        self._client = client
        self._shape: Shape | None = None

    @property
    def proxy(self) -> ContainerProxy:
        """The SDK's client of the container."""
        return self._database.get_container_client(self.name)

    async def create(self, dimensions: int) -> None:
        """Creates the container for vectors of this size, with as much as the account can do."""
        await _unless_there(self._client.create_database_if_not_exists(self._database.id))
        await _unless_there(create_container(self._database, self.name, dimensions))

    async def shape(self) -> Shape | None:
        """What the container can do; None if it is still to be created. What it lacks is logged once."""
        if self._shape is None:
            try:
                self._shape = Shape.of(await self.proxy.read())
            except CosmosResourceNotFoundError as error:
                require_absent(error)
                return None
            if self._shape.lacks:
                lacks = "; ".join(self._shape.lacks)
                log_event("index.old_shape", level=logging.WARNING, container=self.name, lacks=lacks)
        return self._shape


def require_absent(error: CosmosResourceNotFoundError) -> None:
    """Raises the error again where it is not the word that there is no such item or container."""
    if error.sub_status in _NOT_YET:
        raise error


async def create_container(database: DatabaseProxy, name: str, dimensions: int) -> None:
    """Creates a container for vectors of this size; what the account cannot do is left out, and logged."""
    without: dict[str, set[str]] = {
        "": set(),
        "full-text search": {"full_text_policy", "fullTextIndexes"},
        "vector search": {"vector_embedding_policy", "vectorIndexes"},
    }
    without["full-text and vector search"] = without["full-text search"] | without["vector search"]
    *attempts, last = without
    for lacking in attempts:
        try:
            await _create(database, name, dimensions, without[lacking])
        except CosmosHttpResponseError as error:
            if error.status_code != HTTPStatus.BAD_REQUEST:
                raise
        else:
            return _log_lack(name, dimensions, lacking)
    await _create(database, name, dimensions, without[last])
    return _log_lack(name, dimensions, last)


async def _create(database: DatabaseProxy, container: str, dimensions: int, without: set[str]) -> None:
    policies: dict[str, Any] = {
        "vector_embedding_policy": {"vectorEmbeddings": [{**_VECTORS, _DIMENSIONS: dimensions}]},
        "full_text_policy": _TEXTS,
    }
    indexes: dict[str, Any] = {
        "vectorIndexes": [_VECTOR_INDEX],
        "fullTextIndexes": [{"path": f"/{name}"} for name in SEARCHED],
    }
    await database.create_container(
        container,
        _PARTITION_KEY,
        indexing_policy=_INDEXING | {key: each for key, each in indexes.items() if key not in without},
        **{key: each for key, each in policies.items() if key not in without},
    )


def _log_lack(container: str, dimensions: int, lacking: str) -> None:
    if lacking:
        log_event(
            "index.created_without",
            level=logging.WARNING,
            container=container,
            dimensions=dimensions,
            lacks=lacking,
        )


async def _unless_there(creation: Awaitable[object]) -> None:
    try:
        await creation
    except CosmosResourceExistsError:
        return  # another source of the job was first
