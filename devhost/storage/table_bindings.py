"""The binding `table`, in and out: entities that cross as JSON.

As on Azure, `Timestamp` and `odata.etag` stay behind, and what a function puts out is a new entity unless its
JSON has an `ETag`.
"""

import base64
import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.functions.meta import Datum

from devhost.app import shown_json
from devhost.app.binding_expressions import BindingData
from devhost.app.bindings import Binding, text_datum
from devhost.errors import BindingFailed
from devhost.storage.storage_connection import StorageConnections
from devhost.worker.worker import Worker

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient

_KEYS = ("PartitionKey", "RowKey")
_RESERVED = {"partitionkey": "PartitionKey", "rowkey": "RowKey", "etag": "ETag"}  # in any case
_NO_TABLE = ("TableNotFound", "ResourceNotFound")
_LARGEST_TRANSACTION = 100  # operations, by the rules of the table service
_NO_DATA_TABLES = "the package azure-data-tables is not installed: pip install azure-data-tables"

Entity: TypeAlias = dict[str, Any]
Operation: TypeAlias = tuple[
    Any, ...
]  # as TableClient.submit_transaction takes them; the entity comes second


class TableBindings:
    """Reads and writes entities for the calls of one app."""

    def __init__(self, connections: StorageConnections) -> None:
        self._connections = connections

    def offer_to(self, worker: Worker) -> None:
        """Lets the worker's functions use the binding."""
        worker.provide_input("table", self.read)
        worker.provide_output("table", self.write)

    async def read(self, binding: Binding, data: BindingData) -> Datum:
        """A list of the entities that fit: as on Azure a `rowKey` narrows it no further than its partition.

        Raises:
            BindingFailed, ConnectionUnusable, UnresolvedExpression: it cannot be read.
        """
        partition = _expanded(binding, "partitionKey", data)
        with _told_as_failure(binding, data) as name:
            connection = self._connections.of(binding.properties)
            table = connection.tables.get_table_client(name)
            try:
                entities = await connection.ask(lambda: _list(table, binding, partition, data))
            except ResourceNotFoundError:
                entities = []
            return text_datum(shown_json.compact(entities))

    async def write(self, binding: Binding, value: Datum, data: BindingData) -> None:
        """Writes one entity, or each of a list; the table is created if there is none.

        Raises:
            BindingFailed, ConnectionUnusable, UnresolvedExpression: it cannot be written.
        """
        keys = {name: _expanded(binding, name[0].lower() + name[1:], data) or None for name in _KEYS}
        with _told_as_failure(binding, data) as name:
            connection = self._connections.of(binding.properties)
            table = connection.tables.get_table_client(name)
            operations = [_operation({**keys, **entity}) for entity in _entities_of(value)]
            for transaction in _transactions(operations):
                await connection.ask(partial(_submit, table, transaction))


async def _list(table: "TableClient", binding: Binding, partition: str, data: BindingData) -> list[Entity]:
    """The entities of a partition, or of all, that fit the binding's filter, up to its `take`."""
    quoted = partition.replace("'", "''")
    wanted = [f"PartitionKey eq '{quoted}'"] if partition else []
    if written := _expanded(binding, "filter", data):
        wanted.append(f"({written})")
    take = int(binding.properties.get("take") or 0)
    found: list[Entity] = []
    async for entity in table.query_entities(" and ".join(wanted), results_per_page=take or None):
        found.append(_shown(entity))
        if len(found) == take:
            break
    return found


async def _submit(table: "TableClient", transaction: list[Operation]) -> None:
    try:
        await table.submit_transaction(transaction)
    except HttpResponseError as error:
        if getattr(error, "error_code", None) not in _NO_TABLE:
            raise
        with contextlib.suppress(ResourceExistsError):
            await table.create_table()
        await table.submit_transaction(transaction)


def _transactions(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Operations in portions that the service takes as a whole: of one partition, each row once."""
    open_ones: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        partition, row = operation[1]["PartitionKey"], operation[1]["RowKey"]
        rows = open_ones.setdefault(partition, {})
        if row in rows or len(rows) == _LARGEST_TRANSACTION:
            yield [*rows.values()]
            rows.clear()
        rows[row] = operation
    yield from ([*rows.values()] for rows in open_ones.values())


def _entities_of(value: Datum) -> list[Entity]:
    text = value.value.decode() if isinstance(value.value, bytes) else str(value.value)
    content = shown_json.read(text)
    entities = content if isinstance(content, list) else [content]
    if not all(isinstance(entity, dict) for entity in entities):
        raise ValueError("what goes out is not a JSON object, nor a list of them")
    return [{_RESERVED.get(n.lower(), n): member for n, member in entity.items()} for entity in entities]


def _operation(entity: Entity) -> Operation:
    from azure.data.tables import UpdateMode  # noqa: PLC0415 - many apps need not load it

    entity |= {name: _key(name, entity[name]) for name in _KEYS}
    etag = entity.pop("ETag", None)
    written = {name: _written(member) for name, member in entity.items() if member is not None}
    if not etag:
        return "create", written
    if etag == "*":
        return "upsert", written, {"mode": UpdateMode.REPLACE}
    condition = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
    return "update", written, {"mode": UpdateMode.REPLACE, **condition}


def _key(name: str, value: Any) -> str:
    """A key as text, as .NET takes numbers and booleans for the texts that it shows of them."""
    match value:
        case None:
            raise ValueError(f"an entity has no {name}")
        case dict() | list():
            raise ValueError(f"an entity's {name} is {shown_json.compact(value)}, not a text")
    return shown_json.shown(value)


def _written(member: Any) -> Any:
    """A member as the service stores it: whole numbers with 64 bits, and as text what it has no type for."""
    from azure.data.tables import EdmType, EntityProperty  # noqa: PLC0415 - as above

    if isinstance(member, int) and not isinstance(member, bool):
        return EntityProperty(member, EdmType.INT64)
    return shown_json.compact(member) if isinstance(member, dict | list) else member


def _shown(entity: Entity) -> Entity:
    """An entity as JSON has it."""
    return {name: _plain(member) for name, member in entity.items()}


def _plain(member: Any) -> Any:
    from azure.data.tables import EntityProperty  # noqa: PLC0415 - as above

    match member:
        case EntityProperty():
            return _plain(member.value)
        case datetime():
            return member.isoformat()
        case bytes():
            return base64.b64encode(member).decode()
        case None | bool() | int() | float() | str():
            return member
    return str(member)


def _expanded(binding: Binding, name: str, data: BindingData) -> str:
    return data.expand(str(binding.properties.get(name) or ""))


@contextlib.contextmanager
def _told_as_failure(binding: Binding, data: BindingData) -> Iterator[str]:
    """Gives the table's name; what fails inside is a failure of the binding."""
    name = _expanded(binding, "tableName", data)
    try:
        yield name
    except ModuleNotFoundError as error:
        raise BindingFailed(binding.name, f"the table '{name}'", _NO_DATA_TABLES) from error
    except (AzureError, ValueError) as error:
        raise BindingFailed(binding.name, f"the table '{name}'", str(error).partition("\n")[0]) from error
