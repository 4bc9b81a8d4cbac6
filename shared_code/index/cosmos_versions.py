"""All versions of environments' indexes: which there are, what is in them, and what is kept about them.

What is kept about the versions of an environment is one item, beside the index, in a partition of its own.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from shared_code.index.cosmos_container import CosmosContainer, require_absent
from shared_code.index.cosmos_partition import CosmosPartition
from shared_code.index.records import ContainerMissing, IndexConflict

_ITEM = "versions"
_STATE = "state"
# No label has it, so that no environment's name is the beginning of another's version.
_BETWEEN = "|"


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What is in a version: of events there are chunks alone."""

    version: str
    sources: int
    chunks: int
    model: str | None


@dataclass(frozen=True, kw_only=True)
class KeptState:
    """What is kept about an environment's versions, as JSON values; `etag` is None where nothing is yet."""

    value: Mapping[str, Any]
    etag: str | None


class CosmosVersions:
    """The versions of all environments in one container."""

    def __init__(self, container: CosmosContainer) -> None:
        """Opens nothing."""
        self._container = container

    async def contents(self, env: str) -> list[Contents]:
        """What is in each version of an environment, by their names."""
        query = "SELECT DISTINCT VALUE c.index FROM c WHERE STARTSWITH(c.index, @prefix)"
        names = await self._values(query, prefix=f"{env}{_BETWEEN}")
        return list(await asyncio.gather(*(self._contents(name) for name in sorted(set(names)))))

    async def state(self, env: str) -> KeptState:
        """What is kept about the versions of an environment."""
        item = await self._partition(env).read(_ITEM)
        if item is None:
            return KeptState(value={}, etag=None)
        return KeptState(value=item[_STATE], etag=item["_etag"])

    async def keep(self, env: str, state: KeptState) -> None:
        """Writes what is kept about the versions of an environment.

        Raises:
            IndexConflict: it is not as it was read.
            ContainerMissing: there is no index yet.
        """
        item = {"id": _ITEM, "pk": env, _STATE: dict(state.value)}
        try:
            await self._partition(env).save([(item, state.etag)])
        except (CosmosResourceExistsError, CosmosAccessConditionFailedError):
            raise IndexConflict from None
        except CosmosResourceNotFoundError as error:
            require_absent(error)
            raise ContainerMissing from None

    async def _contents(self, name: str) -> Contents:
        sources, chunks, models = await asyncio.gather(
            self._values("SELECT VALUE COUNT(1) FROM c WHERE c.pk = @pk", partition=name, pk=name),
            self._values("SELECT VALUE COUNT(1) FROM c WHERE c.index = @index", index=name),
            self._values(
                "SELECT TOP 1 VALUE c.model FROM c WHERE c.pk = @pk AND c.model > ''", partition=name, pk=name
            ),
        )
        version = name.partition(_BETWEEN)[2]
        return Contents(version=version, sources=sources[0], chunks=chunks[0], model=next(iter(models), None))

    async def _values(self, query: str, *, partition: str | None = None, **values: str) -> list[Any]:
        """What a query finds; nothing if the container is still to be created."""
        options: dict[str, Any] = {"partition_key": partition} if partition else {}
        parameters: list[dict[str, object]] = [
            {"name": f"@{name}", "value": value} for name, value in values.items()
        ]
        found = self._container.proxy.query_items(query, parameters=parameters, **options)
        try:
            async with self._container.slots:
                return [item async for item in found]
        except CosmosResourceNotFoundError as error:
            require_absent(error)
            return []

    def _partition(self, env: str) -> CosmosPartition:
        return CosmosPartition(self._container.proxy, env, self._container.slots)
