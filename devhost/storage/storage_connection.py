"""Storage accounts as app settings name them, and the clients of their queues, blobs and tables.

Says once when an account stops answering, and once when it answers again. The SDK retries nothing: who polls
asks again anyway, and the others wait with `Patience`.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.credentials_async import AsyncTokenCredential

from devhost.errors import ConnectionUnusable
from devhost.settings.app_settings import app_setting
from devhost.settings.local_settings import CONNECTION_STRINGS
from devhost.storage.patience import Patience

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient
    from azure.storage.blob.aio import BlobServiceClient
    from azure.storage.queue.aio import QueueServiceClient

logger = logging.getLogger(__name__)

T = TypeVar("T")

DEFAULT_CONNECTION = "AzureWebJobsStorage"

_PREFIX = "AzureWebJobs"
_HOST = "http://127.0.0.1"
_EMULATOR = (  # the account and key that every emulator has, as Microsoft documents them
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    f"BlobEndpoint={_HOST}:10000/devstoreaccount1;QueueEndpoint={_HOST}:10001/devstoreaccount1;"
    f"TableEndpoint={_HOST}:10002/devstoreaccount1;"
)
_SERVICES = ("blob", "queue", "table")
_SERVICE_IN_HOST = re.compile(r"(?<=\.)(blob|queue|table)(?=\.)")
_CLIENT_OPTIONS = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 30}


class StorageConnection:
    """One storage account; clients are made at first use and closed with it.

    `name` is a setting with a connection string or an account's URL, or the prefix of settings such as
    `<name>__queueServiceUri`; each may also begin with AzureWebJobs.
    """

    def __init__(self, patience: Patience, name: str = DEFAULT_CONNECTION) -> None:
        """Reads the settings; no connection is made.

        Raises:
            ConnectionUnusable: none of them is set.
        """
        self.name = name
        self._patience = patience
        self._value = _first_setting(name)
        self._opened: list[AbstractAsyncContextManager[Any]] = []
        self._queues: QueueServiceClient | None = None
        self._blobs: BlobServiceClient | None = None
        self._tables: TableServiceClient | None = None
        self._is_down = False
        if not self._value and not any(map(self._identity_url, _SERVICES)):
            raise ConnectionUnusable(name, "is missing")

    @property
    def queues(self) -> "QueueServiceClient":
        """The account's queues."""
        from azure.storage.queue.aio import QueueServiceClient  # noqa: PLC0415 - many apps need not load it

        if self._queues is None:
            self._queues = self._open(QueueServiceClient, "queue")
        return self._queues

    @property
    def blobs(self) -> "BlobServiceClient":
        """The account's blobs."""
        from azure.storage.blob.aio import BlobServiceClient  # noqa: PLC0415 - many apps need not load it

        if self._blobs is None:
            self._blobs = self._open(BlobServiceClient, "blob")
        return self._blobs

    @property
    def tables(self) -> "TableServiceClient":
        """The account's tables; raises ModuleNotFoundError where their SDK is not installed."""
        from azure.data.tables.aio import TableServiceClient  # noqa: PLC0415 - many apps need not have it

        if self._tables is None:
            self._tables = self._open(TableServiceClient, "table")
        return self._tables

    async def ask(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Does something that may be done again, for as long as the account is away, within `PATIENCE`.

        Raises:
            AzureError: it was refused, or the account was away all the time.
        """
        result = await self._patience.ask(operation, self.fails)
        self.answers()
        return result

    def answers(self) -> None:
        """Takes note that the account answered."""
        if self._is_down:
            logger.info("The storage of '%s' answers again.", self.name)
        self._is_down = False

    def fails(self, error: Exception) -> None:
        """Takes note that the account did not answer, or refused."""
        if not self._is_down:
            logger.warning(
                "The storage of '%s' does not answer: start the storage emulator or correct the setting. "
                "It is asked again until it does. (%s)",
                self.name,
                str(error).partition("\n")[0],
            )
        self._is_down = True

    async def close(self) -> None:
        """Closes what was opened."""
        while self._opened:
            await self._opened.pop().__aexit__(None, None, None)
        self._queues = self._blobs = self._tables = None

    def _open(self, client_class: Any, service: str) -> Any:
        value = self._value or ""
        if value and not value.startswith(("http://", "https://")):
            client = self._from_connection_string(client_class, _expanded(value))
        else:
            url = _SERVICE_IN_HOST.sub(service, value) or self._identity_url(service)
            if not url:
                raise ConnectionUnusable(
                    self.name, f"is missing, and so is '{self.name}__{service}ServiceUri'"
                )
            client = client_class(url, credential=self._credential(), **_CLIENT_OPTIONS)
        self._opened.append(client)
        return client

    def _from_connection_string(self, client_class: Any, connection_string: str) -> Any:
        try:
            return client_class.from_connection_string(connection_string, **_CLIENT_OPTIONS)
        except ValueError as error:
            raise ConnectionUnusable(self.name, "is not a connection string") from error

    def _identity_url(self, service: str) -> str:
        if url := _first_setting(f"{self.name}__{service}ServiceUri"):
            return url
        account = _first_setting(f"{self.name}__accountName")
        return f"https://{account}.{service}.core.windows.net" if account else ""

    def _credential(self) -> AsyncTokenCredential:
        from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - many apps need not load it

        client_id = _first_setting(f"{self.name}__clientId") or None
        credential = DefaultAzureCredential(managed_identity_client_id=client_id)
        self._opened.append(credential)
        return credential


class StorageConnections:
    """The accounts that an app's bindings name, each opened once."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._connections: dict[str, StorageConnection] = {}

    def of(self, properties: Any) -> StorageConnection:
        """The account that a binding's properties name.

        Raises:
            ConnectionUnusable: no setting of that name is set.
        """
        name = str(properties.get("connection") or DEFAULT_CONNECTION)
        if name not in self._connections:
            self._connections[name] = StorageConnection(self._patience, name)
        return self._connections[name]

    async def close(self) -> None:
        """Closes them all."""
        for connection in self._connections.values():
            await connection.close()


def _first_setting(name: str) -> str:
    names = (f"{_PREFIX}{name}", name, f"{CONNECTION_STRINGS}{name}")
    return next(filter(None, map(app_setting, names)), "")


def _expanded(connection_string: str) -> str:
    is_emulator = "usedevelopmentstorage=true" in connection_string.replace(" ", "").lower()
    return _EMULATOR if is_emulator else connection_string
