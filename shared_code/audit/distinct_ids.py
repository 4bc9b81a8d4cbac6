"""A compact set of the values of one table column, each kept as a digest of 16 bytes.

Two values have one digest exactly when Python's `==` holds for what azure-data-tables makes of them, so
that counting digests is counting `set(values)`; no collision is to be expected below 10^15 values.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID, uuid4

DIGEST_SIZE = 16
_PREFIXES = 256
_RECENT = 32_768
_SMALLEST_COMPACTION = 1_024 * DIGEST_SIZE


def digest(value: Any, edm_type: str | None = None) -> bytes:
    """The digest of one value as a table answers it: JSON and, where JSON has no such type, its Edm type."""
    text = f"s{value}" if edm_type is None and isinstance(value, str) else _canonical(value, edm_type)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_SIZE).digest()


def _canonical(value: Any, edm_type: str | None) -> str:
    match edm_type:
        case "Edm.String":
            return f"s{value}"
        case "Edm.Int64":
            return f"l{int(value)}"
        case "Edm.Guid":
            return f"g{UUID(value)}"
        case "Edm.DateTime":
            # Python keeps microseconds of the service's ten millionths, so two instants may become one.
            return f"t{datetime.fromisoformat(value).isoformat()}"
        case "Edm.Binary":
            return f"b{value}"
        case _:
            return _canonical_number(float(value) if isinstance(value, str) else value)


def _canonical_number(number: float) -> str:
    """One text for `1`, `1.0` and `True`, which are one member of a set; every NaN is a member of its own."""
    if number != number:  # noqa: PLR0124 - true of NaN alone
        return f"n{uuid4()}"
    whole = isinstance(number, int) or number.is_integer()
    return f"n{int(number) if whole else number}"


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


def split(run: bytes | bytearray) -> set[bytes]:
    """The digests of a run."""
    return {bytes(run[start : start + DIGEST_SIZE]) for start in range(0, len(run), DIGEST_SIZE)}


def _compacted(run: bytearray) -> bytes:
    return b"".join(sorted(split(run)))
