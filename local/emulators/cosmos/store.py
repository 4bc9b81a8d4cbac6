"""Databases, containers and items in SQLite: a write that was answered outlives the process, however it ends.

One thread writes; others read what is committed, each through a connection of its own.
"""

import base64
import json
import secrets
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import msgspec
import orjson

from local.emulators.cosmos.containers import Container, Raw, checked, require_partition
from local.emulators.cosmos.errors import (
    BadRequest,
    Conflict,
    NotFound,
    OwnerNotFound,
    PreconditionFailed,
    ServiceError,
)
from local.emulators.cosmos.evaluation import Compiler, Row
from local.emulators.cosmos.parser import parse
from local.emulators.cosmos.patching import patched

_PRAGMAS = (
    "PRAGMA page_size = 16384",  # an item and its vector fit a page
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = NORMAL",  # a killed process loses nothing; a power cut may lose the last writes
    "PRAGMA wal_autocheckpoint = 4000",  # 64 MB: each checkpoint waits for the disk
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 30000",
)
_SYSTEM = ("_rid", "_self", "_etag", "_attachments", "_ts")
_LONGEST_ID = 1023
_COLUMNS = "slot, id, number, etag, time, body, vectors"
_ABSENT = "Entity with the specified id does not exist in the system."


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
        return dict(zip(_SYSTEM, (rid, link, self.etag, "attachments/", self.time), strict=True))


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


class Store:
    """The file with everything in it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._local = threading.local()
        self._found: dict[tuple[str, str], Container] = {}
        self._generation = 0
        self._forgotten: dict[int, deque[int]] = {}
        with self._connection:
            self._connection.executescript(Path(__file__).with_name("schema.sql").read_text())

    @property
    def _connection(self) -> sqlite3.Connection:
        """The connection of this thread."""
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self._file, isolation_level=None)
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            self._local.connection = connection
        return self._local.connection  # type: ignore[no-any-return]

    # Databases

    def create_database(self, properties: Any) -> dict[str, Any]:
        """A new database. Raises BadRequest or Conflict."""
        if not isinstance(properties, dict) or not isinstance(properties.get("id"), str):
            raise BadRequest("A database needs an id.")
        rid = _new_rid(4)
        links = {"_self": f"dbs/{rid}/", "_colls": "colls/", "_users": "users/"}
        made = {"id": properties["id"], "_rid": rid, **links, "_etag": _new_etag(), "_ts": int(time.time())}
        self._insert("INSERT INTO databases (id, properties) VALUES (?, ?)", made["id"], json.dumps(made))
        return made

    def databases(self) -> list[dict[str, Any]]:
        """All databases."""
        rows = self._connection.execute("SELECT properties FROM databases ORDER BY number")
        return [json.loads(properties) for (properties,) in rows]

    def database(self, name: str) -> dict[str, Any]:
        """A database. Raises NotFound."""
        return self._database(name)[1]

    def delete_database(self, name: str) -> None:
        """Deletes a database and all that it has. Raises NotFound."""
        number, _ = self._database(name)
        self._connection.execute("DELETE FROM databases WHERE number = ?", (number,))
        self._forget_found()

    def _database(self, name: str) -> tuple[int, dict[str, Any]]:
        select = "SELECT number, properties FROM databases WHERE id = ?"
        row = self._connection.execute(select, (name,)).fetchone()
        if row is None:
            raise NotFound(_ABSENT)
        return row[0], json.loads(row[1])

    # Containers

    def create_container(self, database: str, properties: Any) -> Container:
        """A new container. Raises BadRequest, NotFound or Conflict."""
        number, parent = self._database(database)
        made = checked(properties)
        rid = _new_rid(8)
        made |= {"_rid": rid, "_self": f"{parent['_self']}colls/{rid}/", "_etag": _new_etag()}
        made |= {"_ts": int(time.time()), "_docs": "docs/", "_sprocs": "sprocs/", "_conflicts": "conflicts/"}
        insert = "INSERT INTO containers (database, id, properties) VALUES (?, ?, ?)"
        self._insert(insert, number, made["id"], json.dumps(made))
        return self.container(database, made["id"])

    def containers(self, database: str) -> list[Mapping[str, Any]]:
        """The containers of a database. Raises NotFound."""
        number, _ = self._database(database)
        select = "SELECT properties FROM containers WHERE database = ? ORDER BY number"
        return [json.loads(properties) for (properties,) in self._connection.execute(select, (number,))]

    def container(self, database: str, name: str) -> Container:
        """A container. Raises NotFound."""
        known = self._found.get((database, name))
        if known is not None:
            return known
        generation = self._generation
        select = (
            "SELECT containers.number, database, containers.properties FROM containers "
            "JOIN databases ON databases.number = database WHERE databases.id = ? AND containers.id = ?"
        )
        row = self._connection.execute(select, (database, name)).fetchone()
        if row is None:
            raise OwnerNotFound(_ABSENT)
        container = Container(row[0], row[1], json.loads(row[2]))
        if generation == self._generation:  # or it may be gone by now
            self._found[database, name] = container
        return container

    def replace_container(self, database: str, name: str, properties: Any) -> Container:
        """Changes what may be changed of a container. Raises BadRequest or NotFound."""
        container = self.container(database, name)
        made = checked(properties, container.properties)
        kept = {key: value for key, value in container.properties.items() if key.startswith("_")}
        made |= kept | {"id": name, "_etag": _new_etag(), "_ts": int(time.time())}
        update = "UPDATE containers SET properties = ? WHERE number = ?"
        self._connection.execute(update, (json.dumps(made), container.number))
        self._forget_found()
        return self.container(database, name)

    def delete_container(self, database: str, name: str) -> None:
        """Deletes a container and its items. Raises NotFound."""
        container = self.container(database, name)
        self._connection.execute("DELETE FROM containers WHERE number = ?", (container.number,))
        self._forget_found()

    def _forget_found(self) -> None:
        self._generation += 1
        self._found.clear()

    def _insert(self, statement: str, *values: object) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.IntegrityError:
            raise Conflict("Entity with the specified id already exists in the system.") from None

    # Items

    def item(self, container: Container, partition: str, item_id: str) -> StoredItem:
        """An item. Raises NotFound."""
        found = self._item(container, partition, item_id)
        if found is None:
            raise NotFound(_ABSENT)
        return found

    def partition(
        self, container: Container, partition: str, *, after: str = "", ids: Sequence[str] | None = None
    ) -> Iterator[StoredItem]:
        """The items of a partition in the order of their ids: those after one, or some of them."""
        select = f"SELECT {_COLUMNS} FROM items WHERE container = ? AND partition = ? AND id > ?"  # noqa: S608 - our own
        if ids is not None:
            select += " AND id IN (SELECT value FROM json_each(?))"
        wanted = [] if ids is None else [json.dumps(ids)]
        rows = self._connection.execute(
            f"{select} ORDER BY id", (container.number, partition, after, *wanted)
        )
        return (StoredItem(*row) for row in rows)

    def behind(self, container: Container, slot: int) -> Iterator[tuple[str, StoredItem]]:
        """The items of a container that were written after one, with their partitions."""
        # The plus keeps SQLite from its index on containers, by which it would sort all items each time.
        select = f"SELECT partition, {_COLUMNS} FROM items WHERE slot > ? AND +container = ? ORDER BY slot"  # noqa: S608 - our own
        rows = self._connection.execute(select, (slot, container.number))
        return ((row[0], StoredItem(*row[1:])) for row in rows)

    def at(self, slots: Sequence[int]) -> dict[int, StoredItem]:
        """The items in some slots, those that are still there."""
        select = f"SELECT {_COLUMNS} FROM items WHERE slot IN (SELECT value FROM json_each(?))"  # noqa: S608 - our own
        rows = self._connection.execute(select, (json.dumps(slots),))
        return {row[0]: StoredItem(*row) for row in rows}

    def watch(self, container: Container) -> deque[int]:
        """The slots that are given up from now on; whoever watches takes them out."""
        return self._forgotten.setdefault(container.number, deque())

    def run(self, container: Container, partition: str, operation: Operation) -> Result:
        """Does one operation. Raises ServiceError, and then nothing has changed."""
        result, error = self.run_batch(container, partition, [operation])[0]
        if error is not None:
            raise error
        return result

    def run_batch(
        self, container: Container, partition: str, operations: Sequence[Operation]
    ) -> list[tuple[Result, ServiceError | None]]:
        """Does all operations or, where one of them fails, none: the others then have the status 424."""
        transaction = _Transaction(self._connection, container, partition)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            results = self._run(transaction, operations)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        if results[-1][1] is None:
            self._connection.execute("COMMIT")
            if container.number in self._forgotten:
                self._forgotten[container.number].extend(transaction.forgotten)
            return results
        self._connection.execute("ROLLBACK")
        failed = Result(HTTPStatus.FAILED_DEPENDENCY)
        after = [(failed, None)] * (len(operations) - len(results))
        return [(failed, None)] * (len(results) - 1) + [results[-1], *after]

    @staticmethod
    def _run(
        transaction: "_Transaction", operations: Sequence[Operation]
    ) -> list[tuple[Result, ServiceError | None]]:
        """The results up to the first that is an error."""
        results: list[tuple[Result, ServiceError | None]] = []
        for operation in operations:
            try:
                results.append((transaction.run(operation), None))
            except ServiceError as error:
                results.append((Result(error.status), error))
                break
        return results

    def _item(self, container: Container, partition: str, item_id: str) -> StoredItem | None:
        return _Transaction(self._connection, container, partition).item(item_id)

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """The store of a folder, which is made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder / "cosmos.db")


class _Transaction:
    """Operations on the items of one partition, within a transaction of the connection."""

    def __init__(self, connection: sqlite3.Connection, container: Container, partition: str) -> None:
        self._connection = connection
        self._container = container
        self._partition = partition
        self.forgotten: list[int] = []

    def run(self, operation: Operation) -> Result:
        """Does an operation. Raises ServiceError."""
        item_id = operation.id or _id_of(operation.item)
        before = self.item(item_id)
        _check_conditions(operation, before)
        match operation.kind:
            case "Create" if before is not None:
                raise Conflict("Entity with the specified id already exists in the system.")
            case "Create" | "Upsert":
                return self._put(item_id, operation.item or {}, before)
            case "Read" | "Replace" | "Patch" | "Delete" if before is None:
                raise NotFound(_ABSENT)
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
        select = f"SELECT {_COLUMNS} FROM items WHERE container = ? AND partition = ? AND id = ?"  # noqa: S608 - our own
        row = self._connection.execute(select, (self._container.number, self._partition, item_id)).fetchone()
        return StoredItem(*row) if row else None

    def _put(self, item_id: str, item: Raw, before: StoredItem | None) -> Result:
        _check_id(item_id)
        if _id_of(item) != item_id:
            raise BadRequest("The id of the item and that in the address differ.")
        require_partition(self._container, item, self._partition)
        rest, vectors = self._container.split(item)
        for name in _SYSTEM:
            rest.pop(name, None)
        return self._write(item_id, _checked(rest), vectors, before)

    def _write(self, item_id: str, body: bytes, vectors: bytes | None, before: StoredItem | None) -> Result:
        if before is not None:
            self._forget(before)
        number = before.number if before is not None else time.time_ns()
        stored = StoredItem(0, item_id, number, _new_etag(), int(time.time()), body, vectors)
        insert = (
            "INSERT INTO items (container, partition, id, number, etag, time, body, vectors) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        key = self._container.number, self._partition, item_id
        try:
            added = self._connection.execute(insert, (*key, number, stored.etag, stored.time, body, vectors))
        except sqlite3.IntegrityError:
            raise OwnerNotFound(_ABSENT) from None  # the container was deleted a moment ago
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
        self.forgotten.append(item.slot)


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
    """An item as JSON. Raises BadRequest where queries could not read it: for half a surrogate pair."""
    body = msgspec.json.encode(item)
    try:
        orjson.loads(body)
    except ValueError:
        raise BadRequest("The item is not valid JSON in UTF-8.") from None
    return body


def _new_etag() -> str:
    return f'"{secrets.token_hex(8)}"'


def _new_rid(size: int) -> str:
    return base64.b64encode(secrets.token_bytes(size), b"+-").decode()
