"""Reads and writes of the items of one partition, within a transaction of SQLite."""

import secrets
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import msgspec
import orjson

from local.emulators.cosmos.containers import Container, Raw, require_partition
from local.emulators.cosmos.errors import BadRequest, Conflict, NotFound, OwnerNotFound, PreconditionFailed
from local.emulators.cosmos.evaluation import Compiler, Row
from local.emulators.cosmos.items import COLUMNS, SYSTEM, Contents, Operation, Result, StoredItem
from local.emulators.cosmos.parser import parse
from local.emulators.cosmos.patching import patched

ABSENT = "Entity with the specified id does not exist in the system."

_LONGEST_ID = 1023


class Transaction:
    """Operations on the items of one partition, within a transaction of the connection."""

    def __init__(self, connection: sqlite3.Connection, container: Container, partition: str) -> None:
        self._connection = connection
        self._container = container
        self._partition = partition

    def run(self, operation: Operation) -> Result:
        """Does an operation.

        Raises:
            ServiceError: the operation is refused; the class says why.
        """
        item_id = operation.id or _id_of(operation.item)
        before = self.item(item_id)
        _check_conditions(operation, before)
        match operation.kind:
            case "Create" if before is not None:
                raise Conflict("Entity with the specified id already exists in the system.")
            case "Create" | "Upsert":
                return self._put(item_id, operation.item or {}, before)
            case "Read" | "Replace" | "Patch" | "Delete" if before is None:
                raise NotFound(ABSENT)
            case "Read":
                return Result(HTTPStatus.OK, before)
            case "Replace":
                return self._put(item_id, operation.item or {}, before)
            case "Patch" if before is not None:
                return self._patch(before, operation.patch or {})
            case "Delete" if before is not None:
                self._forget(before)
                return Result(HTTPStatus.NO_CONTENT)
        raise BadRequest(f"The operation {operation.kind} is not valid in a batch.")

    def item(self, item_id: str) -> StoredItem | None:
        """An item, if it is there."""
        select = f"SELECT {COLUMNS} FROM items WHERE container = ? AND partition = ? AND id = ?"  # noqa: S608 - our own
        row = self._connection.execute(select, (self._container.number, self._partition, item_id)).fetchone()
        return StoredItem(*row) if row else None

    def _put(self, item_id: str, item: Raw, before: StoredItem | None) -> Result:
        _check_id(item_id)
        if _id_of(item) != item_id:
            raise BadRequest("The id of the item and that in the address differ.")
        require_partition(self._container, item, self._partition)
        rest, vectors = self._container.split(item)
        for name in SYSTEM:
            rest.pop(name, None)
        return self._write(item_id, _checked(rest), vectors, before)

    def _write(self, item_id: str, body: bytes, vectors: bytes | None, before: StoredItem | None) -> Result:
        if before is not None:
            self._forget(before)
        number = before.number if before is not None else time.time_ns()
        stored = StoredItem(0, item_id, number, new_etag(), int(time.time()), body, vectors)
        insert = (
            "INSERT INTO items (container, partition, id, number, etag, time, body, vectors) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        key = self._container.number, self._partition, item_id
        try:
            added = self._connection.execute(insert, (*key, number, stored.etag, stored.time, body, vectors))
        except sqlite3.IntegrityError:
            raise OwnerNotFound(ABSENT) from None  # the container was deleted a moment ago
        status = HTTPStatus.CREATED if before is None else HTTPStatus.OK
        return Result(status, replace(stored, slot=added.lastrowid or 0))

    def _patch(self, before: StoredItem, patch: Mapping[str, Any]) -> Result:
        if not self._holds(before, patch.get("condition")):
            raise PreconditionFailed("One of the specified pre-condition is not met.")
        operations = patch.get("operations")
        names = {path.name for path in self._container.vector_paths}
        if names.isdisjoint(_top_names(operations)):
            item, vectors = orjson.loads(before.body), before.vectors
        else:
            item, vectors = self._container.join(orjson.loads(before.body), before.vectors), None
            item |= {name: item[name].tolist() for name in names & item.keys()}
        body = orjson.dumps(patched(item, operations))
        raw = msgspec.json.decode(body, type=Raw)
        if _id_of(raw) != before.id:
            raise BadRequest("A patch cannot change the id.")
        require_partition(self._container, raw, self._partition)
        if vectors is None:
            return self._put(before.id, raw, before)
        return self._write(before.id, body, vectors, before)

    def _holds(self, item: StoredItem, condition: str | None) -> bool:
        if not condition:
            return True
        where = parse(f"SELECT * {condition}").where
        return (
            where is None or Compiler().compile(where)(Row(item.value(self._container, Contents()))) is True
        )

    def _forget(self, item: StoredItem) -> None:
        self._connection.execute("DELETE FROM items WHERE slot = ?", (item.slot,))
        self._connection.execute("INSERT INTO forgotten (slot) VALUES (?)", (item.slot,))


def _check_conditions(operation: Operation, before: StoredItem | None) -> None:
    if_match, if_none_match = operation.if_match, operation.if_none_match
    outdated = (
        if_match and (before is not None or operation.kind == "Upsert") and not _matches(if_match, before)
    )
    if outdated or (if_none_match and operation.kind != "Read" and _matches(if_none_match, before)):
        raise PreconditionFailed("Operation cannot be performed because one of the preconditions is not met.")


def _matches(etag: str, item: StoredItem | None) -> bool:
    return item is not None and etag in {"*", item.etag}


def _id_of(item: Raw | None) -> str:
    try:
        return msgspec.json.decode((item or {})["id"], type=str)
    except (KeyError, msgspec.MsgspecError):
        raise BadRequest("An item needs an id that is a string.") from None


def _check_id(item_id: str) -> None:
    if not 0 < len(item_id) <= _LONGEST_ID or set(item_id) & set("/\\?#"):
        raise BadRequest(f"An id has 1 to {_LONGEST_ID} characters, and none of / \\ ? #.")


def _top_names(operations: Any) -> set[str]:
    paths = [
        operation.get(name)
        for operation in operations or ()
        if isinstance(operation, dict)
        for name in ("path", "from")
    ]
    return {path.split("/")[1] for path in paths if isinstance(path, str) and "/" in path}


def _checked(item: Raw) -> bytes:
    """An item as JSON.

    Raises:
        BadRequest: it holds half a surrogate pair, which queries could not read.
    """
    body = msgspec.json.encode(item)
    try:
        orjson.loads(body)
    except ValueError:
        raise BadRequest("The item is not valid JSON in UTF-8.") from None
    return body


def new_etag() -> str:
    """What tells a state of an item, a container or a database from another."""
    return f'"{secrets.token_hex(8)}"'
