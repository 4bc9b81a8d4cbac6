"""Counts the union of the runs that the windows of an audit query have staged, in bounded memory.

ADR 2 has the reasons.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence

from azure.storage.blob.aio import ContainerClient

from shared_code.digests import DIGEST_SIZE, split
from shared_code.storage.staging import staged_runs


async def count_staged(container: ContainerClient, job_id: str, *, runs: int) -> int:
    """Counts the distinct digests of a job's runs.

    Raises:
        StagedRunsMissing: there are not as many runs as the job staged.
    """
    return await count_union(await staged_runs(container, job_id, runs=runs))


async def count_union(runs: Sequence[AsyncIterator[bytes]]) -> int:
    """Counts the distinct digests of sorted runs, in lockstep by their first byte: one 256th at a time."""
    cursors = [_RunCursor(run) for run in runs]
    count = 0
    for first_byte in range(256):
        parts = await asyncio.gather(*(cursor.take(first_byte) for cursor in cursors))
        count += await asyncio.to_thread(_count_distinct, parts)
    return count


def _count_distinct(parts: Sequence[bytes]) -> int:
    return len(set[bytes]().union(*map(split, parts)))


class _RunCursor:
    """Reads a sorted run from the front, no further than it has to."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()
        self._ended = False

    async def take(self, first_byte: int) -> bytes:
        """The digests that begin with this byte, once all lesser ones have been taken."""
        while not self._ended and self._may_go_on(first_byte):
            chunk = await anext(self._chunks, None)
            self._ended = chunk is None
            self._buffer += chunk or b""
        digests = range(len(self._buffer) // DIGEST_SIZE)
        end = DIGEST_SIZE * bisect_right(
            digests, first_byte, key=lambda index: self._buffer[index * DIGEST_SIZE]
        )
        taken = bytes(self._buffer[:end])
        del self._buffer[:end]
        return taken

    def _may_go_on(self, first_byte: int) -> bool:
        """Whether digests with this first byte may lie beyond the buffer; its tail may be a part of one."""
        whole = len(self._buffer) // DIGEST_SIZE * DIGEST_SIZE
        return whole == 0 or self._buffer[whole - DIGEST_SIZE] <= first_byte
