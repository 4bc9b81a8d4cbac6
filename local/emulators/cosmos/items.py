"""Items as they are kept, and what may be done to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from local.emulators.cosmos.containers import Container, Raw

COLUMNS = "slot, id, number, etag, time, body, vectors"
"""Of the table of items, in the order of the fields of StoredItem."""
WITHOUT_VECTORS = COLUMNS.replace("vectors", "NULL")
SYSTEM = ("_rid", "_self", "_etag", "_attachments", "_ts")
"""What an item has beside what its user wrote."""


@dataclass(frozen=True)
class Contents:
    """What a query needs of items beside what their users wrote."""

    vectors: bool = True
    system: bool = True


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item as it is kept."""

    slot: int
    id: str
    number: int
    etag: str
    time: int
    body: bytes
    vectors: bytes | None

    def json(self, container: Container) -> bytes:
        """The whole item, without reading what the user wrote."""
        parts = [self.body[:-1]]
        if self.vectors is not None:
            found = container.join({}, self.vectors)
            parts.append(orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1])
        parts.append(orjson.dumps(self._system(container))[1:-1])
        return b",".join(part for part in parts if part != b"{").replace(b"{,", b"{", 1) + b"}"

    def value(self, container: Container, contents: Contents) -> dict[str, Any]:
        """The item as a query sees it."""
        item: dict[str, Any] = orjson.loads(self.body)
        if contents.vectors:
            container.join(item, self.vectors)
        if contents.system:
            item.update(self._system(container))
        return item

    def _system(self, container: Container) -> dict[str, Any]:
        rid = f"{container.rid}{self.number:016x}"
        link = f"{container.properties['_self']}docs/{rid}/"
        return dict(zip(SYSTEM, (rid, link, self.etag, "attachments/", self.time), strict=True))


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A read or a write of one item, alone or in a batch."""

    kind: str
    id: str = ""
    item: Raw | None = None
    patch: Mapping[str, Any] | None = None
    if_match: str | None = None
    if_none_match: str | None = None


@dataclass(frozen=True)
class Result:
    """What became of an operation."""

    status: int
    stored: StoredItem | None = None
