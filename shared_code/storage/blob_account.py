"""The client of a blob account, in every form in which a setting may say where the account is."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import StorageErrorCode
from azure.storage.blob.aio import BlobServiceClient, ContainerClient, ExponentialRetry

from shared_code.http_pool import Clock

Written = TypeVar("Written")

# Every run of a job is open at once while their union is counted.
CHUNK_SIZE = 256 * 1024
_OPTIONS: dict[str, Any] = {
    "max_single_get_size": CHUNK_SIZE,
    "max_chunk_get_size": CHUNK_SIZE,
}


class _Retries(ExponentialRetry):
    """The SDK's own retries, by a clock that is given.

    The SDK's waits, from fifteen seconds on, would hold an activity that its workflow can repeat anyway.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(initial_backoff=1, increment_base=2, retry_total=5)
        self._clock = clock

    async def sleep(self, settings: dict[str, Any], transport: Any) -> None:  # noqa: ARG002 - not by its clock
        """Waits before a retry."""
        await self._clock.sleep(self.get_backoff_time(settings))


def blob_service(
    storage: str, credential: Callable[[], AsyncTokenCredential], *, transport: Any, clock: Clock
) -> BlobServiceClient:
    """The client of an account; the credential is asked for only if nothing else signs in.

    Args:
        storage: a connection string or an account URL, which may carry a shared access signature.
        credential: gives the app's identity.
        transport: of the SDK, to send requests with.
        clock: by which it waits between two tries.

    Raises:
        ValueError: it is neither. The message may quote it.
    """
    options = {**_OPTIONS, "transport": transport, "retry_policy": _Retries(clock)}
    if not storage.startswith(("https://", "http://")):
        return BlobServiceClient.from_connection_string(storage, **options)
    sign_in = None if "sig=" in storage else credential()
    return BlobServiceClient(storage, credential=sign_in, **options)


async def written_to(container: ContainerClient, write: Callable[[], Awaitable[Written]]) -> Written:
    """What a write to a container gives, which is created first if it is not there.

    Raises:
        HttpResponseError: one of this name is being deleted, which takes storage half a minute.
        Exception: whatever the write raises.
    """
    try:
        return await write()
    except ResourceNotFoundError:
        await _create(container)
        return await write()


async def _create(container: ContainerClient) -> None:
    """Creates a container, unless somebody has."""
    try:
        await container.create_container()
    except ResourceExistsError as error:
        if getattr(error, "error_code", None) == StorageErrorCode.CONTAINER_BEING_DELETED:
            raise HttpResponseError(response=error.response) from error
