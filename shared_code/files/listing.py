"""Listing what is to be embedded: compares the files of a path with what the index knows of it.

Storage and the index have orders of their own, of which nothing is assumed (ADR 28): each is walked in its
order, a bounded number of names at a time, and each part of the one is looked up in all parts of the other,
which are staged as digests. An unchanged file costs no download. What changed and what vanished is staged as
numbered pages, so that no name travels through the workflow.

A retry lists no path: its files are those that the ledger of another job names.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import partial
from struct import iter_unpack
from typing import Any, Self

from azure.storage.blob.aio import ContainerClient

from shared_code.concurrency import run_all
from shared_code.digests import DIGEST_SIZE, digest, split
from shared_code.documents.token_estimate import estimated_tokens
from shared_code.errors import LedgerMissing
from shared_code.index.cosmos_writer import CosmosIndex
from shared_code.index.fingerprints import source_fingerprint
from shared_code.index.records import KnownSource
from shared_code.jobs import EmbeddingPlan, EmbedFilesJob
from shared_code.jobs.ledger import failed_sources
from shared_code.jobs.steps import ListFiles, PartListed
from shared_code.packing import packed
from shared_code.storage.ledgers import StoredLedger
from shared_code.storage.source_files import SourceFile, SourceFiles
from shared_code.storage.staging import read_staged_run, stage_json, stage_run

# What one activity reads takes seconds and some tens of megabytes, far below what it may take.
_NAMES_PER_PART = 50_000
# A page is seconds of work, so that little is lost when it breaks off. Activities work on them side by side:
# while one waits for its vectors, others read files and write chunks.
_TOKENS_PER_PAGE = 1_000_000
_FILES_PER_PAGE = 50
_VANISHED_PER_PAGE = 200
_PAGES_AT_ONCE = 8
# Of a ledger, whose pages have as many files as those of the job had.
_LEDGER_PAGES = 50
_LOOK_UPS_AT_ONCE = 16
# The digests of a source and of its state.
_KNOWN = f"{DIGEST_SIZE}s{DIGEST_SIZE}s"


class _Step(StrEnum):
    """What is read next, and what for."""

    PATH = "path"  # whether it is that of a file; and one of no container costs no walk through the index
    KNOWN = "known"  # sources of the index, to stage them
    FILES = "files"  # to find those that are not known as they are
    LEDGER = "ledger"  # what another job could not embed, in place of all of these
    VANISHED = "vanished"  # the sources once more, to find those that are not files
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a listing stands between two of its parts.

    Attributes:
        step: what is read next.
        itself: the file that has the path for its name.
        token: leads to the next files.
        after: the next sources come after this one.
        begin: and the first ones after this one.
        known_runs: how many runs of known sources are staged.
        file_runs: how many runs of files are.
        missing: known sources that no file was found for so far.
        ledger_page: the last page of the ledger that was read.
    """

    step: _Step = _Step.PATH
    itself: dict[str, Any] | None = None
    token: str | None = None
    after: str = ""
    begin: str = ""
    known_runs: int = 0
    file_runs: int = 0
    missing: int = 0
    ledger_page: int = -1

    @classmethod
    def of(cls, marker: Mapping[str, Any] | None, job: EmbedFilesJob) -> Self:
        """The place that a marker leads to."""
        if marker is None:
            return cls(step=_Step.LEDGER) if job.retry_of else cls()
        if "step" not in marker:  # a listing that the first release began: it is done with what lies before
            after = marker["after"]
            return cls(step=_Step.KNOWN, token=marker["token"], after=after, begin=after)
        return cls(**{**marker, "step": _Step(marker["step"])})

    def marker(self) -> dict[str, Any] | None:
        """What leads here, as a JSON value; None at the end."""
        return None if self.step is _Step.ENDED else asdict(self)


class _Part:
    """One part of a listing: what was found in it, and where it ended."""

    def __init__(
        self,
        files: SourceFiles,
        index: CosmosIndex,
        staging: ContainerClient,
        *,
        job_id: str,
        job: EmbedFilesJob,
        place: _Place,
        most: int,
    ) -> None:
        self.place = place
        self.files = 0
        self.unchanged = 0
        self.known = 0
        self.changed: list[SourceFile] = []
        self.vanished: list[str] = []
        self._source_files = files
        self._index = index
        self._staging = staging
        self._job_id = job_id
        self._job = job
        self._fingerprint = source_fingerprint(job.plan)
        self._most = most

    async def read(self) -> None:
        """Reads on until it has seen enough names for a part; each step stops there too."""
        steps = {
            _Step.PATH: self._find_itself,
            _Step.KNOWN: self._stage_known,
            _Step.FILES: self._compare_files,
            _Step.LEDGER: self._find_failed,
            _Step.VANISHED: self._find_vanished,
        }
        seen = 0
        while self.place.step is not _Step.ENDED and seen < self._most:
            seen += await steps[self.place.step]()

    async def _find_itself(self) -> int:
        file = await self._source_files.find(self._job.prefix.removesuffix("/"))
        self._go(step=_Step.KNOWN, itself=file.to_json() if file else None)
        return 0

    async def _stage_known(self) -> int:
        known = await self._next_known(then=_Step.FILES)
        run = b"".join(digest(each.source) + _state(each.etag, each.fingerprint) for each in known)
        await stage_run(self._staging, self._job_id, f"known/{self.place.known_runs}", run)
        self.known += len(known)
        self._go(known_runs=self.place.known_runs + 1, missing=self.place.missing + len(known))
        return len(known)

    async def _compare_files(self) -> int:
        listed = {digest(f"{self._job.container}/{file.name}"): file for file in await self._next_files()}
        changed, found = dict(listed), 0
        for number in range(self.place.known_runs):
            for source, state in iter_unpack(_KNOWN, await self._run(f"known/{number}")):
                if file := listed.get(source):
                    found += 1
                    if state == _state(file.etag, self._fingerprint):
                        del changed[source]
        await stage_run(self._staging, self._job_id, f"files/{self.place.file_runs}", b"".join(listed))
        self.files += len(listed)
        self.unchanged += len(listed) - len(changed)
        self.changed += changed.values()
        self._go(file_runs=self.place.file_runs + 1, missing=self.place.missing - found)
        if self.place.token is None:
            self._go(step=_Step.VANISHED if self.place.missing else _Step.ENDED)
        return len(listed)

    async def _find_vanished(self) -> int:
        known = await self._next_known(then=_Step.ENDED)
        gone = {digest(each.source): each.source for each in known}
        for number in range(self.place.file_runs):
            for source in gone.keys() & split(await self._run(f"files/{number}")):
                del gone[source]
        self.vanished += (source.removeprefix(f"{self._job.container}/") for source in gone.values())
        return len(known)

    async def _find_failed(self) -> int:
        """The files of a ledger's next pages, as they are now; one that is gone fails when it is read."""
        ledger = StoredLedger(self._staging, self._job.retry_of)
        numbers = await ledger.pages(after=self.place.ledger_page)
        if not numbers:
            raise LedgerMissing
        read = await run_all((ledger.read(page) for page in numbers[:_LEDGER_PAGES]), at_once=_PAGES_AT_ONCE)
        names = failed_sources([entry for page in read for entry in page])
        files = await run_all(map(self._file, names), at_once=_LOOK_UPS_AT_ONCE)
        self.files += len(files)
        self.changed += files
        self._go(ledger_page=numbers[:_LEDGER_PAGES][-1])
        if not numbers[_LEDGER_PAGES:]:
            self._go(step=_Step.ENDED)
        return len(files)

    async def _file(self, source: str) -> SourceFile:
        name = source.removeprefix(f"{self._job.container}/")
        return await self._source_files.find(name) or SourceFile(name, 0, "")

    async def _next_known(self, *, then: _Step) -> list[KnownSource]:
        """The next sources of the index; after the last one it goes on with another step."""
        known = await self._index.known(self._job.files_path, after=self.place.after, most=self._most)
        if len(known) < self._most:
            self._go(step=then, after=self.place.begin)
        else:
            self._go(after=known[-1].source)
        return known

    async def _next_files(self) -> list[SourceFile]:
        itself, token = self.place.itself, self.place.token
        found = [SourceFile.from_json(itself)] if itself else []
        async for page in self._source_files.pages(self._job.prefix, token):
            found += page.files
            token = page.token
            if len(found) >= self._most:
                break
        self._go(itself=None, token=token)
        return found

    async def _run(self, name: str) -> bytes:
        return await read_staged_run(self._staging, self._job_id, name)

    def _go(self, **changes: Any) -> None:
        self.place = replace(self.place, **changes)


async def list_part(
    files: SourceFiles,
    index: CosmosIndex,
    staging: ContainerClient,
    *,
    step: ListFiles,
    most_bytes: int,
    most_names: int = _NAMES_PER_PART,
) -> PartListed:
    """Lists on from the step's marker, stages what it finds from its page numbers on, and counts it.

    Files of more than `most_bytes` are staged too: they are refused, by name, where they would be read.

    Raises:
        ContainerNotFound: there is no such container.
        LedgerMissing: the job that is retried has been purged.
    """
    job_id, job = step.job_id, step.job
    place = _Place.of(step.marker, job)
    part = _Part(files, index, staging, job_id=job_id, job=job, place=place, most=most_names)
    await part.read()
    tokens_of = partial(_tokens_of, plan=job.plan, most_bytes=most_bytes)
    pages, stale_pages = _pages(part.changed, tokens_of), _stale_pages(part.vanished)
    as_json = [[file.to_json() for file in page] for page in pages]
    await _stage(staging, job_id, "pages", step.first_page, as_json)
    await _stage(staging, job_id, "stale", step.first_stale_page, stale_pages)
    return PartListed(
        files=part.files,
        unchanged=part.unchanged,
        size=sum(file.size for file in part.changed),
        tokens=sum(map(tokens_of, part.changed)),
        page_tokens=tuple(sum(map(tokens_of, page)) for page in pages),
        known=part.known,
        vanished=len(part.vanished),
        vanished_itself=part.vanished.count(job.prefix.removesuffix("/")),
        pages=len(pages),
        stale_pages=len(stale_pages),
        marker=part.place.marker(),
    )


def _state(etag: str | None, fingerprint: str) -> bytes:
    """Of a source; no file has that of one whose chunks are being changed."""
    return digest(f"{etag} {fingerprint}")


def _pages(changed: Iterable[SourceFile], tokens_of: Callable[[SourceFile], int]) -> list[list[SourceFile]]:
    return list(packed(changed, tokens_of, most_weight=_TOKENS_PER_PAGE, most_items=_FILES_PER_PAGE))


def _stale_pages(vanished: Sequence[str]) -> list[Sequence[str]]:
    starts = range(0, len(vanished), _VANISHED_PER_PAGE)
    return [vanished[start : start + _VANISHED_PER_PAGE] for start in starts]


async def _stage(
    container: ContainerClient, job_id: str, kind: str, first: int, pages: Sequence[Sequence[Any]]
) -> None:
    names = (f"{kind}/{number}.json" for number in range(first, first + len(pages)))
    writes = (stage_json(container, job_id, name, page) for name, page in zip(names, pages, strict=True))
    await run_all(writes, at_once=_PAGES_AT_ONCE)


def _tokens_of(file: SourceFile, *, plan: EmbeddingPlan, most_bytes: int) -> int:
    if file.size > most_bytes:
        return 0
    sizes = {"chunk_tokens": plan.chunk_tokens, "overlap_tokens": plan.overlap_tokens}
    return estimated_tokens(file.name, file.size, **sizes)
