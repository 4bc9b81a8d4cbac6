"""Operations on the items of one Cosmos DB partition, in as few requests as the service allows.

A batch is a way to save requests and no more: nothing here counts on all of it happening or none. What the
service refuses as a batch is done one by one, where the SDK waits out a 429 and an error is that of one item.
"""

import asyncio
import json
from array import array
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceNotFoundError,
)

from shared_code.concurrency import run_all
from shared_code.packing import packed
from shared_code.telemetry import log_event

VECTOR = "embedding"
# The service takes 100 operations and 2 MB; the SDK warns above 1 MB, and a batch must end within 5 seconds.
_OPERATIONS_PER_BATCH = 100
_BYTES_PER_BATCH = 1_000_000
_BATCHES_AT_ONCE = 8
# As the SDK writes it: within a string the quotation marks would be escaped, so that no text looks like it.
_NO_VECTOR = f'"{VECTOR}":null'
_OPERATION = '{"operationType":'
_QUIET_OPERATION = '{"minimalReturnPreference":true,"operationType":'


@dataclass(frozen=True, slots=True)
class _Operation:
    """An operation in the SDK's form for batches, and how to do it alone."""

    batched: tuple[str, tuple[Any, ...]]
    alone: Callable[[], Awaitable[object]]
    size: int = 0
    vector: str = ""


class CosmosPartition:
    """One partition of a container; `slots` bounds the requests."""

    def __init__(self, container: ContainerProxy, key: str, slots: asyncio.Semaphore) -> None:
        self._container = container
        self._key = key
        self._slots = slots

    async def upsert(self, items: Iterable[tuple[dict[str, Any], "array[float]"]]) -> None:
        """Writes items with their vectors, or the same items once more."""
        await self._run(self._upsert({**item, VECTOR: None}, json_numbers(vector)) for item, vector in items)

    async def patch(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Sets fields of items, which are told by their ids."""
        await self._run(self._patch(item, fields) for item, fields in changes.items())

    async def delete(self, ids: Iterable[str]) -> None:
        """Deletes items, those that are there."""
        await self._run(_Operation(("delete", (item,)), partial(self._delete, item)) for item in ids)

    def _upsert(self, item: dict[str, Any], vector: str) -> _Operation:
        alone = partial(self._container.upsert_item, item, no_response=True, **_with_vectors([vector]))
        return _Operation(("upsert", (item,)), alone, len(json.dumps(item)) + len(vector), vector)

    def _patch(self, item: str, fields: Mapping[str, Any]) -> _Operation:
        changes = [{"op": "set", "path": f"/{name}", "value": value} for name, value in fields.items()]
        alone = partial(self._container.patch_item, item, self._key, changes, no_response=True)
        return _Operation(("patch", (item, changes)), alone)

    async def _delete(self, item: str) -> None:
        try:
            await self._container.delete_item(item, self._key)
        except CosmosResourceNotFoundError:
            return  # deleted twice

    async def _run(self, operations: Iterable[_Operation]) -> None:
        batches = packed(
            operations,
            lambda operation: operation.size,
            most_weight=_BYTES_PER_BATCH,
            most_items=_OPERATIONS_PER_BATCH,
        )
        await run_all((self._run_batch(batch) for batch in batches), at_once=_BATCHES_AT_ONCE)

    async def _run_batch(self, batch: Sequence[_Operation]) -> None:
        if len(batch) > 1 and await self._is_done_as_batch(batch):
            return
        await run_all((self._run_alone(operation) for operation in batch), at_once=len(batch))

    async def _is_done_as_batch(self, batch: Sequence[_Operation]) -> bool:
        vectors = [operation.vector for operation in batch if operation.vector]
        try:
            async with self._slots:
                await self._container.execute_item_batch(
                    [operation.batched for operation in batch], self._key, **_with_vectors(vectors)
                )
        except (CosmosBatchOperationError, CosmosHttpResponseError) as error:
            # The status of a batch error is that of an operation; the other kind is about the whole request.
            whole = isinstance(error, CosmosHttpResponseError)
            if whole and error.status_code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                raise
            log_event("index.batch_refused", status=error.status_code, operations=len(batch))
            return False
        return True

    async def _run_alone(self, operation: _Operation) -> None:
        async with self._slots:
            await operation.alone()


def _with_vectors(vectors: Iterable[str]) -> dict[str, Any]:
    """Options that complete what the SDK sends, which has no way to say either of the two.

    It writes numbers as doubles, twice as long as floats and at four times the cost; and a batch is answered
    with all of its items unless each operation declines that.
    """
    missing = list(vectors)

    def complete(request: Any) -> None:
        texts = [*(f'"{VECTOR}":{vector}' for vector in missing), ""]
        missing.clear()  # what is sent again is complete already
        parts = request.http_request.data.split(_NO_VECTOR)
        body = "".join(part + text for part, text in zip(parts, texts, strict=True))
        request.http_request.set_text_body(body.replace(_OPERATION, _QUIET_OPERATION))

    return {"raw_request_hook": complete}


def json_numbers(vector: "array[float]") -> str:
    """JSON that reads back as the same floats: nine digits are all that one of 32 bits has."""
    return "[" + ",".join(["%.9g"] * len(vector)) % tuple(vector) + "]"
