"""Takes sources out of the index whose files are gone, after one more look whether they are."""

from collections.abc import Sequence

from shared_code.concurrency import run_all
from shared_code.index.cosmos_writer import CosmosIndex
from shared_code.index.records import SourceRecord
from shared_code.storage.source_files import SourceFiles

_SOURCES_AT_ONCE = 8


async def delete_vanished(files: SourceFiles, index: CosmosIndex, names: Sequence[str]) -> int:
    """Deletes chunks and records of files that are gone; answers how many files those are.

    Raises:
        IndexConflict: another job wrote one of the sources meanwhile.
    """
    there = await run_all((files.exists(name) for name in names), at_once=_SOURCES_AT_ONCE)
    gone = [f"{files.container}/{name}" for name, is_there in zip(names, there, strict=True) if not is_there]
    records = await index.records(gone)
    # Should a file come back while only a part is deleted, it must not be taken for complete.
    opened = await index.save([record.opened() for record in records.values()])
    await run_all((_delete(index, record) for record in opened), at_once=_SOURCES_AT_ONCE)
    return len(gone)


async def _delete(index: CosmosIndex, record: SourceRecord) -> None:
    await index.delete(record.source, await index.chunks(record.source))
    await index.forget(record)
