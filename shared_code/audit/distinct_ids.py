"""A compact set of the values of one table column, each kept as its digest."""

from collections.abc import Iterable
from typing import Any

from shared_code.digests import DIGEST_SIZE, digest, split

_PREFIXES = 256
_RECENT = 32_768
_SMALLEST_COMPACTION = 1_024 * DIGEST_SIZE


class DistinctIds:
    """Collects the distinct values of one column in bounded memory: about 16 to 32 bytes a value.

    Digests gather in a small set and move in bulk to 256 byte arrays by their first byte; an array is
    rid of its doubles whenever it has doubled.
    """

    def __init__(self, column: str) -> None:
        self.skipped = 0
        self._column = column
        self._type_of_column = f"{column}@odata.type"
        self._recent: set[bytes] = set()
        self._runs = [bytearray() for _ in range(_PREFIXES)]
        self._compact_at = [_SMALLEST_COMPACTION] * _PREFIXES

    def add_rows(self, rows: Iterable[dict[str, Any]]) -> None:
        """Adds the column's value of each row; a row without the column is only counted, as skipped."""
        for row in rows:
            value = row.get(self._column)
            if value is None:
                self.skipped += 1
            else:
                self._recent.add(digest(value, row.get(self._type_of_column)))
        if len(self._recent) >= _RECENT:
            self._settle()

    def sorted_run(self) -> bytes:
        """All digests in ascending order, each once."""
        self._settle()
        for run in self._runs:
            run[:] = _compacted(run)
        return b"".join(self._runs)

    def _settle(self) -> None:
        for value in self._recent:
            self._runs[value[0]] += value
        self._recent.clear()
        for prefix, run in enumerate(self._runs):
            if len(run) >= self._compact_at[prefix]:
                run[:] = _compacted(run)
                self._compact_at[prefix] = max(_SMALLEST_COMPACTION, 2 * len(run))


def _compacted(run: bytearray) -> bytes:
    return b"".join(sorted(split(run)))
