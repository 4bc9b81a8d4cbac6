"""One version of an environment's index in Cosmos DB: a record for each source, and its chunks with vectors.

Only what the local stand-in and the service share is used, always with the partition key in the WHERE.
Nothing here retries: the transport waits out a 429 for moments, and the job whatever is longer. Where items
lie is up to cosmos_version, and how they are written in batches to cosmos_partition.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from shared_code.embeddings.vectors import Vector
from shared_code.index.cosmos_container import require_absent
from shared_code.index.cosmos_version import CosmosVersion, source_key
from shared_code.index.records import (
    ContainerMissing,
    IndexConflict,
    KnownSource,
    NewChunk,
    Place,
    SourceRecord,
    StoredChunk,
    StoredVector,
)

_VECTORS_PER_PAGE = 100
# What the items of records and chunks have of them, under the same names.
_RECORD = ("source", "etag", "content", "fingerprint", "listed_etag", "job_id", "counts")
# What records have had from some release on.
_LATER = ("notes", "opened_by", "opened_until", "model")
_CHUNK = ("id", "source", "context", "text", "job_id", "tokens", "requests")


class CosmosIndex:
    """The records and chunks of one index version."""

    def __init__(self, version: CosmosVersion) -> None:
        self._version = version

    async def known(self, path: str, *, after: str, most: int) -> list[KnownSource]:
        """The next sources after `after`, in the index's own order: the path itself and all below it."""
        query = (
            "SELECT TOP @most c.source, c.etag, c.fingerprint FROM c "
            "WHERE c.pk = @pk AND (c.source = @path OR STARTSWITH(c.source, @below)) AND c.source > @after "
            "ORDER BY c.source"
        )
        found = self._version.records.query(query, path=path, below=f"{path}/", after=after, most=most)
        return [KnownSource(item["source"], item["etag"], item["fingerprint"]) async for item in found]

    async def records(self, sources: Iterable[str]) -> dict[str, SourceRecord]:
        """What the index knows of these sources; nothing of one that it has not."""
        query = "SELECT * FROM c WHERE c.pk = @pk AND ARRAY_CONTAINS(@ids, c.id)"
        found = self._version.records.query(query, ids=[source_key(source) for source in sources])
        return {
            item["source"]: SourceRecord(
                **{name: item[name] for name in _RECORD},
                **{name: item[name] for name in _LATER if item.get(name)},
                revision=item["_etag"],
            )
            async for item in found
        }

    async def is_being_embedded(self, now: float) -> bool:
        """Whether a job may be changing the chunks of any source at this time, in seconds of Unix time."""
        query = "SELECT TOP 1 c.source FROM c WHERE c.pk = @pk AND c.opened_until > @now"
        async for _ in self._version.records.query(query, now=int(now)):
            return True
        return False

    async def holders(self, contents: Iterable[str], fingerprint: str) -> dict[str, str]:
        """A source for each of these contents that has one whose chunks were made in the same way."""
        query = (
            "SELECT c.source, c.content FROM c "
            "WHERE c.pk = @pk AND c.fingerprint = @fingerprint AND ARRAY_CONTAINS(@contents, c.content)"
        )
        found = self._version.records.query(query, fingerprint=fingerprint, contents=list(contents))
        return {item["content"]: item["source"] async for item in found}

    async def chunks(self, source: str) -> dict[str, StoredChunk]:
        """The chunks of a source by their ids."""
        query = "SELECT c.id, c.ordinal, c.position, c.job_id FROM c WHERE c.pk = @pk"
        return {
            item["id"]: StoredChunk(place=Place(item["ordinal"], item["position"]), job_id=item["job_id"])
            async for item in self._version.chunks_of(source).query(query)
        }

    async def vectors(self, source: str) -> AsyncIterator[list[StoredVector]]:
        """The vectors of a source's chunks, a page of them at a time."""
        query = "SELECT c.id, c.context, c.text, c.embedding FROM c WHERE c.pk = @pk"
        page: list[StoredVector] = []
        async for item in self._version.chunks_of(source).query(query):
            content = item.get("context", ""), item["text"]
            page.append(StoredVector(item["id"], *content, Vector.of(item["embedding"])))
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
            ContainerMissing: there is no container, and no `dimensions` to create it with.
        """
        try:
            return await self._save(records)
        except CosmosResourceNotFoundError as error:
            require_absent(error)
            # A record that was there and is not is a conflict; else it is the container that is missing.
            if any(record.revision for record in records):
                raise IndexConflict from None
        if not dimensions:
            raise ContainerMissing
        await self._version.container.create(dimensions)
        return await self._save(records)

    async def write(self, chunks: Sequence[NewChunk]) -> None:
        """Writes chunks of one source, or the same chunks once more."""
        if chunks:
            partition = self._version.chunks_of(chunks[0].source)
            await partition.upsert((self._item(chunk, partition.key), chunk.vector) for chunk in chunks)

    async def move(self, source: str, places: Mapping[str, Place]) -> None:
        """Tells where chunks stand now."""
        await self._version.chunks_of(source).patch({key: place.facts() for key, place in places.items()})

    async def delete(self, source: str, chunk_ids: Iterable[str]) -> None:
        """Deletes chunks, those that are there."""
        await self._version.chunks_of(source).delete(chunk_ids)

    async def forget(self, record: SourceRecord) -> None:
        """Deletes the record of a source, if it is there.

        Raises:
            IndexConflict: the record is not as it was read.
        """
        try:
            await self._version.records.delete_if_still(source_key(record.source), record.revision)
        except CosmosAccessConditionFailedError:
            raise IndexConflict from None

    async def _save(self, records: Sequence[SourceRecord]) -> list[SourceRecord]:
        items = ((self._record_item(record), record.revision) for record in records)
        try:
            revisions = await self._version.records.save(items)
        except (CosmosResourceExistsError, CosmosAccessConditionFailedError):
            raise IndexConflict from None
        return [
            replace(record, revision=revision) for record, revision in zip(records, revisions, strict=True)
        ]

    def _record_item(self, record: SourceRecord) -> dict[str, Any]:
        facts = {name: getattr(record, name) for name in (*_RECORD, *_LATER)}
        return {**facts, "id": source_key(record.source), "pk": self._version.name}

    def _item(self, chunk: NewChunk, partition_key: str) -> dict[str, Any]:
        facts = {name: getattr(chunk, name) for name in _CHUNK}
        return facts | chunk.place.facts() | {"pk": partition_key, "index": self._version.name}
