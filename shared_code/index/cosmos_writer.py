"""One version of an environment's index in Cosmos DB: a record for each source, and its chunks with vectors.

Records share a partition, so that a range of names is one query; the chunks of a source have their own. Only
what the local emulator and the service share is used, always with the partition key in the WHERE. The SDK
waits out a 429 by itself: nothing here retries. How chunks are written in batches is cosmos_batches' to know.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, ClassVar

from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient, DatabaseProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from shared_code.embeddings.vectors import Vector
from shared_code.errors import Passing
from shared_code.index.cosmos_batches import CosmosPartition, only_if_still
from shared_code.telemetry import log_event

_PARTITION_KEY = PartitionKey("/pk")
_VECTORS_PER_PAGE = 100
# A page ends at 4 MB, too; by itself the service would end it after 100 items.
_ITEMS_PER_PAGE = 1_000
# What the items of records and chunks have of them, under the same names.
_RECORD = ("source", "etag", "content", "fingerprint", "listed_etag", "job_id", "counts")
_CHUNK = ("id", "source", "text", "job_id", "tokens", "requests")
# Text and numbers of a vector are not searched as values, and indexing them would double the cost of a write.
_UNINDEXED = ({"path": "/embedding/*"}, {"path": "/text/?"}, {"path": '/"_etag"/?'})


class IndexConflict(Passing):
    """Another job wrote the same source meanwhile: the step is run again."""

    service: ClassVar[str] = "index"


@dataclass(frozen=True, kw_only=True)
class SourceRecord:
    """What the index knows of a source.

    Attributes:
        etag: of the file whose chunks, and no others, are in the index; None while they are being changed.
        content: hash of that file's bytes.
        fingerprint: of how its chunks were made.
        listed_etag: of the file as the last job listed it.
        job_id: the last job that wrote the record.
        counts: what that job counted for the source.
        revision: of the record itself; None if it is not in the index yet.
    """

    source: str
    etag: str | None = None
    content: str = ""
    fingerprint: str = ""
    listed_etag: str = ""
    job_id: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    revision: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the index has the chunks of one state of the file, and no others."""
        return self.etag is not None

    def opened(self) -> "SourceRecord":
        """The record while chunks change: nobody takes the source for unchanged or copies from it."""
        return replace(self, etag=None, fingerprint="")


@dataclass(frozen=True, slots=True)
class KnownSource:
    """As much of a record as decides whether its file is unchanged."""

    source: str
    etag: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk stands: its number in the source, and what helps to find its text again."""

    ordinal: int
    position: dict[str, Any]

    def facts(self) -> dict[str, Any]:
        """As a chunk's item has it."""
        return {"ordinal": self.ordinal, "position": self.position}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChunk:
    """A chunk that is in the index, without its text and vector, and what was charged for it."""

    place: Place
    job_id: str
    tokens: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChunk:
    """A chunk to write."""

    id: str
    source: str
    text: str
    place: Place
    vector: Vector
    job_id: str
    tokens: int
    requests: int


class CosmosIndex:
    """One index version; `slots` bounds the operations of all indexes of the process together."""

    def __init__(
        self, client: CosmosClient, *, database: str, container: str, name: str, slots: asyncio.Semaphore
    ) -> None:
        """Opens nothing; `name` tells the versions of all environments apart, such as `prod|v1`."""
        self._client = client
        self._database = database
        self._container_id = container
        self._records = name
        self._slots = slots

    async def known(self, path: str, *, after: str, most: int) -> list[KnownSource]:
        """The next sources behind `after`, in the index's own order: the path itself and all below it."""
        query = (
            "SELECT TOP @most c.source, c.etag, c.fingerprint FROM c "
            "WHERE c.pk = @pk AND (c.source = @path OR STARTSWITH(c.source, @below)) AND c.source > @after "
            "ORDER BY c.source"
        )
        found = self._query(query, self._records, path=path, below=f"{path}/", after=after, most=most)
        return [KnownSource(item["source"], item["etag"], item["fingerprint"]) async for item in found]

    async def records(self, sources: Iterable[str]) -> dict[str, SourceRecord]:
        """What the index knows of these sources; nothing of one that it has not."""
        query = "SELECT * FROM c WHERE c.pk = @pk AND ARRAY_CONTAINS(@ids, c.id)"
        found = self._query(query, self._records, ids=[_key(source) for source in sources])
        return {
            item["source"]: SourceRecord(**{name: item[name] for name in _RECORD}, revision=item["_etag"])
            async for item in found
        }

    async def holders(self, contents: Iterable[str], fingerprint: str) -> dict[str, str]:
        """A source for each of these contents that has one whose chunks were made in the same way."""
        query = (
            "SELECT c.source, c.content FROM c "
            "WHERE c.pk = @pk AND c.fingerprint = @fingerprint AND ARRAY_CONTAINS(@contents, c.content)"
        )
        found = self._query(query, self._records, fingerprint=fingerprint, contents=list(contents))
        return {item["content"]: item["source"] async for item in found}

    async def chunks(self, source: str) -> dict[str, StoredChunk]:
        """The chunks of a source by their ids."""
        query = "SELECT c.id, c.ordinal, c.position, c.job_id, c.tokens, c.requests FROM c WHERE c.pk = @pk"
        return {
            item["id"]: StoredChunk(
                place=Place(item["ordinal"], item["position"]),
                job_id=item["job_id"],
                tokens=item["tokens"],
                requests=item.get("requests", 0),  # the first chunks have none
            )
            async for item in self._query(query, self._partition_of(source))
        }

    async def vectors(self, source: str) -> AsyncIterator[list[tuple[str, Vector]]]:
        """Texts and vectors of a source's chunks, a page of them at a time."""
        query = "SELECT c.text, c.embedding FROM c WHERE c.pk = @pk"
        page: list[tuple[str, Vector]] = []
        async for item in self._query(query, self._partition_of(source)):
            page.append((item["text"], Vector.of(item["embedding"])))
            if len(page) == _VECTORS_PER_PAGE:
                yield page
                page = []
        if page:
            yield page

    async def save(
        self, records: Sequence[SourceRecord], *, dimensions: int | None = None
    ) -> list[SourceRecord]:
        """Writes records and gives them their new revisions.

        With the `dimensions` of its vectors, the container is created if need be.

        Raises:
            IndexConflict: a record is not as it was read; others may have been written.
        """
        try:
            return await self._save(records)
        except CosmosResourceNotFoundError:
            # A record that was there and is not is a conflict; else it is the container that is missing.
            if not dimensions or any(record.revision for record in records):
                raise IndexConflict from None
        await self._create_container(dimensions)
        return await self._save(records)

    async def write(self, chunks: Sequence[NewChunk]) -> None:
        """Writes chunks of one source, or the same chunks once more."""
        if chunks:
            items = ((self._item(chunk), chunk.vector) for chunk in chunks)
            await self._chunks_of(chunks[0].source).upsert(items)

    async def move(self, source: str, places: Mapping[str, Place]) -> None:
        """Tells where chunks stand now."""
        await self._chunks_of(source).patch({key: place.facts() for key, place in places.items()})

    async def delete(self, source: str, chunk_ids: Iterable[str]) -> None:
        """Deletes chunks, those that are there."""
        await self._chunks_of(source).delete(chunk_ids)

    async def forget(self, record: SourceRecord) -> None:
        """Deletes the record of a source, if it is there.

        Raises:
            IndexConflict: the record is not as it was read.
        """
        try:
            async with self._slots:
                await self._container.delete_item(
                    _key(record.source), self._records, **only_if_still(record.revision)
                )
        except CosmosResourceNotFoundError:
            return  # deleted twice
        except CosmosAccessConditionFailedError:
            raise IndexConflict from None

    async def _save(self, records: Sequence[SourceRecord]) -> list[SourceRecord]:
        partition = CosmosPartition(self._container, self._records, self._slots)
        items = ((self._record_item(record), record.revision) for record in records)
        try:
            revisions = await partition.save(items)
        except (CosmosResourceExistsError, CosmosAccessConditionFailedError):
            raise IndexConflict from None
        return [
            replace(record, revision=revision) for record, revision in zip(records, revisions, strict=True)
        ]

    def _record_item(self, record: SourceRecord) -> dict[str, Any]:
        facts = {name: getattr(record, name) for name in _RECORD}
        return {**facts, "id": _key(record.source), "pk": self._records}

    async def _query(self, query: str, partition: str, **values: Any) -> AsyncIterator[Any]:
        """The answers of a query within a partition; none if the container is still to be created."""
        parameters = [
            {"name": f"@{name}", "value": value} for name, value in {"pk": partition, **values}.items()
        ]
        pages = self._container.query_items(
            query, parameters=parameters, partition_key=partition, max_item_count=_ITEMS_PER_PAGE
        ).by_page()
        while True:
            try:
                async with self._slots:
                    page = [item async for item in await anext(pages)]
            except (StopAsyncIteration, CosmosResourceNotFoundError):
                return
            for item in page:
                yield item

    @property
    def _container(self) -> ContainerProxy:
        return self._client.get_database_client(self._database).get_container_client(self._container_id)

    def _partition_of(self, source: str) -> str:
        return f"{self._records}|{_key(source)}"

    def _chunks_of(self, source: str) -> CosmosPartition:
        return CosmosPartition(self._container, self._partition_of(source), self._slots)

    def _item(self, chunk: NewChunk) -> dict[str, Any]:
        facts = {name: getattr(chunk, name) for name in _CHUNK}
        return facts | chunk.place.facts() | {"pk": self._partition_of(chunk.source), "index": self._records}

    async def _create_container(self, dimensions: int) -> None:
        """Creates the container with a vector index, or without where the account has none."""
        await _unless_there(self._client.create_database_if_not_exists(self._database))
        database = self._client.get_database_client(self._database)
        await _unless_there(_create_with_vectors(database, self._container_id, dimensions))


async def _unless_there(creation: Awaitable[object]) -> None:
    try:
        await creation
    except CosmosResourceExistsError:
        return  # another source of the job was first


async def _create_with_vectors(database: DatabaseProxy, container: str, dimensions: int) -> None:
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


def _key(source: str) -> str:
    """An id for a source: ids may not have every character that names have."""
    return blake2b(source.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
