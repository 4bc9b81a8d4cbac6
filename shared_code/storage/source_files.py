"""The files of a container that jobs embed: lists them, reads one, looks whether one is still there.

AppError <- StorageError: ContainerNotFound
         <- UnreadableFile: FileVanished, FileReplaced, FileArchived, FileTooLarge

Only reads; what is made of the files is not known here.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Self

from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import StorageErrorCode
from azure.storage.blob.aio import ContainerClient

from shared_code.errors import AppError, EndpointUnusable, StorageError
from shared_code.storage.reading import TooManyBytes, read_blob

_NAMES_PER_PAGE = 5_000  # the most that the service answers
_ARCHIVED = {StorageErrorCode.BLOB_ARCHIVED, StorageErrorCode.BLOB_BEING_REHYDRATED}
_READS = 3


class ContainerNotFound(StorageError):
    """The container of the files does not exist."""


class UnreadableFile(AppError):
    """A file cannot be read from storage."""


class FileVanished(UnreadableFile):
    """The file was listed and is gone: it was deleted or renamed while the job ran."""


class FileReplaced(UnreadableFile):
    """The file was replaced each time while it was read: run the job again."""


class FileArchived(UnreadableFile):
    """The file is in the archive tier: rehydrate it, and run the job again when that has ended."""


class FileTooLarge(UnreadableFile):
    """The file is larger than the limit."""

    @classmethod
    def past(cls, limit: int) -> "FileTooLarge":
        """The error for more than `limit` bytes."""
        return cls(f"The file has more than {limit:,} bytes: split it, or raise MAX_FILE_MB.")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was listed; `size` in bytes."""

    name: str
    size: int
    etag: str

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Reads what to_json wrote."""
        return cls(**value)


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file as it was read."""

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class FilePage:
    """Part of a listing, in the account's own order; `token` leads to the next part, None at the end."""

    files: list[SourceFile]
    token: str | None


class SourceFiles:
    """The files of one container."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container
        self.container: str = container.container_name

    async def pages(
        self, prefix: str, token: str | None, *, per_page: int = _NAMES_PER_PAGE
    ) -> AsyncIterator[FilePage]:
        """Lists the files below a prefix from a token on.

        Raises:
            ContainerNotFound: there is no such container.
            EndpointUnusable: the list has no end.
        """
        listing = self._list(prefix, per_page).by_page(token)
        with self._named_if_missing():
            async for page in listing:
                files = [_file(blob) async for blob in page if not _is_folder(blob)]
                before, token = token, listing.continuation_token or None
                if token and token == before:
                    raise EndpointUnusable("Storage lists the same files again and again: check its address.")
                yield FilePage(files, token)

    async def find(self, name: str) -> SourceFile | None:
        """The file of that name, as it is listed.

        Raises:
            ContainerNotFound: there is no such container.
        """
        with self._named_if_missing():
            # In any order a name comes before those that begin with it.
            async for blob in self._list(name, 1):
                return _file(blob) if blob.name == name and not _is_folder(blob) else None
        return None

    async def read(self, name: str, *, limit: int) -> FileContent:
        """Reads a whole file of at most `limit` bytes; from the start when it is replaced meanwhile.

        Raises:
            UnreadableFile: it is gone, archived, replaced too often or, by now, larger.
        """
        for _ in range(_READS):
            try:
                return await self._read(name, limit)
            except ResourceModifiedError:
                continue
        raise FileReplaced

    async def _read(self, name: str, limit: int) -> FileContent:
        try:
            blob = await read_blob(self._container, name, limit=limit)
            return FileContent(blob.data, blob.etag)
        except TooManyBytes:
            raise FileTooLarge.past(limit) from None
        except ResourceNotFoundError:
            raise FileVanished from None
        except HttpResponseError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
            raise _unreadable(error) from None

    async def exists(self, name: str) -> bool:
        """Whether there is such a file now."""
        return await self._container.get_blob_client(name).exists()

    def _list(self, prefix: str, per_page: int) -> Any:
        # Only metadata show whether a blob of a hierarchical account is a folder or an empty file.
        return self._container.list_blobs(
            name_starts_with=prefix, include=["metadata"], results_per_page=per_page
        )

    @contextmanager
    def _named_if_missing(self) -> Iterator[None]:
        """Names the container where there is none."""
        try:
            yield
        except ResourceNotFoundError:
            raise ContainerNotFound(
                f"Container {self.container} does not exist: check filesPath, or create it."
            ) from None


def _file(blob: Any) -> SourceFile:
    return SourceFile(blob.name, blob.size, blob.etag)


def _unreadable(conflict: HttpResponseError) -> UnreadableFile:
    """Why a file cannot be read in the state that it is in."""
    reason = getattr(conflict, "error_code", None)  # the SDK adds it, as its enum has it if it knows it
    if reason in _ARCHIVED:
        return FileArchived()
    return UnreadableFile(f"Storage refuses to read the file: {getattr(reason, 'value', reason)}.")


def _is_folder(blob: Any) -> bool:
    """Whether a blob only stands for a folder."""
    is_marked = (blob.metadata or {}).get("hdi_isfolder", "").lower() == "true"
    return bool(blob.size == 0 and (is_marked or blob.name.endswith("/")))
