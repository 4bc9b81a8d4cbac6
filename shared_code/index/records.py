"""What the index keeps: records of sources, and their chunks; no store is known here.

ADR 36 has the reasons.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from shared_code.embeddings.vectors import Vector
from shared_code.errors import Passing, Strange

# No step runs longer (functionTimeout in host.json): one that opened sources before that is over.
OPEN_SECONDS = 600


class IndexConflict(Passing):
    """Another job wrote the same source meanwhile: the step is run again."""

    service: ClassVar[str] = "index"
    is_brief: ClassVar[bool] = True


class SourceBusy(Passing):
    """Another job is embedding or deleting one of the same files: this job waits until that has ended."""

    service: ClassVar[str] = "index"
    is_brief: ClassVar[bool] = True


class ContainerMissing(Strange):
    """The index has no container, and no vector tells what to create it for: check COSMOS_CONTAINER."""

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
        notes: code and sentence of what was not read of the file.
        opened_by: the job that is changing the chunks, or was when it broke off; empty if none is.
        opened_until: when it can no longer be doing so, in seconds of Unix time.
        model: that made the vectors; empty in records of earlier releases.
        revision: of the record itself; None if it is not in the index yet.
    """

    source: str
    etag: str | None = None
    content: str = ""
    fingerprint: str = ""
    listed_etag: str = ""
    job_id: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    notes: Sequence[Sequence[str]] = ()
    opened_by: str = ""
    opened_until: int = 0
    model: str = ""
    revision: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the index has the chunks of one state of the file, and no others."""
        return self.etag is not None

    def opened(self, job_id: str = "", until: int = 0) -> "SourceRecord":
        """The record while a job changes chunks: nobody takes the source for unchanged or copies from it."""
        return replace(self, etag=None, fingerprint="", opened_by=job_id, opened_until=until)

    def released(self) -> "SourceRecord":
        """The record when nobody changes chunks any more."""
        return replace(self, opened_by="", opened_until=0)

    def is_open_for_another(self, job_id: str, now: float) -> bool:
        """Whether another job may be changing the chunks."""
        return self.opened_by not in {"", job_id} and self.opened_until > now


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
    """A chunk that is in the index, without its text and vector, and the job that wrote it."""

    place: Place
    job_id: str


@dataclass(frozen=True, slots=True)
class StoredVector:
    """A chunk that is in the index, as somebody needs it who has the same text."""

    id: str
    context: str
    text: str
    vector: Vector

    @property
    def content(self) -> tuple[str, str]:
        """What chunks with the same vector have in common."""
        return self.context, self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChunk:
    """A chunk to write, with what was charged for it: for whoever asks; usage is counted elsewhere.

    `context` is what its text stands under; it is searched with the text, and shown beside it.
    """

    id: str
    source: str
    context: str = ""
    text: str
    place: Place
    vector: Vector
    job_id: str
    tokens: int
    requests: int


async def require_free(
    records: Iterable[SourceRecord], job_id: str, now: float, *, is_live: Callable[[str], Awaitable[bool]]
) -> None:
    """Checks that no other job has a source open; one that has ended left it so when it broke off.

    Raises:
        SourceBusy: one has.
    """
    others = {each.opened_by for each in records if each.is_open_for_another(job_id, now)}
    for other in others:
        if await is_live(other):
            raise SourceBusy
