"""Receipts: which blobs a function has been called for, kept where and as the Functions host keeps them."""

import contextlib
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from devhost.settings.app_settings import app_setting

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient

CONTAINER = "azure-webjobs-hosts"

_HOST_ID = "AzureFunctionsWebHost__hostid"
_LONGEST_HOST_ID = 32


def host_id(app_dir: Path) -> str:
    """The name of the app's host in its storage: that of its setting, or one made of its folder's path."""
    if setting := app_setting(_HOST_ID):
        return setting.lower()
    path = app_dir.resolve()
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:10]
    name = re.sub("[^a-z0-9]+", "-", path.name.lower()).strip("-") or "app"
    return f"{name[: _LONGEST_HOST_ID - len(digest) - 1].rstrip('-')}-{digest}"


class BlobReceipts:
    """The receipts of one function; what storage says of them is kept in mind."""

    def __init__(self, blobs: "BlobServiceClient", *, host: str, function: str) -> None:
        self._container = blobs.get_container_client(CONTAINER)
        self._folder = f"blobreceipts/{host}/Host.Functions.{function}"
        self._known: set[str] | None = None

    async def holds(self, etag: str, path: str) -> bool:
        """Whether there is a receipt for a version of a blob; `path` is container and name."""
        if self._known is None:
            self._known = await self._read()
        return self._name(etag, path) in self._known

    async def add(self, etag: str, path: str) -> None:
        """Writes a receipt."""
        name = self._name(etag, path)
        try:
            await self._write(name)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                await self._container.create_container()
            await self._write(name)
        if self._known is not None:
            self._known.add(name)

    async def _read(self) -> set[str]:
        try:
            return {
                name async for name in self._container.list_blob_names(name_starts_with=self._folder + "/")
            }
        except ResourceNotFoundError:
            return set()

    async def _write(self, name: str) -> None:
        with contextlib.suppress(ResourceExistsError):
            await self._container.upload_blob(name, b"")

    def _name(self, etag: str, path: str) -> str:
        return f'{self._folder}/"{etag}"/{path}'
