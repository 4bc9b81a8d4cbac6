"""Listing what is to be embedded: compares files with the index, one range of names after the other.

An unchanged file costs no download. What changed and what vanished is staged as numbered pages, so that no
name travels through the workflow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from azure.storage.blob.aio import ContainerClient

from shared_code.blob_files import stage_json
from shared_code.cosmos_writer import CosmosIndex, KnownSource
from shared_code.fingerprints import source_fingerprint
from shared_code.jobs import EmbedFilesJob
from shared_code.packing import packed
from shared_code.source_files import FilePage, SourceFile, SourceFiles
from shared_code.token_estimate import estimated_tokens

# What one activity lists takes seconds, far below the time that it may take.
_NAMES_PER_PART = 20_000
# A page is seconds of work, so that little is lost when it breaks off. Activities work on them side by side:
# while one waits for its vectors, others read files and write chunks.
_TOKENS_PER_PAGE = 250_000
_FILES_PER_PAGE = 50
_VANISHED_PER_PAGE = 200


@dataclass(kw_only=True)
class _Part:
    """What one part of the listing found, and where it stands: behind the source `after`."""

    token: str | None = None
    after: str = ""
    files: int = 0
    unchanged: int = 0
    known: int = 0
    changed: list[SourceFile] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)

    def add(self, page: FilePage, known: Mapping[str, KnownSource], container: str, fingerprint: str) -> None:
        gone = dict(known)
        for file in page.files:
            source = gone.pop(f"{container}/{file.name}", None)
            if source == KnownSource(file.etag, fingerprint):
                self.unchanged += 1
            else:
                self.changed.append(file)
        self.files += len(page.files)
        self.known += len(known)
        self.vanished += (source.removeprefix(f"{container}/") for source in gone)

    def pages(self) -> list[list[dict[str, Any]]]:
        pages = packed(self.changed, _tokens_of, most_weight=_TOKENS_PER_PAGE, most_items=_FILES_PER_PAGE)
        return [[file.to_json() for file in page] for page in pages]

    def stale_pages(self) -> list[list[str]]:
        starts = range(0, len(self.vanished), _VANISHED_PER_PAGE)
        return [self.vanished[start : start + _VANISHED_PER_PAGE] for start in starts]

    def counts(self) -> dict[str, int]:
        return {
            "files": self.files,
            "unchanged": self.unchanged,
            "size": sum(file.size for file in self.changed),
            "tokens": sum(map(_tokens_of, self.changed)),
            "known": self.known,
            "vanished": len(self.vanished),
        }


async def list_part(
    files: SourceFiles,
    index: CosmosIndex,
    staging: ContainerClient,
    *,
    job_id: str,
    job: EmbedFilesJob,
    marker: dict[str, Any] | None,
    first_page: int,
    first_stale_page: int,
    most_names: int = _NAMES_PER_PART,
) -> dict[str, Any]:
    """Lists on from a marker, stages what it finds from the given page numbers on, and counts it.

    Raises:
        ContainerNotFound: there is no such container.
    """
    part = _Part(**marker) if marker else _Part()
    async for page in files.pages(job.prefix, part.token):
        await _compare(part, page, index, job)
        if part.files >= most_names:
            break
    pages, stale_pages = part.pages(), part.stale_pages()
    await _stage(staging, job_id, "pages", first_page, pages)
    await _stage(staging, job_id, "stale", first_stale_page, stale_pages)
    return {
        **part.counts(),
        "pages": len(pages),
        "stale_pages": len(stale_pages),
        "marker": {"token": part.token, "after": part.after} if part.token else None,
    }


async def _compare(part: _Part, page: FilePage, index: CosmosIndex, job: EmbedFilesJob) -> None:
    """Adds a page of files and what the index knows in the same range of names."""
    part.token = page.token
    if page.token and not page.files:
        return
    # The last page answers for all the names behind it.
    until = f"{job.container}/{page.files[-1].name}" if page.token else None
    known = await index.known(f"{job.container}/{job.prefix}", after=part.after, until=until)
    part.add(page, known, job.container, source_fingerprint(job.plan))
    part.after = until or part.after


async def _stage(
    container: ContainerClient, job_id: str, kind: str, first: int, pages: Sequence[Sequence[Any]]
) -> None:
    for number, page in enumerate(pages, first):
        await stage_json(container, job_id, f"{kind}/{number}.json", page)


def _tokens_of(file: SourceFile) -> int:
    return estimated_tokens(file.name, file.size)
