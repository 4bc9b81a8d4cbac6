"""The client of a blob account, in every form in which a setting may say where the account is."""

from collections.abc import Callable
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.storage.blob.aio import BlobServiceClient

# Every run of a job is open at once while their union is counted.
CHUNK_SIZE = 256 * 1024
_OPTIONS: dict[str, Any] = {
    # The SDK's waits, from fifteen seconds on, would hold an activity that its workflow can repeat anyway.
    "retry_total": 5,
    "initial_backoff": 1,
    "increment_base": 2,
    "max_single_get_size": CHUNK_SIZE,
    "max_chunk_get_size": CHUNK_SIZE,
}


def blob_service(
    storage: str, credential: Callable[[], AsyncTokenCredential], *, transport: Any
) -> BlobServiceClient:
    """The client of an account; the credential is asked for only if nothing else signs in.

    Args:
        storage: a connection string or an account URL, which may carry a shared access signature.
        credential: gives the app's identity.
        transport: of the SDK, to send requests with.

    Raises:
        ValueError: it is neither. The message may quote it.
    """
    if not storage.startswith(("https://", "http://")):
        return BlobServiceClient.from_connection_string(storage, transport=transport, **_OPTIONS)
    sign_in = None if "sig=" in storage else credential()
    return BlobServiceClient(storage, credential=sign_in, transport=transport, **_OPTIONS)
