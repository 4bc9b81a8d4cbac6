"""One page of files into the index: bytes -> text -> chunks -> vectors -> Cosmos DB.

For each source new chunks are written first, then stale ones are deleted, then its record is completed: what
was indexed never lacks vectors, and a run that breaks off is mended by the next one. What is wrong with one
file is an entry of the ledger; what is raised stops the page.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

from shared_code.chunking import Chunk
from shared_code.chunking import chunk as cut
from shared_code.concurrency import run_all
from shared_code.cosmos_writer import CosmosIndex, NewChunk, Place, SourceRecord, StoredChunk
from shared_code.documents import DocumentError, EmptyDocument, Limits, extract_apart
from shared_code.embeddings import (
    MAX_INPUTS,
    Embedding,
    EmbeddingFailure,
    EmbeddingsClient,
    EmbeddingsUnusable,
)
from shared_code.errors import AppError
from shared_code.fingerprints import chunk_id, content_hash, source_fingerprint
from shared_code.jobs import EmbedFilesJob
from shared_code.packing import packed
from shared_code.source_files import FileContent, FileTooLarge, SourceFile, SourceFiles, UnreadableFile
from shared_code.token_estimate import is_supported

# Each operation waits for a slot of its service; these only bound what waits.
_FILES_AT_ONCE = 50
_BATCHES_AT_ONCE = 4
_SOURCES_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class _Planned:
    """A chunk as its file has it now."""

    id: str
    text: str
    tokens: int
    place: Place


@dataclass(kw_only=True)
class _Work:
    """A source on its way into the index; `missing` are the planned chunks that the index still lacks."""

    record: SourceRecord
    content: str
    etag: str
    listed_etag: str
    planned: Mapping[str, _Planned]
    stored: Mapping[str, StoredChunk]
    missing: dict[str, _Planned]
    spent: Counter[str]
    failure: EmbeddingFailure | None = None
    is_open: bool = False
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def source(self) -> str:
        return self.record.source


_Unit = tuple[str, list[tuple[_Work, _Planned]]]
"""A text to embed, and all the chunks that have it."""

_Made = tuple[_Planned, Embedding]
"""A chunk with its vector, and what was charged for it."""


@dataclass(kw_only=True)
class PageResult:
    """What became of the files of a page; an error stopped it, and stops the job, after what is counted."""

    counts: Counter[str] = field(default_factory=Counter)
    ledger: list[dict[str, str]] = field(default_factory=list)
    error: EmbeddingsUnusable | None = None

    def fail(self, source: str, error: AppError) -> None:
        """Adds an entry to the ledger."""
        self.counts["failed"] += 1
        self.ledger.append({"source": source, "code": error.code, "message": str(error)})


class Ingestion:
    """The ingestion of one page; `slots` bounds the files that are opened at once, for all pages together."""

    def __init__(
        self,
        job_id: str,
        job: EmbedFilesJob,
        *,
        files: SourceFiles,
        index: CosmosIndex,
        embeddings: EmbeddingsClient,
        limits: Limits,
        tokens_per_request: int,
        slots: asyncio.Semaphore,
    ) -> None:
        self._job_id = job_id
        self._job = job
        self._files = files
        self._index = index
        self._embeddings = embeddings
        self._limits = limits
        self._tokens_per_request = tokens_per_request
        self._slots = slots
        self._fingerprint = source_fingerprint(job.plan)
        self._result = PageResult()

    async def embed(self, page: Sequence[SourceFile]) -> PageResult:
        """Brings the files of the page into the index.

        Raises:
            IndexConflict: another job wrote one of the sources meanwhile.
        """
        opened = await run_all((self._open(file) for file in page), at_once=_FILES_AT_ONCE)
        works = [work for work in opened if work]
        await self._copy_known(works)
        try:
            await self._embed_missing(works)
        except EmbeddingsUnusable as error:
            self._result.error = error
            for work in works:
                self._result.counts.update(work.spent)
            return self._result
        await run_all((self._close(work) for work in works), at_once=_FILES_AT_ONCE)
        self._result.ledger.sort(key=itemgetter("source"))
        return self._result

    async def _open(self, file: SourceFile) -> _Work | None:
        """The work that a file needs, if any."""
        source = f"{self._job.container}/{file.name}"
        try:
            async with self._slots:
                return await self._work_of(source, file)
        except (DocumentError, UnreadableFile) as error:
            self._result.fail(source, error)
            return None

    async def _work_of(self, source: str, file: SourceFile) -> _Work | None:
        record = await self._index.record(source) or SourceRecord(source=source)
        if record.is_complete and (record.job_id, record.listed_etag) == (self._job_id, file.etag):
            self._result.counts.update(record.counts)
            return None
        read = await self._read(file)
        content = content_hash(read.data)
        if record.is_complete and (record.content, record.fingerprint) == (content, self._fingerprint):
            await self._complete(record, etag=read.etag, listed_etag=file.etag, counts={"skipped": 1})
            return None
        planned = self._plan(source, await self._chunks(file.name, read.data))
        # Whatever has chunks has a record, which spares a new source the query.
        stored = await self._index.chunks(source) if record.revision else {}
        return _Work(
            record=record,
            content=content,
            etag=read.etag,
            listed_etag=file.etag,
            planned=planned,
            stored=stored,
            missing={key: chunk for key, chunk in planned.items() if key not in stored},
            spent=self._spent_before(stored[key] for key in planned if key in stored),
        )

    async def _read(self, file: SourceFile) -> FileContent:
        if not is_supported(file.name):
            return FileContent(b"", file.etag)  # the extractor refuses it by its name
        if file.size > self._limits.file_bytes:
            raise FileTooLarge.past(self._limits.file_bytes)
        return await self._files.read(file.name, limit=self._limits.file_bytes)

    async def _chunks(self, name: str, data: bytes) -> list[Chunk]:
        document = await extract_apart(name, data, self._limits)
        plan = self._job.plan
        chunks = await asyncio.to_thread(
            cut, document, max_tokens=plan.chunk_tokens, overlap_tokens=plan.overlap_tokens
        )
        if not chunks:
            raise EmptyDocument
        return chunks

    def _plan(self, source: str, chunks: Iterable[Chunk]) -> dict[str, _Planned]:
        occurrences = Counter[str]()
        planned = {}
        for ordinal, each in enumerate(chunks):
            key = chunk_id(self._job, source, each.text, occurrences[each.text])
            occurrences[each.text] += 1
            planned[key] = _Planned(key, each.text, each.tokens, Place(ordinal, each.position.facts()))
        return planned

    def _spent_before(self, stored: Iterable[StoredChunk]) -> Counter[str]:
        """What an earlier run of the page has spent on chunks, so that the page counts the same again."""
        own = [chunk for chunk in stored if chunk.job_id == self._job_id]
        return Counter(
            chunks=len(own),
            tokens=sum(chunk.tokens for chunk in own),
            requests=sum(chunk.requests for chunk in own),
        )

    async def _copy_known(self, works: Sequence[_Work]) -> None:
        """Takes the vectors of renamed and copied files from the source that has the same content."""
        lacking = [work for work in works if work.missing]
        if not lacking:
            return
        holders = await self._index.holders({work.content for work in lacking}, self._fingerprint)
        copies = (self._copy(work, holders[work.content]) for work in lacking if work.content in holders)
        await run_all(copies, at_once=_BATCHES_AT_ONCE)

    async def _copy(self, work: _Work, holder: str) -> None:
        async for page in self._index.vectors(holder):
            vectors = dict(page)
            known = [chunk for chunk in work.missing.values() if chunk.text in vectors]
            await self._write(work, [(chunk, Embedding(vectors[chunk.text], 0)) for chunk in known])

    async def _embed_missing(self, works: Iterable[_Work]) -> None:
        """Embeds across files, each text once, in batches as full as a request may be."""
        targets: dict[str, list[tuple[_Work, _Planned]]] = {}
        for work in works:
            for planned in work.missing.values():
                targets.setdefault(planned.text, []).append((work, planned))
        batches = packed(
            targets.items(), _tokens_of, most_weight=self._tokens_per_request, most_items=MAX_INPUTS
        )
        await run_all((self._embed_batch(batch) for batch in batches), at_once=_BATCHES_AT_ONCE)

    async def _embed_batch(self, batch: Sequence[_Unit]) -> None:
        plan = self._job.plan
        outcomes = await self._embeddings.embed(
            [text for text, _ in batch], model=plan.model, dimensions=plan.dimensions
        )
        made = self._made(batch, outcomes)
        await run_all((self._write(work, chunks) for work, chunks in made), at_once=_SOURCES_AT_ONCE)

    def _made(
        self, batch: Iterable[_Unit], outcomes: Iterable[Embedding | EmbeddingFailure]
    ) -> Iterable[tuple[_Work, list[_Made]]]:
        """The chunks of each source that have a vector now."""
        made: dict[str, tuple[_Work, list[_Made]]] = {}
        for (_, targets), outcome in zip(batch, outcomes, strict=True):
            for number, (work, planned) in enumerate(targets):
                if isinstance(outcome, EmbeddingFailure):
                    work.failure = outcome
                else:
                    # Only the first chunk was charged for; the others have the same text.
                    embedding = Embedding(outcome.vector, 0) if number else outcome
                    made.setdefault(work.source, (work, []))[1].append((planned, embedding))
        return made.values()

    async def _write(self, work: _Work, made: Sequence[_Made]) -> None:
        if not made:
            return
        await self._open_record(work, dimensions=len(made[0][1].vector))
        await self._index.write([self._new_chunk(work, *each) for each in made])
        for planned, embedding in made:
            del work.missing[planned.id]
            work.spent.update(chunks=1, tokens=embedding.tokens, requests=embedding.requests)

    def _new_chunk(self, work: _Work, planned: _Planned, embedding: Embedding) -> NewChunk:
        return NewChunk(
            id=planned.id, source=work.source, text=planned.text, place=planned.place,
            vector=embedding.vector, job_id=self._job_id, tokens=embedding.tokens,
            requests=embedding.requests,
        )  # fmt: skip

    async def _open_record(self, work: _Work, *, dimensions: int | None = None) -> None:
        """Marks the source as incomplete before its first chunk changes.

        A record that is open already is saved too: whoever opened it has to begin anew, and finds what is
        written here.
        """
        async with work.opening:
            if not work.is_open:
                work.record = await self._index.save(work.record.opened(), dimensions=dimensions)
                work.is_open = True

    async def _close(self, work: _Work) -> None:
        """Brings the source's other chunks in line and completes its record, unless a chunk has failed."""
        if work.failure:
            self._result.fail(work.source, work.failure)
            self._result.counts.update(work.spent)
            return
        await self._move_and_delete(work)
        await self._complete(
            work.record, etag=work.etag, listed_etag=work.listed_etag, content=work.content,
            counts={"completed": 1, **work.spent},
        )  # fmt: skip

    async def _move_and_delete(self, work: _Work) -> None:
        moved = {
            key: chunk.place
            for key, chunk in work.planned.items()
            if key in work.stored and work.stored[key].place != chunk.place
        }
        stale = [key for key in work.stored if key not in work.planned]
        if moved or stale:
            await self._open_record(work)
            await self._index.move(work.source, moved)
            await self._index.delete(work.source, stale)

    async def _complete(self, record: SourceRecord, *, counts: dict[str, int], **facts: str) -> None:
        completed = replace(
            record, **facts, fingerprint=self._fingerprint, job_id=self._job_id, counts=counts
        )
        await self._index.save(completed)
        self._result.counts.update(counts)


def _tokens_of(unit: _Unit) -> int:
    _, targets = unit
    return targets[0][1].tokens
