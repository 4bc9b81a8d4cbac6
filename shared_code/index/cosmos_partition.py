"""The items of one Cosmos DB partition, written in as few requests as the service allows.

A batch is a way to save requests and no more: nothing here counts on all of it happening or none. What the
service refuses as a batch is done one by one, where an error is that of one item.

ADR 16 has the reasons.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import msgspec
from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceNotFoundError,
)

from shared_code.concurrency import run_all
from shared_code.embeddings.vectors import Vector
from shared_code.index.cosmos_container import VECTOR, require_absent
from shared_code.packing import packed
from shared_code.telemetry import log_event

# The service takes 100 operations and 2 MB; the SDK warns above 1 MB, and a batch must end within 5 seconds.
_OPERATIONS_PER_BATCH = 100
_BYTES_PER_BATCH = 1_000_000
_BATCHES_AT_ONCE = 8
# Of an item that has another ETag than it should, or is gone.
_CONDITION_FAILED = {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND}
# A page ends at 4 MB, too; by itself the service would end it after 100 items.
_ITEMS_PER_PAGE = 1_000
# As the SDK writes it: within a string the quotation marks would be escaped, so that no text looks like it.
_OPERATION = '{"operationType":'
_QUIET_OPERATION = '{"minimalReturnPreference":true,"operationType":'
_UPSERT = _QUIET_OPERATION.encode() + b'"Upsert","resourceBody":%b}'
_DELETE = _QUIET_OPERATION.encode() + b'"Delete","id":%b,"ifMatch":%b}'


@dataclass(frozen=True, slots=True)
class _Operation:
    """An operation in the SDK's form for batches, and how to do it alone; `body` if it is written in here.

    Where a condition of it does not hold, the others of its batch are not done alone either.
    """

    batched: tuple[Any, ...]
    alone: Callable[[], Awaitable[Any]]
    body: bytes = b""
    is_condition: bool = False


class CosmosPartition:
    """One partition of a container; `slots` bounds the requests."""

    def __init__(self, container: ContainerProxy, key: str, slots: asyncio.Semaphore) -> None:
        self.key = key
        self._container = container
        self._slots = slots

    async def query(self, query: str, **values: Any) -> AsyncIterator[Any]:
        """The answers of a query with `@pk` in its WHERE; none if the container is still to be created."""
        given = {"pk": self.key, **values}
        pages = self._container.query_items(
            query,
            parameters=[{"name": f"@{name}", "value": value} for name, value in given.items()],
            partition_key=self.key,
            max_item_count=_ITEMS_PER_PAGE,
        ).by_page()
        while True:
            try:
                async with self._slots:
                    page = [item async for item in await anext(pages)]
            except StopAsyncIteration:
                return
            except CosmosResourceNotFoundError as error:
                require_absent(error)
                return
            for item in page:
                yield item

    async def has(self, item: str) -> bool:
        """Whether there is an item with this id; by far cheaper than a query."""
        return await self.read(item) is not None

    async def read(self, item: str) -> dict[str, Any] | None:
        """The item with this id, if there is one."""
        try:
            async with self._slots:
                return dict(await self._container.read_item(item, self.key))
        except CosmosResourceNotFoundError as error:
            require_absent(error)
            return None

    async def upsert(
        self,
        items: Iterable[tuple[dict[str, Any], Vector | None]],
        *,
        instead_of: tuple[str, str] | None = None,
    ) -> None:
        """Writes items with their vectors, if they have one, or the same items once more.

        Args:
            items: what to write.
            instead_of: the id and the ETag of an item that is deleted with the first of them.

        Raises:
            CosmosBatchOperationError, CosmosAccessConditionFailedError: that item is gone, or another by now.
                Some of the others may have been written.
        """
        operations = [self._upsert(item, vector) for item, vector in items]
        if instead_of:
            operations.insert(1, self._delete_with_others(*instead_of))
        await self._run(operations)

    async def save(self, items: Iterable[tuple[dict[str, Any], str | None]]) -> list[str]:
        """Writes items that nobody else has written meanwhile, and gives their new ETags in order.

        Args:
            items: each with the ETag that it must still have; None where it must not be there yet.

        Raises:
            CosmosHttpResponseError: 409, one is there; 412, one is another by now; 404, one is gone or has
                no container. Others may have been written.
        """
        return await self._run(self._save(item, etag) for item, etag in items)

    async def patch(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Sets fields of the items with these ids."""
        await self._run(self._patch(item, fields) for item, fields in changes.items())

    async def delete(self, ids: Iterable[str]) -> None:
        """Deletes items, those that are there."""
        await self._run(_Operation(("delete", (item,)), partial(self._delete, item)) for item in ids)

    async def delete_if_still(self, item: str, etag: str | None) -> None:
        """Deletes an item, if it is there.

        Raises:
            CosmosAccessConditionFailedError: it has another ETag by now.
        """
        with suppress(CosmosResourceNotFoundError):  # deleted twice
            async with self._slots:
                await self._container.delete_item(item, self.key, **_only_if_still(etag))

    def _upsert(self, item: dict[str, Any], vector: Vector | None) -> _Operation:
        body = msgspec.json.encode({**item, VECTOR: msgspec.Raw(vector.json)} if vector else item)
        alone = partial(self._container.upsert_item, item, no_response=True, **_sending(body))
        return _Operation(("upsert", ({"id": item["id"]},)), alone, _UPSERT % body)

    def _delete_with_others(self, item: str, etag: str) -> _Operation:
        body = _DELETE % (msgspec.json.encode(item), msgspec.json.encode(etag))
        alone = partial(self._container.delete_item, item, self.key, **_only_if_still(etag))
        return _Operation(("delete", (item,)), alone, body, is_condition=True)

    def _save(self, item: dict[str, Any], etag: str | None) -> _Operation:
        if etag is None:
            return _Operation(("create", (item,)), partial(self._container.create_item, item))
        alone = partial(self._container.replace_item, item["id"], item, **_only_if_still(etag))
        return _Operation(("replace", (item["id"], item), {"if_match_etag": etag}), alone)

    def _patch(self, item: str, fields: Mapping[str, Any]) -> _Operation:
        changes = [{"op": "set", "path": f"/{name}", "value": value} for name, value in fields.items()]
        alone = partial(self._container.patch_item, item, self.key, changes, no_response=True)
        return _Operation(("patch", (item, changes)), alone)

    async def _delete(self, item: str) -> None:
        with suppress(CosmosResourceNotFoundError):  # deleted twice
            await self._container.delete_item(item, self.key)

    async def _run(self, operations: Iterable[_Operation]) -> list[str]:
        """Does operations of one kind, and gives the new ETags of their items as far as there are any."""
        batches = packed(
            operations,
            lambda operation: len(operation.body),
            most_weight=_BYTES_PER_BATCH,
            most_items=_OPERATIONS_PER_BATCH,
        )
        etags = await run_all((self._run_batch(batch) for batch in batches), at_once=_BATCHES_AT_ONCE)
        return [etag for batch in etags for etag in batch]

    async def _run_batch(self, batch: Sequence[_Operation]) -> list[str]:
        results = await self._as_batch(batch) if len(batch) > 1 else None
        if results is None:
            return await run_all((self._run_alone(operation) for operation in batch), at_once=len(batch))
        return [result.get("eTag", "") for result in results]

    async def _as_batch(self, batch: Sequence[_Operation]) -> list[dict[str, Any]] | None:
        """What the service answers for each operation; None where it does not take them as a batch."""
        bodies = [operation.body for operation in batch if operation.body]
        options = _sending(b"[" + b",".join(bodies) + b"]") if bodies else _QUIET
        try:
            async with self._slots:
                results: list[dict[str, Any]] = await self._container.execute_item_batch(
                    [operation.batched for operation in batch], self.key, **options
                )
        except (CosmosBatchOperationError, CosmosHttpResponseError) as error:
            # The status of a batch error is that of an operation; the other kind is about the whole request.
            whole = isinstance(error, CosmosHttpResponseError)
            is_final = (
                error.status_code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                if whole
                else error.status_code in _CONDITION_FAILED and any(each.is_condition for each in batch)
            )
            if is_final:
                raise
            log_event("index.batch_refused", status=error.status_code, operations=len(batch))
            return None
        # A part of the answer does not tell what became of the others: those that were done are done twice.
        return results if len(results) == len(batch) else None

    async def _run_alone(self, operation: _Operation) -> str:
        async with self._slots:
            written: dict[str, str] = await operation.alone() or {}
        return written.get("_etag", "")


def _only_if_still(etag: str | None) -> dict[str, Any]:
    """Options by which an item is changed only if it has this ETag."""
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _sending(body: bytes) -> dict[str, Any]:
    """Options by which the SDK sends this body, instead of writing every number of a vector as a double."""
    return {"raw_request_hook": lambda request: request.http_request.set_bytes_body(body)}


def _decline_items(request: Any) -> None:
    body = request.http_request.data
    request.http_request.set_text_body(body.replace(_OPERATION, _QUIET_OPERATION))


# A batch is answered with all of its items unless each operation declines that, which the SDK cannot say.
_QUIET: dict[str, Any] = {"raw_request_hook": _decline_items}
