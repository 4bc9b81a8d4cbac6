"""One page of files into the index: bytes -> text -> chunks -> vectors -> Cosmos DB.

The records of its sources are opened before a chunk of any of them changes; new chunks are written before
stale ones are deleted, and then the records are completed. What was indexed never lacks vectors, and a run
that breaks off is mended by the next one. What is wrong with one file is an entry of the ledger; what is
raised stops the page.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain, groupby
from operator import itemgetter

from shared_code.batched_embeddings import BatchedEmbeddings, CountedText, Outcome
from shared_code.chunking import Chunk
from shared_code.concurrency import run_all
from shared_code.cosmos_writer import CosmosIndex, NewChunk, Place, SourceRecord, StoredChunk
from shared_code.documents import DocumentError, EmptyDocument, Limits
from shared_code.embeddings import Embedding, EmbeddingFailure, EmbeddingsUnusable
from shared_code.errors import AppError
from shared_code.fingerprints import chunk_id, content_hash, source_fingerprint
from shared_code.jobs import EmbedFilesJob
from shared_code.packing import packed
from shared_code.readers import read_chunks
from shared_code.source_files import FileContent, FileTooLarge, SourceFile, SourceFiles, UnreadableFile
from shared_code.token_estimate import is_supported

# Each operation waits for a slot of its service; these only bound what waits.
_FILES_AT_ONCE = 50
_SOURCES_AT_ONCE = 16
# Texts that are embedded and written together: as many as Cosmos DB takes in a batch, and few enough that the
# vectors of all that are under way fit into memory.
_TEXTS_PER_PORTION = 100
_TOKENS_PER_PORTION = 50_000
_PORTIONS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class _Planned:
    """A chunk as its file has it now."""

    id: str
    text: CountedText
    place: Place


@dataclass(kw_only=True)
class _Work:
    """A source on its way into the index.

    Attributes:
        record: as it was read, and from its opening on as it is in the index.
        done: what completes the record.
        missing: the chunks that the index still lacks.
        moved: where stored chunks stand now.
        stale: the ids of stored chunks that the file no longer has.
        spent: what has been paid for the source's chunks.
        failure: why the source is not complete in the end.
    """

    record: SourceRecord
    done: SourceRecord
    missing: dict[str, _Planned]
    moved: Mapping[str, Place]
    stale: Sequence[str]
    spent: Counter[str]
    failure: AppError | None

    @property
    def source(self) -> str:
        return self.record.source

    @property
    def changes(self) -> bool:
        """Whether chunks are to be written, moved or deleted."""
        return bool(self.missing or self.moved or self.stale)


_Unit = tuple[CountedText, list[tuple[_Work, _Planned]]]
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
        embeddings: BatchedEmbeddings,
        limits: Limits,
        slots: asyncio.Semaphore,
    ) -> None:
        self._job_id = job_id
        self._job = job
        self._files = files
        self._index = index
        self._embeddings = embeddings
        self._limits = limits
        self._slots = slots
        self._fingerprint = source_fingerprint(job.plan)
        self._works: list[_Work] = []
        self._skipped: list[SourceRecord] = []
        self._are_open = False
        self._opening = asyncio.Lock()
        self._result = PageResult()

    async def embed(self, page: Sequence[SourceFile]) -> PageResult:
        """Brings the files of the page into the index.

        Raises:
            IndexConflict: another job wrote one of the sources meanwhile.
        """
        with ExitStack() as self._announcement:
            self._announcement.enter_context(self._embeddings.announced())
            return await self._embed(page)

    async def _embed(self, page: Sequence[SourceFile]) -> PageResult:
        records = await self._index.records(map(self._source_of, page))
        opened = await run_all((self._open(file, records) for file in page), at_once=_FILES_AT_ONCE)
        self._works = [work for work in opened if work]
        await self._complete(self._skipped)
        await self._copy_known()
        await run_all(map(self._embed_portion, self._portions()), at_once=_PORTIONS_AT_ONCE)
        if self._result.error:
            for work in self._works:
                self._result.counts.update(work.spent)
            return self._result
        await self._close()
        self._result.ledger.sort(key=itemgetter("source"))
        return self._result

    def _source_of(self, file: SourceFile) -> str:
        return f"{self._job.container}/{file.name}"

    async def _open(self, file: SourceFile, records: Mapping[str, SourceRecord]) -> _Work | None:
        """The work that a file needs, if any."""
        source = self._source_of(file)
        record = records.get(source) or SourceRecord(source=source)
        if record.is_complete and (record.job_id, record.listed_etag) == (self._job_id, file.etag):
            self._result.counts.update(record.counts)
            return None
        try:
            async with self._slots:
                return await self._work_of(record, file)
        except (DocumentError, UnreadableFile) as error:
            self._result.fail(source, error)
            return None

    async def _work_of(self, record: SourceRecord, file: SourceFile) -> _Work | None:
        read = await self._read(file)
        done = replace(
            record, etag=read.etag, content=content_hash(read.data), fingerprint=self._fingerprint,
            listed_etag=file.etag, job_id=self._job_id,
        )  # fmt: skip
        if record.is_complete and (record.content, record.fingerprint) == (done.content, done.fingerprint):
            self._skipped.append(replace(done, counts={"skipped": 1}))
            return None
        chunks: list[Chunk] = []
        failure: AppError | None = None
        try:
            chunks = await self._chunks(file.name, read.data)
        except EmptyDocument as error:
            failure = error  # but the text that it had is to be found no longer
        planned = self._planned(record.source, chunks)
        # Whatever has chunks has a record, which spares a new source the query.
        stored = await self._index.chunks(record.source) if record.revision else {}
        kept = {key: stored[key] for key in planned if key in stored}
        return _Work(
            record=record,
            done=done,
            missing={key: chunk for key, chunk in planned.items() if key not in stored},
            moved={key: planned[key].place for key in kept if kept[key].place != planned[key].place},
            stale=[key for key in stored if key not in planned],
            spent=self._spent_before(kept.values()),
            failure=failure,
        )

    async def _read(self, file: SourceFile) -> FileContent:
        if not is_supported(file.name):
            return FileContent(b"", file.etag)  # the extractor refuses it by its name
        if file.size > self._limits.file_bytes:
            raise FileTooLarge.past(self._limits.file_bytes)
        return await self._files.read(file.name, limit=self._limits.file_bytes)

    async def _chunks(self, name: str, data: bytes) -> list[Chunk]:
        plan = self._job.plan
        sizes = {"max_tokens": plan.chunk_tokens, "overlap_tokens": plan.overlap_tokens}
        return await read_chunks(name, data, self._limits, **sizes)

    def _planned(self, source: str, chunks: Iterable[Chunk]) -> dict[str, _Planned]:
        occurrences = Counter[str]()
        planned = {}
        for ordinal, each in enumerate(chunks):
            key = chunk_id(self._job, source, each.text, occurrences[each.text])
            occurrences[each.text] += 1
            text = CountedText(each.text, each.tokens)
            planned[key] = _Planned(key, text, Place(ordinal, each.position.facts()))
        return planned

    def _spent_before(self, kept: Iterable[StoredChunk]) -> Counter[str]:
        """What an earlier run of the page has spent on chunks, so that the page counts the same again."""
        own = [chunk for chunk in kept if chunk.job_id == self._job_id]
        return Counter(
            chunks=len(own),
            tokens=sum(chunk.tokens for chunk in own),
            requests=sum(chunk.requests for chunk in own),
        )

    async def _copy_known(self) -> None:
        """Takes the vectors of renamed and copied files from the source that has the same content."""
        lacking = [work for work in self._works if work.missing]
        if not lacking:
            return
        holders = await self._index.holders({work.done.content for work in lacking}, self._fingerprint)
        copies = (
            self._copy(work, holders[work.done.content]) for work in lacking if work.done.content in holders
        )
        await run_all(copies, at_once=_SOURCES_AT_ONCE)

    async def _copy(self, work: _Work, holder: str) -> None:
        async for page in self._index.vectors(holder):
            vectors = dict(page)
            known = [chunk for chunk in work.missing.values() if chunk.text.text in vectors]
            await self._write(work, [(chunk, Embedding(vectors[chunk.text.text], 0)) for chunk in known])

    def _portions(self) -> Iterator[list[_Unit]]:
        """What is to be embedded, each text once; sources stay whole as far as they fit."""
        targets: dict[CountedText, list[tuple[_Work, _Planned]]] = {}
        for work in self._works:
            for planned in work.missing.values():
                targets.setdefault(planned.text, []).append((work, planned))
        limits = {"most_weight": _TOKENS_PER_PORTION, "most_items": _TEXTS_PER_PORTION}
        parts = (
            part
            for _, units in groupby(targets.items(), lambda unit: unit[1][0][0].source)
            for part in packed(units, _tokens_of, **limits)
        )
        for parts_together in packed(parts, lambda part: sum(map(_tokens_of, part)), **limits):
            yield list(chain.from_iterable(parts_together))

    async def _embed_portion(self, units: Sequence[_Unit]) -> None:
        if self._result.error:
            return
        plan = self._job.plan
        coming = self._embeddings.embed(
            [text for text, _ in units], model=plan.model, dimensions=plan.dimensions
        )
        self._announcement.close()  # nobody need wait for this page any more
        outcomes = await coming
        # What has a vector is paid for: it is written before an error of the others stops anything.
        made = self._made(units, outcomes)
        await run_all((self._write(work, chunks) for work, chunks in made), at_once=_SOURCES_AT_ONCE)
        for outcome in outcomes:
            self._check(outcome)

    def _check(self, outcome: Outcome) -> None:
        if isinstance(outcome, EmbeddingsUnusable):
            # As a value: what other portions are writing is to be counted too.
            self._result.error = outcome
        elif isinstance(outcome, Exception) and not isinstance(outcome, EmbeddingFailure):
            raise outcome

    def _made(
        self, units: Iterable[_Unit], outcomes: Iterable[Outcome]
    ) -> Iterable[tuple[_Work, list[_Made]]]:
        """The chunks of each source that have a vector now."""
        made: dict[str, tuple[_Work, list[_Made]]] = {}
        for (_, targets), outcome in zip(units, outcomes, strict=True):
            for number, (work, planned) in enumerate(targets):
                if isinstance(outcome, EmbeddingFailure):
                    work.failure = outcome
                elif isinstance(outcome, Embedding):
                    # Only the first chunk was charged for; the others have the same text.
                    embedding = Embedding(outcome.vector, 0) if number else outcome
                    made.setdefault(work.source, (work, []))[1].append((planned, embedding))
        return made.values()

    async def _write(self, work: _Work, made: Sequence[_Made]) -> None:
        if not made:
            return
        await self._open_records(dimensions=made[0][1].vector.dimensions)
        await self._index.write([self._new_chunk(work, *each) for each in made])
        for planned, embedding in made:
            del work.missing[planned.id]
            work.spent.update(chunks=1, tokens=embedding.tokens, requests=embedding.requests)

    def _new_chunk(self, work: _Work, planned: _Planned, embedding: Embedding) -> NewChunk:
        return NewChunk(
            id=planned.id, source=work.source, text=planned.text.text, place=planned.place,
            vector=embedding.vector, job_id=self._job_id, tokens=embedding.tokens,
            requests=embedding.requests,
        )  # fmt: skip

    async def _open_records(self, *, dimensions: int | None = None) -> None:
        """Marks the sources that are to change as incomplete, before the first chunk of any of them does.

        A record that is open already is saved too: whoever opened it has to begin anew, and finds what is
        written here.
        """
        async with self._opening:
            if self._are_open:
                return
            changing = [work for work in self._works if work.changes]
            opened = await self._index.save(
                [work.record.opened() for work in changing], dimensions=dimensions
            )
            for work, record in zip(changing, opened, strict=True):
                work.record = record
            self._are_open = True

    async def _close(self) -> None:
        """Brings other chunks in line where none is missing, and completes what has not failed."""
        whole = [work for work in self._works if not work.missing]
        await run_all(map(self._move_and_delete, whole), at_once=_SOURCES_AT_ONCE)
        await self._complete(
            replace(work.done, revision=work.record.revision, counts={"completed": 1, **work.spent})
            for work in whole
            if not work.failure
        )
        for work in self._works:
            if work.failure:
                self._result.fail(work.source, work.failure)
                self._result.counts.update(work.spent)

    async def _move_and_delete(self, work: _Work) -> None:
        if work.moved or work.stale:
            await self._open_records()
            await self._index.move(work.source, work.moved)
            await self._index.delete(work.source, work.stale)

    async def _complete(self, records: Iterable[SourceRecord]) -> None:
        for record in await self._index.save(list(records)):
            self._result.counts.update(record.counts)


def _tokens_of(unit: _Unit) -> int:
    text, _ = unit
    return text.tokens
