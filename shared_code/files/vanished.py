"""Takes sources out of the index whose files are gone, after one more look whether they are.

A source is open for the job that deletes it: should its file come back meanwhile, a job that embeds it waits.
Else that job would keep chunks which go a moment later.
"""

import time
from collections.abc import Awaitable, Callable, Sequence

from shared_code.concurrency import run_all
from shared_code.index.cosmos_writer import CosmosIndex
from shared_code.index.records import OPEN_SECONDS, SourceRecord, require_free
from shared_code.storage.source_files import SourceFiles

_SOURCES_AT_ONCE = 8


async def delete_vanished(
    files: SourceFiles,
    index: CosmosIndex,
    names: Sequence[str],
    *,
    job_id: str,
    is_live: Callable[[str], Awaitable[bool]],
    clock: Callable[[], float] = time.time,
) -> int:
    """Deletes chunks and records of files that are gone; answers how many files those are.

    Args:
        files: where they were.
        index: where they still are.
        names: theirs, as far as a listing knew.
        job_id: of the job that deletes them.
        is_live: tells of another job whether it may still go on.
        clock: tells the time.

    Raises:
        SourceBusy: another job has one of the sources open.
        IndexConflict: another job wrote one of the sources meanwhile.
    """
    there = await run_all((files.exists(name) for name in names), at_once=_SOURCES_AT_ONCE)
    gone = [f"{files.container}/{name}" for name, is_there in zip(names, there, strict=True) if not is_there]
    records = (await index.records(gone)).values()
    await require_free(records, job_id, clock(), is_live=is_live)
    until = int(clock()) + OPEN_SECONDS
    opened = await index.save([record.opened(job_id, until) for record in records])
    await run_all((_delete(index, record) for record in opened), at_once=_SOURCES_AT_ONCE)
    return len(gone)


async def _delete(index: CosmosIndex, record: SourceRecord) -> None:
    await index.delete(record.source, await index.chunks(record.source))
    await index.forget(record)
