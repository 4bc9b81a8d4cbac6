"""What a container is made with: partition key, vectors and policies, which are kept as they were given."""

import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from local.emulators.cosmos.errors import BadRequest, PartitionKeyMismatch
from local.emulators.cosmos.evaluation import child
from local.emulators.cosmos.syntax import UNDEFINED

UNDEFINED_PARTITION = "[{}]"
_MOST_DIMENSIONS = {"flat": 505, "quantizedFlat": 4096, "diskANN": 4096}
_FIXED = ("partitionKey", "vectorEmbeddingPolicy")
_DEFAULT_INDEXING = {
    "indexingMode": "consistent",
    "automatic": True,
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": '/"_etag"/?'}],
}
_floats = msgspec.json.Decoder(list[float])

Raw = dict[str, msgspec.Raw]
"""A JSON object of which only the names are read."""


@dataclass(frozen=True)
class VectorPath:
    """A property that holds vectors of one length."""

    name: str
    dimensions: int
    function: str

    def parse(self, raw: msgspec.Raw) -> bytes | None:
        """The vector as float32; None where the value is not a vector of this length."""
        try:
            vector = array.array("f", _floats.decode(raw))
        except msgspec.ValidationError:
            return None
        if len(vector) != self.dimensions or not np.isfinite(np.frombuffer(vector, np.float32)).all():
            return None
        return vector.tobytes()


@dataclass(frozen=True)
class Container:
    """A container of a database, known by its number."""

    number: int
    database: int
    properties: Mapping[str, Any]

    @cached_property
    def rid(self) -> str:
        """What tells it from another that had its name before."""
        return str(self.properties["_rid"])

    @cached_property
    def partition_paths(self) -> list[list[str]]:
        """Where an item has the values of its partition key."""
        return [path.strip("/").split("/") for path in self.properties["partitionKey"]["paths"]]

    @cached_property
    def vector_paths(self) -> list[VectorPath]:
        """The vectors that are kept as such: those at the top of an item. Others stay arrays of numbers."""
        policy = self.properties.get("vectorEmbeddingPolicy") or {}
        return [
            VectorPath(one["path"][1:], one["dimensions"], one.get("distanceFunction", "cosine"))
            for one in policy.get("vectorEmbeddings", ())
            if "/" not in one["path"][1:] and one.get("dataType", "float32") == "float32"
        ]

    def partition_of(self, item: Raw) -> str:
        """The partition that an item belongs to."""
        values = [_value_at(item, path) for path in self.partition_paths]
        return UNDEFINED_PARTITION if UNDEFINED in values else partition_text(values)

    def split(self, item: Raw) -> tuple[Raw, bytes | None]:
        """An item without its vectors, and these."""
        rest, found = dict(item), {}
        for path in self.vector_paths:
            vector = path.parse(rest[path.name]) if path.name in rest else None
            if vector is not None:
                found[path.name] = vector
                del rest[path.name]
        if not found:
            return rest, None
        return rest, b"".join(found.get(path.name) or _absent(path) for path in self.vector_paths)

    def join(self, item: dict[str, Any], vectors: bytes | None) -> dict[str, Any]:
        """Puts the vectors of an item back into it."""
        if vectors is None:
            return item
        numbers, start = np.frombuffer(vectors, np.float32), 0
        for path in self.vector_paths:
            vector = numbers[start : start + path.dimensions]
            start += path.dimensions
            if not np.isnan(vector[0]):
                item[path.name] = vector
        return item


def partition_text(values: list[Any]) -> str:
    """The values of a partition key in the form in which they are kept and compared."""
    exact = [int(value) if isinstance(value, float) and value.is_integer() else value for value in values]
    return msgspec.json.encode(exact).decode()


def partition_of_header(header: str) -> str:
    """The partition that a request names.

    Raises:
        BadRequest: the service would refuse it with 400.
    """
    try:
        return partition_text(msgspec.json.decode(header, type=list[Any]))
    except (msgspec.MsgspecError, ValueError):
        raise BadRequest(f"The partition key {header} is not a JSON array.") from None


def checked(properties: Any, earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The properties of a new container, or of one that is replaced, with defaults.

    Raises:
        BadRequest: the service would refuse it with 400.
    """
    if not isinstance(properties, dict) or not isinstance(properties.get("id"), str):
        raise BadRequest("A container needs an id.")
    paths = (properties.get("partitionKey") or {}).get("paths")
    if not paths or not all(isinstance(path, str) and path.startswith("/") for path in paths):
        raise BadRequest("A container needs a partition key with paths that begin with a slash.")
    made = {"indexingPolicy": _DEFAULT_INDEXING, **properties}
    _check_vectors(made)
    _check_texts(made)
    for name in _FIXED if earlier else ():
        if made.get(name) != (earlier or {}).get(name):
            raise BadRequest(f"The {name} of a container cannot be changed.")
    return made


def _check_vectors(properties: Mapping[str, Any]) -> None:
    policy = properties.get("vectorEmbeddingPolicy") or {}
    dimensions = {one.get("path"): one.get("dimensions") for one in policy.get("vectorEmbeddings", ())}
    for path, number in dimensions.items():
        if not isinstance(path, str) or not path.startswith("/") or not isinstance(number, int) or number < 1:
            raise BadRequest("A vector embedding needs a path and a number of dimensions.")
    for index in properties["indexingPolicy"].get("vectorIndexes", ()):
        most = _MOST_DIMENSIONS.get(index.get("type"))
        if index.get("path") not in dimensions:
            raise BadRequest(f"The vector index on {index.get('path')} has no vector embedding of that path.")
        if most is None or dimensions[index["path"]] > most:
            raise BadRequest(
                f"A vector index of type {index.get('type')} on {index['path']} is not possible: the types "
                f"and their most dimensions are {_MOST_DIMENSIONS}."
            )


def _check_texts(properties: Mapping[str, Any]) -> None:
    policy = properties.get("fullTextPolicy") or {}
    paths = {one.get("path") for one in policy.get("fullTextPaths", ())}
    for index in properties["indexingPolicy"].get("fullTextIndexes", ()):
        if index.get("path") not in paths:
            raise BadRequest(
                f"The full-text index on {index.get('path')} has no full-text path of that name."
            )


def require_partition(container: Container, item: Raw, partition: str) -> None:
    """Makes sure that an item belongs to the partition that the request names.

    Raises:
        PartitionKeyMismatch: it does not.
    """
    if container.partition_of(item) != partition:
        raise PartitionKeyMismatch(
            "PartitionKey extracted from document doesn't match the one specified in the header."
        )


def _value_at(item: Raw, path: list[str]) -> Any:
    if path[0] not in item:
        return UNDEFINED
    value = msgspec.json.decode(item[path[0]])
    for key in path[1:]:
        value = child(value, key)
    return value


def _absent(path: VectorPath) -> bytes:
    return np.full(path.dimensions, np.nan, np.float32).tobytes()
