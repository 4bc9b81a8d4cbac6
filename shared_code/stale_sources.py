"""Takes sources out of the index whose files are gone, after one more look whether they are."""

from collections.abc import Sequence

from shared_code.concurrency import run_all
from shared_code.cosmos_writer import CosmosIndex
from shared_code.source_files import SourceFiles

_SOURCES_AT_ONCE = 8


async def delete_vanished(files: SourceFiles, index: CosmosIndex, names: Sequence[str]) -> int:
    """Deletes chunks and records of files that are gone; answers how many files those are.

    Raises:
        IndexConflict: another job wrote one of the sources meanwhile.
    """
    gone = await run_all((_delete_if_gone(files, index, name) for name in names), at_once=_SOURCES_AT_ONCE)
    return sum(gone)


async def _delete_if_gone(files: SourceFiles, index: CosmosIndex, name: str) -> bool:
    if await files.exists(name):
        return False
    source = f"{files.container}/{name}"
    if record := await index.record(source):
        # Should the file come back while only a part is deleted, it must not be taken for complete.
        record = await index.save(record.opened())
        await index.delete(source, await index.chunks(source))
        await index.forget(record)
    return True
