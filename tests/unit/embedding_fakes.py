"""Files, an index and an embeddings service in memory, as much of each as ingestion and listing use."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from azure.core.exceptions import (
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.storage.blob import BlobProperties

from shared_code.documents import DocumentLimits
from shared_code.embeddings.batching import BatchedEmbeddings
from shared_code.embeddings.client import Bill, Embedding, EmbeddingFailure, EmbeddingsUnusable
from shared_code.embeddings.vectors import Vector
from shared_code.files.ingestion import Ingestion, PageResult
from shared_code.files.planner import Planner
from shared_code.files.spending import PageSpending
from shared_code.index.fingerprints import source_fingerprint
from shared_code.index.records import (
    IndexConflict,
    KnownSource,
    NewChunk,
    Place,
    SourceRecord,
    StoredChunk,
    StoredVector,
)
from shared_code.jobs import EmbeddingPlan, EmbedFilesJob
from shared_code.jobs.steps import EmbedPage
from shared_code.storage.source_files import FileContent, FilePage, FileVanished, SourceFile

PLAN = EmbeddingPlan(
    model="model", dimensions=4, chunk_tokens=32, overlap_tokens=0, price_per_million=1.0, shrink_limit=0.5
)
JOB = EmbedFilesJob(env="test", index_version="v1", container="docs", prefix="", dry_run=False, plan=PLAN)


class Crash(Exception):
    """The process ended here."""


Order = Callable[[str], Any]
"""The key by which names are sorted."""


def of_folders(name: str) -> str:
    """As accounts with a hierarchical namespace list names."""
    return name.replace("/", "\0")


def of_code_units(name: str) -> bytes:
    """As programs compare names that keep them in UTF-16."""
    return name.encode("utf-16-be")


@dataclass
class FakeFiles:
    """A container; an ETag follows from what was written."""

    texts: dict[str, bytes] = field(default_factory=dict)
    container: str = "docs"
    per_page: int = 2
    order: Order = str
    reads: list[str] = field(default_factory=list)

    def put(self, name: str, text: str) -> SourceFile:
        self.texts[name] = text.encode()
        return self.listed(name)

    def listed(self, name: str) -> SourceFile:
        data = self.texts[name]
        return SourceFile(name, len(data), blake2b(data, digest_size=4).hexdigest())

    async def pages(self, prefix: str, token: str | None) -> AsyncIterator[FilePage]:
        names = sorted((name for name in self.texts if name.startswith(prefix)), key=self.order)
        for start in range(int(token or 0), max(len(names), 1), self.per_page):
            end = start + self.per_page
            page = [self.listed(name) for name in names[start:end]]
            yield FilePage(page, str(end) if end < len(names) else None)

    async def find(self, name: str) -> SourceFile | None:
        return self.listed(name) if name in self.texts else None

    async def read(self, name: str, *, limit: int) -> FileContent:
        self.reads.append(name)
        if name not in self.texts:
            raise FileVanished
        return FileContent(self.texts[name], self.listed(name).etag)

    async def exists(self, name: str) -> bool:
        return name in self.texts


@dataclass
class FakeIndex:
    """An index; after `crash_after` writes nothing is written any more, as when a process ends."""

    known_records: dict[str, SourceRecord] = field(default_factory=dict)
    items: dict[str, dict[str, NewChunk]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    crash_after: int | None = None
    lowest: dict[str, int] = field(default_factory=dict)
    order: Order = str

    def texts(self) -> dict[str, list[str]]:
        return {
            source: [chunk.text for chunk in sorted(chunks.values(), key=lambda chunk: chunk.place.ordinal)]
            for source, chunks in self.items.items()
            if chunks
        }

    def know(self, source: str, etag: str | None) -> None:
        """Holds the record of a source whose chunks were made as a job makes them now."""
        self.known_records[source] = SourceRecord(
            source=source, etag=etag, fingerprint=source_fingerprint(PLAN)
        )

    async def known(self, path: str, *, after: str, most: int) -> list[KnownSource]:
        found = [
            KnownSource(source, record.etag, record.fingerprint)
            for source, record in self.known_records.items()
            if source == path or source.startswith(f"{path}/")
            if not after or self.order(source) > self.order(after)
        ]
        return sorted(found, key=lambda known: self.order(known.source))[:most]

    async def records(self, sources: Iterable[str]) -> dict[str, SourceRecord]:
        return {source: self.known_records[source] for source in sources if source in self.known_records}

    async def holders(self, contents: Iterable[str], fingerprint: str) -> dict[str, str]:
        wanted = {(content, fingerprint) for content in contents}
        found = self.known_records.values()
        return {r.content: r.source for r in found if (r.content, r.fingerprint) in wanted}

    async def chunks(self, source: str) -> dict[str, StoredChunk]:
        return {
            key: StoredChunk(place=chunk.place, job_id=chunk.job_id)
            for key, chunk in self.items.get(source, {}).items()
        }

    async def vectors(self, source: str) -> AsyncIterator[list[StoredVector]]:
        yield [
            StoredVector(chunk.id, chunk.context, chunk.text, chunk.vector)
            for chunk in self.items.get(source, {}).values()
        ]

    async def save(
        self, records: Sequence[SourceRecord], *, dimensions: int | None = None
    ) -> list[SourceRecord]:
        return [await self._save(record) for record in records]  # of a batch, too, only a part may be written

    async def write(self, chunks: Sequence[NewChunk]) -> None:
        for chunk in chunks:
            await self._write(f"write {chunk.source}")
            self.items.setdefault(chunk.source, {})[chunk.id] = chunk

    async def move(self, source: str, places: Mapping[str, Place]) -> None:
        for key, place in places.items():
            await self._write(f"move {source}")
            self.items[source][key] = replace(self.items[source][key], place=place)

    async def delete(self, source: str, chunk_ids: Iterable[str]) -> None:
        for key in chunk_ids:
            await self._write(f"delete {source}")
            self.items[source].pop(key, None)
            self.lowest[source] = min(self.lowest.get(source, 10**6), len(self.items[source]))

    async def forget(self, record: SourceRecord) -> None:
        await self._write(f"forget {record.source}")
        self.known_records.pop(record.source, None)

    async def _save(self, record: SourceRecord) -> SourceRecord:
        await self._write(f"save {record.source}" if record.is_complete else f"open {record.source}")
        before = self.known_records.get(record.source)
        if record.revision != (before and before.revision):
            raise IndexConflict
        saved = replace(record, revision=str(len(self.writes)))
        self.known_records[record.source] = saved
        return saved

    async def _write(self, what: str) -> None:
        await asyncio.sleep(0)
        if self.crash_after is not None and len(self.writes) >= self.crash_after:
            raise Crash
        self.writes.append(what)


@dataclass
class FakeEmbeddings:
    """Ten tokens a text; `failing` texts have no vector, and none has one after so many batches."""

    batches: list[list[str]] = field(default_factory=list)
    unusable_after: int | None = None
    crash_after: int | None = None
    failing: dict[str, EmbeddingFailure] = field(default_factory=dict)

    @property
    def inputs(self) -> int:
        return sum(map(len, self.batches))

    async def embed(
        self, texts: Sequence[str], *, model: str, dimensions: int | None, bill: Bill
    ) -> list[Embedding | EmbeddingFailure]:
        assert (model, dimensions) == (PLAN.model, PLAN.dimensions)
        if len(self.batches) == self.unusable_after:
            raise EmbeddingsUnusable
        if len(self.batches) == self.crash_after:
            raise Crash
        self.batches.append(list(texts))
        bill.requests += 1
        bill.tokens += 10 * len(texts)
        outcomes = [self._outcome(text) for text in texts]
        first = next((each for each in outcomes if isinstance(each, Embedding)), None)
        return [replace(each, requests=1) if each is first else each for each in outcomes]

    def _outcome(self, text: str) -> Embedding | EmbeddingFailure:
        failures = (failure for part, failure in self.failing.items() if part in text)
        vector = Vector.of(list(blake2b(text.encode(), digest_size=4).digest()))
        return next(failures, Embedding(vector, 10))


@dataclass
class FakeBlobs:
    """A container of what jobs stage; after `away_after` uploads each fails, be it done or not."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    versions: Counter[str] = field(default_factory=Counter)
    away_after: int | None = None
    failure: Exception = field(default_factory=lambda: ServiceRequestError("nobody answers"))
    lies: bool = False

    def get_blob_client(self, name: str) -> "FakeBlob":
        return FakeBlob(self, name)

    async def upload_blob(self, name: str, data: bytes, *, overwrite: bool, etag: str | None = None) -> str:
        await asyncio.sleep(0)
        is_away = self.away_after == 0
        if self.away_after:
            self.away_after -= 1
        if not is_away or self.lies:
            self._put(name, data, overwrite=overwrite, etag=etag)
        if is_away:
            raise self.failure
        return self.etag(name)

    def _put(self, name: str, data: bytes, *, overwrite: bool, etag: str | None) -> None:
        if etag and (name not in self.blobs or etag != self.etag(name)):
            raise ResourceModifiedError
        if not overwrite and name in self.blobs:
            raise ResourceExistsError
        self.blobs[name] = data
        self.versions[name] += 1

    def etag(self, name: str) -> str:
        """Of the newest version of a blob."""
        return f'"{self.versions[name]}"'

    async def download_blob(self, name: str) -> "FakeDownload":
        await asyncio.sleep(0)
        if name not in self.blobs:
            raise ResourceNotFoundError
        return FakeDownload(self.blobs[name], self.etag(name))


@dataclass
class FakeBlob:
    """One of its blobs."""

    container: FakeBlobs
    name: str

    async def upload_blob(self, data: bytes, *, match_condition: Any = None, **condition: Any) -> Any:
        return {"etag": await self.container.upload_blob(self.name, data, **condition)}


@dataclass
class FakeDownload:
    """A blob that is read."""

    data: bytes
    etag: str

    @property
    def size(self) -> int:
        """How long the service says that it is."""
        return len(self.data)

    @property
    def properties(self) -> BlobProperties:
        """With the ETag of what is read."""
        return BlobProperties(ETag=self.etag)

    async def readall(self) -> bytes:
        return self.data


class FreeSpending:
    """A payer that books nothing and grants everything."""

    def take(self, most: int) -> bool:
        return True

    async def sending(self, most: int) -> None:
        """Books nothing."""

    async def charged(self, most: int, *, tokens: int, requests: int, estimated: int) -> None:
        """Books nothing."""


@dataclass
class World:
    """Everything that an ingestion touches."""

    files: FakeFiles = field(default_factory=FakeFiles)
    index: FakeIndex = field(default_factory=FakeIndex)
    embeddings: FakeEmbeddings = field(default_factory=FakeEmbeddings)
    blobs: FakeBlobs = field(default_factory=FakeBlobs)
    previous: FakeIndex | None = None
    live: set[str] = field(default_factory=set)
    now: float = 1_000.0

    async def embed(
        self, *names: str, job_id: str = "job", job: EmbedFilesJob = JOB, **more: Any
    ) -> PageResult:
        """Ingests files as they are now; the counts have what was spent, too."""
        files = [self.files.listed(name) for name in names or sorted(self.files.texts)]
        return await self.embed_listed(files, job_id=job_id, job=job, **more)

    async def embed_listed(
        self, files: Sequence[SourceFile], *, job_id: str = "job", job: EmbedFilesJob = JOB, **more: Any
    ) -> PageResult:
        """Ingests files as they were listed."""
        own = {name: more.pop(name) for name in ("tokens", "paid") if name in more}
        step = EmbedPage(job_id=job_id, job=job, page=0, **own)
        fakes: Any = self
        spending = await PageSpending.begin(fakes.blobs, step, require_wanted=self.require_wanted)
        result = await self.ingestion(step, spending, **more).embed(files)
        result.counts.update(spending.counts)
        return result

    def ingestion(
        self, step: EmbedPage, spending: PageSpending, *, limits: DocumentLimits | None = None, **more: Any
    ) -> Ingestion:
        fakes: Any = self
        planner = Planner(
            step.job_id, step.job, files=fakes.files, index=fakes.index, limits=limits or DocumentLimits(),
            slots=asyncio.Semaphore(8),
        )  # fmt: skip
        tokens = more.get("tokens_per_request", 300_000)
        return Ingestion(
            step.job_id, step.job, planner=planner, index=fakes.index,
            embeddings=BatchedEmbeddings(
                fakes.embeddings, wait=0, patience=60, tokens_per_request=tokens, at_once=8
            ),
            spending=spending, is_live=self.is_live, require_wanted=lambda: None,
            previous=fakes.previous, clock=lambda: self.now,
        )  # fmt: skip

    async def require_wanted(self) -> None:
        """Every job here wants its work done."""

    async def is_live(self, job_id: str) -> bool:
        return job_id in self.live


def prose(subject: str, *, sentences: int = 40) -> str:
    """Text of several chunks, no two of them the same."""
    return " ".join(f"Sentence {n} tells one more thing about {subject}." for n in range(sentences))
