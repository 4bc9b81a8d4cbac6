"""What the index keeps: records of sources, and their chunks; no store is known here."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from shared_code.embeddings.vectors import Vector
from shared_code.errors import Passing


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
        notes: code and sentence of what was not read of the file.
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
