"""One page of files into the index: the chunks that it lacks -> vectors -> Cosmos DB.

The records of its sources are opened before anything is spent on them, so that of several jobs over the same
files one embeds them and the others wait; new chunks are written before stale ones are deleted, and then the
records are completed. What was indexed never lacks vectors, and what a step that breaks off leaves open is
completed by the next. What is wrong with one file is an entry of the ledger; what is raised stops the page.

ADR 13 has the reasons.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from operator import attrgetter
from typing import Protocol

from azure.core.exceptions import AzureError

from shared_code.concurrency import run_all
from shared_code.documents import DocumentError
from shared_code.embeddings.batching import BatchedEmbeddings, CountedText, Outcome, Payer
from shared_code.embeddings.client import Embedding, EmbeddingFailure
from shared_code.errors import AppError, JobCanceled
from shared_code.files.planner import PlannedChunk, Planner, SourceWork
from shared_code.index.cosmos_writer import CosmosIndex
from shared_code.index.fingerprints import source_fingerprint
from shared_code.index.records import OPEN_SECONDS, ContainerMissing, NewChunk, SourceRecord, require_free
from shared_code.jobs import SPENDING, EmbedFilesJob, LedgerEntry
from shared_code.packing import packed
from shared_code.storage.source_files import SourceFile, UnreadableFile

# Each operation waits for a slot of its service; these only bound what waits.
_FILES_AT_ONCE = 50
_SOURCES_AT_ONCE = 16
# Texts that are embedded and written together: as many as Cosmos DB takes in a batch, and few enough that the
# vectors of all that are under way fit into memory.
_TEXTS_PER_PORTION = 100
_PORTIONS_AT_ONCE = 16
# Of it, the first request tells the size of the vectors that a container is created for.
_SAMPLE = CountedText("size", 1)


_Unit = tuple[CountedText, list[tuple[SourceWork, PlannedChunk]]]
"""A text to embed, and all the chunks that have it."""

_Made = tuple[PlannedChunk, Embedding]
"""A chunk with its vector, and what was charged for it."""


@dataclass(kw_only=True)
class PageResult:
    """What became of the files of a page.

    Attributes:
        counts: what was done, without what was spent.
        ledger: what is wrong with single files.
        error: stopped the page, after what is counted.
        lacks: tokens that are needed beyond what was granted.
    """

    counts: Counter[str] = field(default_factory=Counter)
    ledger: list[LedgerEntry] = field(default_factory=list)
    error: Exception | None = None
    lacks: int = 0

    def fail(self, source: str, error: AppError) -> None:
        """Adds an entry to the ledger."""
        self.counts["failed"] += 1
        self.ledger.append(LedgerEntry(source, error.code, str(error)))

    def add(self, record: SourceRecord) -> None:
        """Counts a source that is complete; the ledger says what was not read of it."""
        # Earlier releases kept there, too, what was spent.
        self.counts.update({name: n for name, n in record.counts.items() if name not in SPENDING})
        if record.counts.get("notes"):
            self.ledger += [LedgerEntry(record.source, code, message) for code, message in record.notes]


class Spending(Payer, Protocol):
    """Who pays for a page."""

    def take(self, most: int) -> bool:
        """Takes this many tokens for texts that are to be sent, if the page may spend them."""


class Ingestion:
    """The ingestion of one page; the planner finds out what each of its files needs."""

    def __init__(
        self,
        job_id: str,
        job: EmbedFilesJob,
        *,
        planner: Planner,
        index: CosmosIndex,
        embeddings: BatchedEmbeddings,
        spending: Spending,
        is_live: Callable[[str], Awaitable[bool]],
        require_wanted: Callable[[], None],
        previous: CosmosIndex | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begins nothing yet.

        Args:
            job_id: of the job that the page belongs to.
            job: what it asks for.
            planner: finds out what each file needs.
            index: where to.
            embeddings: by which service.
            spending: who pays.
            is_live: tells of another job whether it may still go on.
            require_wanted: raises, before each file, when the page is not wanted any more.
            previous: the same version in a container that this one takes the place of.
            clock: tells the time.
        """
        self._require_wanted = require_wanted
        self._job_id = job_id
        self._job = job
        self._writer = job.writer(job_id)
        self._planner = planner
        self._index = index
        self._embeddings = embeddings
        self._spending = spending
        self._is_live = is_live
        self._previous = previous
        self._clock = clock
        self._fingerprint = source_fingerprint(job.plan)
        self._works: list[SourceWork] = []
        self._are_open = False
        self._opening = asyncio.Lock()
        self._vector_size = 0
        self._result = PageResult()

    async def embed(self, page: Sequence[SourceFile]) -> PageResult:
        """Brings the files of the page into the index.

        Raises:
            SourceBusy: another job is embedding one of the files.
            IndexConflict: another job wrote one of the sources meanwhile.
        """
        records = await self._index.records(map(self._source_of, page))
        await require_free(records.values(), self._job_id, self._clock(), is_live=self._is_live)
        with self._embeddings.announced() as self._announcement:
            try:
                return await self._embed(page, records)
            finally:
                await self._release()

    async def _embed(self, page: Sequence[SourceFile], records: Mapping[str, SourceRecord]) -> PageResult:
        opened = await run_all((self._open(file, records) for file in page), at_once=_FILES_AT_ONCE)
        self._works = [work for work in opened if work]
        await self._copy_known()
        await self._embed_missing()
        if self._result.error:
            for work in self._works:
                self._result.counts.update(work.counts)
            return self._result
        await self._close()
        self._result.ledger.sort(key=attrgetter("source"))
        return self._result

    def _source_of(self, file: SourceFile) -> str:
        return f"{self._job.container}/{file.name}"

    async def _open(self, file: SourceFile, records: Mapping[str, SourceRecord]) -> SourceWork | None:
        """The work that a file needs, if any."""
        self._require_wanted()
        source = self._source_of(file)
        record = records.get(source) or SourceRecord(source=source)
        if record.is_complete and (record.job_id, record.listed_etag) == (self._writer, file.etag):
            self._result.add(record)
            return None
        if (record.etag, record.fingerprint) == (file.etag, self._fingerprint):
            self._result.counts.update(skipped=1)  # another job was first
            return None
        try:
            return await self._planner.work(record, file)
        except (DocumentError, UnreadableFile) as error:
            self._result.fail(source, error)
            return None

    async def _copy_known(self) -> None:
        """Takes the vectors that there are: of the container before, and of files with the same content."""
        if self._previous:
            copies = (self._copy_same(work, self._previous) for work in self._works if work.missing)
            await run_all(copies, at_once=_SOURCES_AT_ONCE)
        lacking = [work for work in self._works if work.missing]
        if not lacking:
            return
        contents = {work.done.content for work in lacking}
        holders = await self._index.holders(contents, self._fingerprint)
        copies = (
            self._copy(work, holders[work.done.content]) for work in lacking if work.done.content in holders
        )
        await run_all(copies, at_once=_SOURCES_AT_ONCE)

    async def _copy(self, work: SourceWork, holder: str) -> None:
        """Takes the vectors of another source that has the same texts."""
        async for page in self._index.vectors(holder):
            vectors = {stored.content: stored.vector for stored in page}
            known = [chunk for chunk in work.missing.values() if chunk.content in vectors]
            await self._write(work, [(chunk, Embedding(vectors[chunk.content], 0)) for chunk in known])

    async def _copy_same(self, work: SourceWork, index: CosmosIndex) -> None:
        """Takes the vectors of the same chunks from another container: their ids follow from their texts."""
        async for page in index.vectors(work.source):
            known = [stored for stored in page if stored.id in work.missing]
            made = [(work.missing[stored.id], Embedding(stored.vector, 0)) for stored in known]
            await self._write(work, made)

    def _units(self) -> list[_Unit]:
        """What is to be embedded, each text once."""
        targets: dict[CountedText, list[tuple[SourceWork, PlannedChunk]]] = {}
        for work in self._works:
            for planned in work.missing.values():
                targets.setdefault(planned.embedded, []).append((work, planned))
        return list(targets.items())

    def _portions(self, units: Iterable[_Unit]) -> Iterator[list[_Unit]]:
        """The units that go together; sources stay whole as far as they fit."""
        limits = {"most_weight": _TEXTS_PER_PORTION, "most_items": _TEXTS_PER_PORTION}
        parts = (
            part
            for _, of_source in groupby(units, lambda unit: unit[1][0][0].source)
            for part in packed(of_source, lambda _: 1, **limits)
        )
        for parts_together in packed(parts, len, **limits):
            yield list(chain.from_iterable(parts_together))

    async def _embed_missing(self) -> None:
        """Embeds as much as is granted: what was charged less than it might leaves room for more."""
        units = self._units()
        if units:
            await self._open_records()
        while units and not self._result.error:
            granted = self._granted(units)
            if not granted:
                break
            await self._embed_units(units[:granted])
            units = units[granted:]
        self._result.lacks = sum(text.most for text, _ in units)

    def _granted(self, units: Sequence[_Unit]) -> int:
        """How many of the next texts may be sent."""
        for number, (text, _) in enumerate(units):
            if not self._spending.take(text.most):
                return number
        return len(units)

    async def _embed_units(self, units: Sequence[_Unit]) -> None:
        portions = list(self._portions(units))
        embedding = (self._embed_portion(portion, last=portion is portions[-1]) for portion in portions)
        await run_all(embedding, at_once=_PORTIONS_AT_ONCE)

    async def _embed_portion(self, units: Sequence[_Unit], *, last: bool) -> None:
        if self._result.error:
            return
        coming = self._vectors([text for text, _ in units])
        if last:
            self._announcement.withdraw()  # all of its texts are there
        outcomes = await coming
        # What has a vector is paid for: it is written before an error of the others stops anything.
        made = self._made(units, outcomes)
        try:
            await run_all((self._write(work, chunks) for work, chunks in made), at_once=_SOURCES_AT_ONCE)
        except Exception as error:  # noqa: BLE001 - as a value, for the sake of other portions
            self._check(error)
        for outcome in outcomes:
            self._check(outcome)

    def _vectors(self, texts: Sequence[CountedText]) -> "asyncio.Future[list[Outcome]]":
        plan = self._job.plan
        return self._embeddings.embed(
            texts, model=plan.model, dimensions=plan.dimensions, payer=self._spending
        )

    def _check(self, outcome: Outcome) -> None:
        if isinstance(outcome, Exception) and not isinstance(outcome, EmbeddingFailure):
            # As a value: what other portions have paid for is written, and counted, all the same.
            self._result.error = self._result.error or outcome

    def _made(
        self, units: Iterable[_Unit], outcomes: Iterable[Outcome]
    ) -> Iterable[tuple[SourceWork, list[_Made]]]:
        """The chunks of each source that have a vector now."""
        made: dict[str, tuple[SourceWork, list[_Made]]] = {}
        for (_, targets), outcome in zip(units, outcomes, strict=True):
            for number, (work, planned) in enumerate(targets):
                if isinstance(outcome, EmbeddingFailure):
                    work.failure = outcome
                elif isinstance(outcome, Embedding):
                    # Only the first chunk was charged for; the others have the same text.
                    embedding = Embedding(outcome.vector, 0) if number else outcome
                    made.setdefault(work.source, (work, []))[1].append((planned, embedding))
        return made.values()

    async def _write(self, work: SourceWork, made: Sequence[_Made]) -> None:
        if not made:
            return
        self._vector_size = made[0][1].vector.dimensions
        await self._open_records()
        await self._index.write([self._new_chunk(work, *each) for each in made])
        for planned, _ in made:
            del work.missing[planned.id]
            work.own += 1

    def _new_chunk(self, work: SourceWork, planned: PlannedChunk, embedding: Embedding) -> NewChunk:
        return NewChunk(
            id=planned.id, source=work.source, context=planned.context, text=planned.text,
            place=planned.place, vector=embedding.vector, job_id=self._writer, tokens=embedding.tokens,
            requests=embedding.requests,
        )  # fmt: skip

    async def _open_records(self) -> None:
        """Marks the sources that are to change as incomplete, before anything is spent on any of them.

        A record that is open already is saved too: whoever opened it has to start again, and finds what is
        written here.
        """
        async with self._opening:
            if self._are_open:
                return
            until = int(self._clock()) + OPEN_SECONDS
            changing = [work for work in self._works if work.changes]
            await self._save(changing, [work.record.opened(self._job_id, until) for work in changing])
            self._are_open = True

    async def _save(self, works: Sequence[SourceWork], records: Sequence[SourceRecord]) -> None:
        """Writes the records of works; the first ones of an index create its container."""
        try:
            saved = await self._index.save(records)
        except ContainerMissing:
            # What it is created for can never be changed: no setting is believed, only a vector.
            dimensions = self._vector_size or await self._dimensions()
            saved = await self._index.save(records, dimensions=dimensions)
        for work, record in zip(works, saved, strict=True):
            work.record = record

    async def _dimensions(self) -> int:
        self._spending.take(_SAMPLE.most)
        [outcome] = await self._vectors([_SAMPLE])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome.vector.dimensions

    async def _release(self) -> None:
        """Lets other jobs have the sources that are not complete."""
        try:
            self._require_wanted()
        except JobCanceled:
            return  # whoever wants them finds that the job has ended
        left = [work for work in self._works if work.record.opened_by == self._job_id]
        if left:
            try:
                await self._save(left, [work.record.released() for work in left])
            except (AppError, AzureError):
                return  # whoever was first has it, or it is free in a while

    async def _close(self) -> None:
        """Brings other chunks in line where none is missing, and completes what has not failed."""
        whole = [work for work in self._works if not work.missing]
        await run_all(map(self._move_and_delete, whole), at_once=_SOURCES_AT_ONCE)
        done = [work for work in whole if not work.failure]
        await self._save(done, [work.completed() for work in done])
        for work in done:
            self._result.add(work.record)
        for work in self._works:
            if work.failure:
                self._result.fail(work.source, work.failure)
                self._result.counts.update(work.counts)

    async def _move_and_delete(self, work: SourceWork) -> None:
        if work.moved or work.stale:
            await self._open_records()
            await self._index.move(work.source, work.moved)
            await self._index.delete(work.source, work.stale)
