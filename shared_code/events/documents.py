"""The documents of live events in one version of an index: stretches of an event's text with their vectors.

They lie beside the chunks of files, so that one search finds both. An event has a partition of its own and
ids that follow from its job's, so that whatever is written twice is there once.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from shared_code.embeddings.client import Embedding
from shared_code.embeddings.vectors import Vector
from shared_code.events.source import Event
from shared_code.index.cosmos_container import require_absent
from shared_code.index.cosmos_partition import CosmosPartition
from shared_code.index.cosmos_version import CosmosVersion
from shared_code.index.records import ContainerMissing
from shared_code.jobs import SPENDING, Counts, EmbedEventJob, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document that is in the index, without its text and vector.

    Attributes:
        made: fingerprint of its text and of the way its vector was made.
        submission: that of the job that embedded it.
    """

    ordinal: int
    made: str
    submission: str
    session_id: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A stretch of an event's text, to be written with its vector and what that cost."""

    ordinal: int
    text: str
    made: str
    embedding: Embedding


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTally:
    """What all tries of the step of an event's job have spent.

    Attributes:
        submission: of the job.
        attempt: the try that wrote it; none has the name of another.
        counts: tokens, requests, and of the tokens those that are `estimated`.
    """

    submission: str
    attempt: str = ""
    counts: Counts = field(default_factory=dict)

    def to_json(self) -> Json:
        """JSON values only."""
        return {"run": self.submission, "attempt": self.attempt, **self.counts}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        counts = {name: value[name] for name in SPENDING if name in value}
        attempt = value.get("attempt", "")  # earlier releases wrote none
        return cls(submission=value["run"], attempt=attempt, counts=counts)


@dataclass(frozen=True, slots=True)
class EventTallies:
    """The tallies of an event.

    Attributes:
        open: that of a try which has not written its documents, with its ETag.
        closed: those that were written with documents.
    """

    open: tuple[EventTally, str] | None
    closed: Sequence[EventTally]


class TallyTaken(Exception):
    """The open tally of an event is not as it was read: another try has written it, or its documents."""


_TALLY = "account"


class EventDocuments:
    """The documents of events in one index version, and the tally of each event."""

    def __init__(self, version: CosmosVersion) -> None:
        self._version = version

    async def stored(self, job: EmbedEventJob) -> dict[int, StoredDocument]:
        """The documents of an event by their ordinals."""
        documents = self._documents_of(job)
        # Nearly every event is new, and then this is cheaper than a query.
        if not await documents.has(_id(job, 0)):
            return {}
        names = ("ordinal", "made", "run", "sessionId", "time")
        which = "c.pk = @pk AND IS_DEFINED(c.ordinal)"
        query = f"SELECT {', '.join(f'c.{name}' for name in names)} FROM c WHERE {which}"  # noqa: S608 - own names
        return {
            item["ordinal"]: StoredDocument(
                session_id=item.pop("sessionId"), submission=item.pop("run"), **item
            )
            async for item in documents.query(query)
        }

    async def vectors(self, job: EmbedEventJob) -> dict[str, Vector]:
        """The vectors of an event's documents by what they were made of."""
        query = "SELECT c.made, c.embedding FROM c WHERE c.pk = @pk"
        found = self._documents_of(job).query(query)
        return {item["made"]: Vector.of(item["embedding"]) async for item in found}

    async def put(
        self,
        job: EmbedEventJob,
        event: Event,
        documents: Sequence[NewDocument],
        tally: EventTally,
        etag: str | None,
    ) -> None:
        """Writes documents and what they have cost, or the same ones once more.

        Args:
            job: the event's.
            event: that they are of.
            documents: what to write.
            tally: what they have cost.
            etag: of the open tally, which they take the place of; None without one.

        Raises:
            TallyTaken: the open tally is of another try by now.
        """
        if not documents:
            return
        partition = self._documents_of(job)
        items = [
            (self._document(job, event, document, partition.key), document.embedding.vector)
            for document in documents
        ]
        items[0][0]["account"] = tally.to_json()
        try:
            await partition.upsert(items, instead_of=(_id(job, _TALLY), etag) if etag else None)
        except (
            CosmosBatchOperationError,
            CosmosAccessConditionFailedError,
            CosmosResourceNotFoundError,
        ) as error:
            if isinstance(error, CosmosResourceNotFoundError):
                require_absent(error)
            found = await self.tallies(job)
            if tally.attempt not in {each.attempt for each in found.closed}:
                raise TallyTaken from None
            await partition.upsert(items)  # they were written, and the answer was lost

    async def are_there(self, job: EmbedEventJob) -> bool:
        """Whether this submission of the event has written documents."""
        first = await self._documents_of(job).read(_id(job, 0))
        return first is not None and first["run"] == job.submission

    async def tallies(self, job: EmbedEventJob) -> EventTallies:
        """The tallies of an event."""
        partition = self._documents_of(job)
        item = await partition.read(_id(job, _TALLY))
        which = "c.pk = @pk AND IS_DEFINED(c.account) AND IS_DEFINED(c.ordinal)"
        query = f"SELECT VALUE c.account FROM c WHERE {which}"  # noqa: S608 - own names
        closed = [EventTally.from_json(account) async for account in partition.query(query)]
        opened = (EventTally.from_json(item["account"]), str(item["_etag"])) if item else None
        return EventTallies(opened, closed)

    async def write_tally(self, job: EmbedEventJob, tally: EventTally, etag: str | None) -> str:
        """Writes the open tally of an event, and gives its new ETag.

        Args:
            job: the event's.
            tally: what to write.
            etag: that it must still have; None where none must be open.

        Raises:
            TallyTaken: it has another, or one is open, or none is any more.
            ContainerMissing: the container is still to be created.
        """
        partition = self._documents_of(job)
        try:
            [written] = await partition.save([(self._tally(job, tally, partition.key), etag)])
        except (CosmosResourceExistsError, CosmosAccessConditionFailedError):
            raise TallyTaken from None
        except CosmosResourceNotFoundError as error:
            require_absent(error)
            raise (TallyTaken if etag else ContainerMissing) from None
        return written

    async def drop_tally(self, job: EmbedEventJob, etag: str | None) -> None:
        """Deletes the open tally of an event, if it still has this ETag."""
        with suppress(CosmosAccessConditionFailedError):  # another try goes on with it
            await self._documents_of(job).delete_if_still(_id(job, _TALLY), etag)

    async def create_container(self, dimensions: int) -> None:
        """Creates the container for vectors of this size."""
        await self._version.container.create(dimensions)

    async def amend(self, job: EmbedEventJob, event: Event, ordinals: Iterable[int]) -> None:
        """Tells session and time of an event where its text has not changed."""
        facts = {"sessionId": event.session_id, "time": event.time or _now()}
        await self._documents_of(job).patch({_id(job, ordinal): facts for ordinal in ordinals})

    async def remove(self, job: EmbedEventJob, ordinals: Iterable[int]) -> None:
        """Deletes documents, those that are there."""
        await self._documents_of(job).delete([_id(job, ordinal) for ordinal in ordinals])

    def _tally(self, job: EmbedEventJob, tally: EventTally, partition_key: str) -> dict[str, Any]:
        # Without a text and the name of an index it is found by no search.
        return {"id": _id(job, _TALLY), "pk": partition_key, "account": tally.to_json()}

    def _documents_of(self, job: EmbedEventJob) -> CosmosPartition:
        # An event is a source, too: no file's name begins so, since no container's name has a colon.
        return self._version.chunks_of(f"event:{job.tracking_id}")

    def _document(
        self, job: EmbedEventJob, event: Event, document: NewDocument, partition_key: str
    ) -> dict[str, Any]:
        return {
            "id": _id(job, document.ordinal),
            "pk": partition_key,
            "index": self._version.name,
            "trackingId": event.tracking_id,
            "sessionId": event.session_id,
            "env": job.env,
            "version": job.index_version,
            "time": event.time or _now(),
            "text": document.text,
            "ordinal": document.ordinal,
            "job_id": job.id,
            "run": job.submission,
            "made": document.made,
            "tokens": document.embedding.tokens,
            "requests": document.embedding.requests,
        }


def _id(job: EmbedEventJob, part: int | str) -> str:
    return f"{job.id}-{part}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
