"""Databases, containers and items in SQLite: a write that was answered outlives the process, however it ends.

One thread writes; others read what is committed, each through a connection of its own.
"""

import base64
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from local.emulators.cosmos.containers import Container, checked
from local.emulators.cosmos.errors import (
    BadRequest,
    Conflict,
    NotFound,
    OwnerNotFound,
    ServiceError,
)
from local.emulators.cosmos.items import COLUMNS, WITHOUT_VECTORS, Operation, Result, StoredItem
from local.emulators.cosmos.transaction import ABSENT, Transaction, new_etag

_PRAGMAS = (
    "PRAGMA page_size = 16384",  # an item and its vector fit a page
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = NORMAL",  # a killed process loses nothing; a power cut may lose the last writes
    "PRAGMA wal_autocheckpoint = 4000",  # 64 MB: each checkpoint waits for the disk
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 30000",
)


class Store:
    """The file with everything in it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._local = threading.local()
        self._found: dict[tuple[str, str], Container] = {}
        self._generation = 0
        with self._connection:
            self._connection.executescript(Path(__file__).with_name("schema.sql").read_text())

    @property
    def _connection(self) -> sqlite3.Connection:
        """The connection of this thread."""
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self.file, isolation_level=None)
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            self._local.connection = connection
        return self._local.connection  # type: ignore[no-any-return]

    # Databases

    def create_database(self, properties: Any) -> dict[str, Any]:
        """A new database.

        Raises:
            BadRequest: the service would refuse it with 400.
            Conflict: there is one of that name already.
        """
        if not isinstance(properties, dict) or not isinstance(properties.get("id"), str):
            raise BadRequest("A database needs an id.")
        rid = _new_rid(4)
        links = {"_self": f"dbs/{rid}/", "_colls": "colls/", "_users": "users/"}
        made = {"id": properties["id"], "_rid": rid, **links, "_etag": new_etag(), "_ts": int(time.time())}
        self._insert("INSERT INTO databases (id, properties) VALUES (?, ?)", made["id"], json.dumps(made))
        return made

    def databases(self) -> list[dict[str, Any]]:
        """All databases."""
        rows = self._connection.execute("SELECT properties FROM databases ORDER BY number")
        return [json.loads(properties) for (properties,) in rows]

    def database(self, name: str) -> dict[str, Any]:
        """A database.

        Raises:
            NotFound: there is none of that name.
        """
        return self._database(name)[1]

    def delete_database(self, name: str) -> None:
        """Deletes a database and all that it has.

        Raises:
            NotFound: there is none of that name.
        """
        number, _ = self._database(name)
        self._connection.execute("DELETE FROM databases WHERE number = ?", (number,))
        self._forget_found()

    def _database(self, name: str) -> tuple[int, dict[str, Any]]:
        select = "SELECT number, properties FROM databases WHERE id = ?"
        row = self._connection.execute(select, (name,)).fetchone()
        if row is None:
            raise NotFound(ABSENT)
        return row[0], json.loads(row[1])

    # Containers

    def create_container(self, database: str, properties: Any) -> Container:
        """A new container.

        Raises:
            BadRequest: the service would refuse it with 400.
            NotFound: there is none of that name.
            Conflict: there is one of that name already.
        """
        number, parent = self._database(database)
        made = checked(properties)
        rid = _new_rid(8)
        made |= {"_rid": rid, "_self": f"{parent['_self']}colls/{rid}/", "_etag": new_etag()}
        made |= {"_ts": int(time.time()), "_docs": "docs/", "_sprocs": "sprocs/", "_conflicts": "conflicts/"}
        insert = "INSERT INTO containers (database, id, properties) VALUES (?, ?, ?)"
        self._insert(insert, number, made["id"], json.dumps(made))
        return self.container(database, made["id"])

    def containers(self, database: str) -> list[Mapping[str, Any]]:
        """The containers of a database.

        Raises:
            NotFound: there is none of that name.
        """
        number, _ = self._database(database)
        select = "SELECT properties FROM containers WHERE database = ? ORDER BY number"
        return [json.loads(properties) for (properties,) in self._connection.execute(select, (number,))]

    def known_container(self, database: str, name: str) -> Container | None:
        """A container that was asked for before; this reads nothing."""
        return self._found.get((database, name))

    def container(self, database: str, name: str) -> Container:
        """A container.

        Raises:
            NotFound: there is none of that name.
        """
        known = self.known_container(database, name)
        if known is not None:
            return known
        generation = self._generation
        select = (
            "SELECT containers.number, database, containers.properties FROM containers "
            "JOIN databases ON databases.number = database WHERE databases.id = ? AND containers.id = ?"
        )
        row = self._connection.execute(select, (database, name)).fetchone()
        if row is None:
            raise OwnerNotFound(ABSENT)
        container = Container(row[0], row[1], json.loads(row[2]))
        if generation == self._generation:  # or it may be gone by now
            self._found[database, name] = container
        return container

    def replace_container(self, database: str, name: str, properties: Any) -> Container:
        """Changes what may be changed of a container.

        Raises:
            BadRequest: the service would refuse it with 400.
            NotFound: there is none of that name.
        """
        container = self.container(database, name)
        made = checked(properties, container.properties)
        kept = {key: value for key, value in container.properties.items() if key.startswith("_")}
        made |= kept | {"id": name, "_etag": new_etag(), "_ts": int(time.time())}
        update = "UPDATE containers SET properties = ? WHERE number = ?"
        self._connection.execute(update, (json.dumps(made), container.number))
        self._forget_found()
        return self.container(database, name)

    def delete_container(self, database: str, name: str) -> None:
        """Deletes a container and its items.

        Raises:
            NotFound: there is none of that name.
        """
        container = self.container(database, name)
        self._connection.execute("DELETE FROM containers WHERE number = ?", (container.number,))
        self._forget_found()

    def has_container(self, number: int) -> bool:
        """Whether the container of a number is still there."""
        select = "SELECT 1 FROM containers WHERE number = ?"
        return self._connection.execute(select, (number,)).fetchone() is not None

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
        """An item.

        Raises:
            NotFound: there is none of that name.
        """
        found = self._item(container, partition, item_id)
        if found is None:
            raise NotFound(ABSENT)
        return found

    def partition(
        self, container: Container, partition: str, *, after: str = "", ids: Sequence[str] | None = None
    ) -> Iterator[StoredItem]:
        """The items of a partition in the order of their ids: those after one, or some of them."""
        select = f"SELECT {COLUMNS} FROM items WHERE container = ? AND partition = ? AND id > ?"  # noqa: S608 - our own
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
        select = f"SELECT partition, {COLUMNS} FROM items WHERE slot > ? AND +container = ? ORDER BY slot"  # noqa: S608 - our own
        rows = self._connection.execute(select, (slot, container.number))
        return ((row[0], StoredItem(*row[1:])) for row in rows)

    def at(self, slots: Sequence[int], *, vectors: bool) -> dict[int, StoredItem]:
        """The items in some slots, those that are still there, without their vectors if nobody needs them."""
        columns = COLUMNS if vectors else WITHOUT_VECTORS
        select = f"SELECT {columns} FROM items WHERE slot IN (SELECT value FROM json_each(?))"  # noqa: S608 - our own
        rows = self._connection.execute(select, (json.dumps(slots),))
        return {row[0]: StoredItem(*row) for row in rows}

    def last_slot(self) -> int:
        """The slot of the item that was written last."""
        return self._largest("SELECT MAX(slot) FROM items")

    def forgotten(self, after: int) -> Iterator[tuple[int, int]]:
        """The slots that were given up since a number, of all containers, each with its own number."""
        select = "SELECT number, slot FROM forgotten WHERE number > ? ORDER BY number"
        return self._connection.execute(select, (after,))

    def last_forgotten(self) -> int:
        """The number of the slot that was given up last."""
        return self._largest("SELECT MAX(number) FROM forgotten")

    def run(self, container: Container, partition: str, operation: Operation) -> Result:
        """Does one operation.

        Raises:
            ServiceError: the operation is refused, and nothing has changed; the class says why.
        """
        result, error = self.run_batch(container, partition, [operation])[0]
        if error is not None:
            raise error
        return result

    def run_batch(
        self, container: Container, partition: str, operations: Sequence[Operation]
    ) -> list[tuple[Result, ServiceError | None]]:
        """Does all operations or, where one of them fails, none: the others then have the status 424."""
        transaction = Transaction(self._connection, container, partition)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            results = self._run(transaction, operations)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        if results[-1][1] is None:
            self._connection.execute("COMMIT")
            return results
        self._connection.execute("ROLLBACK")
        failed = Result(HTTPStatus.FAILED_DEPENDENCY)
        after = [(failed, None)] * (len(operations) - len(results))
        return [(failed, None)] * (len(results) - 1) + [results[-1], *after]

    @staticmethod
    def _run(
        transaction: Transaction, operations: Sequence[Operation]
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

    def _largest(self, select: str) -> int:
        (number,) = self._connection.execute(select).fetchone()
        return number or 0

    def _item(self, container: Container, partition: str, item_id: str) -> StoredItem | None:
        return Transaction(self._connection, container, partition).item(item_id)

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """The store of a folder, which is made if need be; nobody has read anything of it yet."""
        folder.mkdir(parents=True, exist_ok=True)
        store = cls(folder / "cosmos.db")
        store._connection.execute("DELETE FROM forgotten")
        return store


def _new_rid(size: int) -> str:
    return base64.b64encode(secrets.token_bytes(size), b"+-").decode()
