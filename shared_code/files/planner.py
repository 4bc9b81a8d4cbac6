"""What a file needs so that the index has its chunks: bytes -> text -> chunks, against the stored ones.

Reads files and the index, and writes nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared_code.documents import DocumentLimits, EmptyDocument
from shared_code.documents.chunking import Chunk, count_tokens
from shared_code.documents.context import before_text, context_of, joined
from shared_code.documents.sandbox import ReadFile, read_file
from shared_code.documents.token_estimate import is_supported
from shared_code.embeddings.batching import CountedText
from shared_code.errors import AppError
from shared_code.index.cosmos_writer import CosmosIndex
from shared_code.index.fingerprints import chunk_id, content_hash, source_fingerprint
from shared_code.index.records import Place, SourceRecord
from shared_code.jobs import EmbedFilesJob
from shared_code.storage.source_files import FileContent, FileTooLarge, SourceFile, SourceFiles


@dataclass(frozen=True, slots=True)
class PlannedChunk:
    """A chunk as its file has it now.

    Attributes:
        id: in the index.
        context: what its text stands under.
        text: what is stored and shown.
        embedded: what its vector is made of: the text, after as much of the context as has room.
        place: where it stands.
    """

    id: str
    context: str
    text: str
    embedded: CountedText
    place: Place

    @property
    def content(self) -> tuple[str, str]:
        """What chunks with the same vector have in common."""
        return self.context, self.text


@dataclass(kw_only=True)
class SourceWork:
    """A source on its way into the index.

    Attributes:
        record: as it was read, and from its opening on as it is in the index.
        done: what completes the record.
        missing: the chunks that the index still lacks.
        moved: where stored chunks stand now.
        stale: the ids of stored chunks that the file no longer has.
        own: how many of its chunks this job has embedded, in this try of the page and before.
        failure: why the source is not complete in the end.
    """

    record: SourceRecord
    done: SourceRecord
    missing: dict[str, PlannedChunk] = field(default_factory=dict)
    moved: Mapping[str, Place] = field(default_factory=dict)
    stale: Sequence[str] = ()
    own: int = 0
    failure: AppError | None = None

    @property
    def source(self) -> str:
        """The source's name in the index."""
        return self.record.source

    @property
    def changes(self) -> bool:
        """Whether chunks are to be written, moved or deleted."""
        return bool(self.missing or self.moved or self.stale)

    def completed(self) -> SourceRecord:
        """The record of the source when its chunks are in the index."""
        counts = {**self.done.counts, **self.counts}
        return replace(self.done.released(), revision=self.record.revision, counts=counts)

    @property
    def counts(self) -> dict[str, int]:
        """What the job counts of it, whatever becomes of it."""
        return {"chunks": self.own} if self.own else {}


class Planner:
    """Finds out what files need; `slots` bounds those that are in memory at once, for all pages together."""

    def __init__(
        self,
        job_id: str,
        job: EmbedFilesJob,
        *,
        files: SourceFiles,
        index: CosmosIndex,
        limits: DocumentLimits,
        slots: asyncio.Semaphore,
    ) -> None:
        self._job = job
        self._writer = job.writer(job_id)
        self._files = files
        self._index = index
        self._limits = limits
        self._slots = slots
        self._fingerprint = source_fingerprint(job.plan)

    async def work(self, record: SourceRecord, file: SourceFile) -> SourceWork:
        """The work that a file needs, given what the index knows of it.

        Raises:
            DocumentError: the file has no text that can be read.
            UnreadableFile: storage does not give it.
        """
        async with self._slots:
            read = await self._read(file)
            done = replace(
                record, etag=read.etag, content=content_hash(read.data), fingerprint=self._fingerprint,
                listed_etag=file.etag, job_id=self._writer, counts={"completed": 1}, notes=(),
                model=self._job.plan.model,
            )  # fmt: skip
            same = (record.content, record.fingerprint) == (done.content, done.fingerprint)
            if record.is_complete and same:
                return SourceWork(record=record, done=replace(done, counts={"skipped": 1}))
            extracted, failure = await self._extract(file.name, read.data)
            if extracted.notes:
                notes = [(note.code, note.message) for note in extracted.notes]
                done = replace(done, notes=notes, counts={**done.counts, "notes": len(notes)})
            return await self._difference(record, done, extracted.chunks, failure)

    async def _read(self, file: SourceFile) -> FileContent:
        if not is_supported(file.name):
            return FileContent(b"", file.etag)  # the extractor refuses it by its name
        if file.size > self._limits.file_bytes:
            raise FileTooLarge.past(self._limits.file_bytes)
        return await self._files.read(file.name, limit=self._limits.file_bytes)

    async def _extract(self, name: str, data: bytes) -> tuple[ReadFile, EmptyDocument | None]:
        """The chunks; an empty file has none, so that what it held before is found no longer."""
        plan = self._job.plan
        sizes = {"max_tokens": plan.chunk_tokens, "overlap_tokens": plan.overlap_tokens}
        try:
            return await read_file(name, data, self._limits, **sizes), None
        except EmptyDocument as error:
            return ReadFile([], ()), error

    async def _difference(
        self, record: SourceRecord, done: SourceRecord, chunks: Iterable[Chunk], failure: AppError | None
    ) -> SourceWork:
        planned = self._planned(record.source, chunks)
        # Whatever has chunks has a record, which spares a new source the query.
        stored = await self._index.chunks(record.source) if record.revision else {}
        kept = {key: stored[key] for key in planned if key in stored}
        return SourceWork(
            record=record,
            done=done,
            missing={key: chunk for key, chunk in planned.items() if key not in stored},
            moved={key: planned[key].place for key in kept if kept[key].place != planned[key].place},
            stale=[key for key in stored if key not in planned],
            own=sum(chunk.job_id == self._writer for chunk in kept.values()),
            failure=failure,
        )

    def _planned(self, source: str, chunks: Iterable[Chunk]) -> dict[str, PlannedChunk]:
        occurrences = Counter[tuple[str, str]]()
        planned = {}
        for ordinal, each in enumerate(chunks):
            parts = context_of(each)
            content = joined(parts), each.text
            key = chunk_id(self._job, source, *content, occurrences[content])
            occurrences[content] += 1
            embedded = _embedded(each, before_text(each, parts))
            planned[key] = PlannedChunk(key, *content, embedded, Place(ordinal, each.position.facts()))
        return planned


def _embedded(chunk: Chunk, before: str) -> CountedText:
    return CountedText(f"{before}{chunk.text}", chunk.tokens + (count_tokens(before) if before else 0))
