"""Values as digests of 16 bytes, alone or one after another in a run.

Two values have one digest exactly when Python's `==` holds for what azure-data-tables makes of them, so that
counting digests is counting `set(values)`; no collision is to be expected below 10^15 values.
"""

from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID, uuid4

DIGEST_SIZE = 16


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


def split(run: bytes | bytearray) -> set[bytes]:
    """The digests of a run."""
    return {bytes(run[start : start + DIGEST_SIZE]) for start in range(0, len(run), DIGEST_SIZE)}
